import { PipelineError } from '../util/diagnostic.ts'
import { byCodePoint } from '../util/json.ts'
import { closest } from '../util/suggest.ts'
import { below, isFolder, picturesBelow, subfolders } from './index-source.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Candidate, Ignored, Listing } from './index-source.ts'

export interface FolderLayout {
  /** Absolute. */
  readonly source: string
  /** Folder inside the source; '' for the source itself. */
  readonly root: string
  /** Split name -> folder below root; `.` is root itself. */
  readonly splits: Readonly<Record<string, string>>
  /** Order and subset; default: all class folders of all splits, sorted by code point. */
  readonly classes?: readonly string[] | undefined
}

/**
 * Folders layout: `root/<split folder>/<class>/…/picture`. Within a split the order is class by class, then by
 * code point of the path. Class names are compared and kept in Unicode NFC, as file systems disagree.
 * Throws NO_SUCH_FOLDER (every missing folder at once), BAD_SPLIT for a split without class folders.
 */
export function listFolders(layout: FolderLayout): Listing {
  const root = below(layout.source, layout.root, 'dataset.root')
  const problems: Diagnostic[] = []
  if (!isFolder(root)) throw new PipelineError([missingFolder(layout.source, layout.root, 'root')])
  const found = new Map<string, Map<string, string[]>>()
  for (const [split, folder] of Object.entries(layout.splits)) {
    const at = below(root, folder, `dataset.splits.${split}`)
    if (!isFolder(at)) problems.push(missingFolder(root, folder, `splits.${split}`))
    else found.set(split, classFolders(at))
  }
  if (problems.length === 0) problems.push(...structureProblems(layout, root, found))
  if (problems.length > 0) throw new PipelineError(problems)
  const there = [...new Set([...found.values()].flatMap((folders) => [...folders.keys()]))]
  const classes = layout.classes?.map(nfc) ?? there.sort(byCodePoint)
  return collect(layout, root, found, classes)
}

function collect(
  layout: FolderLayout,
  root: string,
  found: ReadonlyMap<string, ReadonlyMap<string, string[]>>,
  classes: readonly string[],
): Listing {
  const ignored: Ignored = {}
  const candidates: Candidate[] = []
  for (const [split, folders] of found) {
    const prefix = joinPosix(layout.root, layout.splits[split]!)
    for (const label of classes) {
      const paths = (folders.get(label) ?? []).flatMap((name) => {
        const at = joinPosix(prefix, name)
        const folder = below(below(root, layout.splits[split]!, ''), name, '')
        return picturesBelow(folder, ignored).map((p) => `${at}/${p}`)
      })
      for (const path of paths) candidates.push({ path, label, split })
    }
  }
  return { candidates, classes, ignored }
}

/** Class name -> its folder names: more than one only where names differ in Unicode form alone. */
function classFolders(folder: string): Map<string, string[]> {
  const classes = new Map<string, string[]>()
  for (const name of subfolders(folder)) {
    classes.set(nfc(name), [...(classes.get(nfc(name)) ?? []), name])
  }
  return classes
}

function structureProblems(
  layout: FolderLayout,
  root: string,
  found: ReadonlyMap<string, ReadonlyMap<string, string[]>>,
): Diagnostic[] {
  const problems: Diagnostic[] = []
  for (const [split, folders] of found) {
    if (folders.size > 0) continue
    const at = below(root, layout.splits[split]!, '')
    problems.push({
      code: 'BAD_SPLIT',
      message: `split "${split}" has no class folders: ${at} holds no folder`,
      hint: 'put the pictures of each class into a folder of its own, or use layout: {csv: …}',
    })
  }
  const there = [...new Set([...found.values()].flatMap((folders) => [...folders.keys()]))]
  for (const label of (layout.classes ?? []).map(nfc)) {
    if (problems.length > 0 || there.includes(label)) continue
    const near = closest(label, there)
    problems.push({
      code: 'NO_SUCH_FOLDER',
      message: `dataset.classes names "${label}", which no split has a folder for`,
      hint: `${near === undefined ? '' : `did you mean "${near}"? `}the folders are: ${listed(there)}`,
    })
  }
  return problems
}

/** Names the absolute path looked at, what is there instead, and the edit that would help if one is plain. */
function missingFolder(parent: string, folder: string, key: string): Diagnostic {
  const parts = folder.split('/').filter((part) => part !== '' && part !== '.')
  let at = parent
  let depth = 0
  while (depth < parts.length && isFolder(below(at, parts[depth]!, ''))) {
    at = below(at, parts[depth]!, '')
    depth += 1
  }
  const there = isFolder(at) ? subfolders(at) : []
  const wanted = parts[depth] ?? folder
  const near = closest(wanted, there)
  const inside = there.find((name) => isFolder(below(at, joinPosix(name, wanted), '')))
  let hint = isFolder(at)
    ? `in ${at} there ${there.length === 0 ? 'is no folder' : `are: ${listed(there)}`}`
    : `${at} does not exist; check dataset.source`
  if (near !== undefined) hint = `did you mean "${near}"? ${hint}`
  else if (inside !== undefined) {
    hint = `it is inside "${inside}": ${key === 'root' ? `root: ${inside}/${folder}` : `set dataset.root to the folder that holds it`}; ${hint}`
  }
  return {
    code: 'NO_SUCH_FOLDER',
    message: `dataset.${key}: no folder ${below(parent, folder, `dataset.${key}`)}`,
    hint,
  }
}

export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ')
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown
}

export function joinPosix(...parts: readonly string[]): string {
  return parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

export function nfc(text: string): string {
  return text.normalize('NFC')
}
