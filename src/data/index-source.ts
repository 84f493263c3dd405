import { readdirSync, realpathSync, statSync, type Dirent } from 'node:fs'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { byCodePoint } from '../util/json.ts'
import { hasPictureExtension } from './formats/table.ts'

/** A picture that a layout found, before anything was opened. */
export interface Candidate {
  /** POSIX, relative to the source. */
  readonly path: string
  readonly label: string
  /** The split that it is read for; a part may take it from there. */
  readonly split: string
}

/** Files that are no pictures, by lower-case extension. */
export type Ignored = Record<string, number>

/** What a layout makes of a source. */
export interface Listing {
  /** In index order within each split. */
  readonly candidates: readonly Candidate[]
  readonly classes: readonly string[]
  readonly ignored: Ignored
}

/**
 * The path below `source`, made of `/` separated parts, refused where it would lead out of it.
 * Symbolic links of a local source are followed: they are the user's own.
 */
export function below(source: string, path: string, what: string): string {
  const clean = normalize(path)
  if (isAbsolute(clean) || clean === '..' || clean.startsWith(`..${sep}`) || clean.includes('\0')) {
    throw failure('WRONG_VALUE', `${what} ${JSON.stringify(path)} leads out of the source`, {
      hint: 'write it relative to the source, without ".."',
    })
  }
  return join(source, clean)
}

/** Names of the folders directly inside, sorted by code point; hidden ones and archive droppings left out. Throws BAD_IMAGE. */
export function subfolders(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => !isHidden(entry.name))
    .filter((entry) => {
      return entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name)))
    })
    .map((entry) => entry.name)
    .sort(byCodePoint)
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    throw failure('BAD_IMAGE', `no permission to read the folder ${folder}`, { cause: error })
  }
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/**
 * All pictures below the folder, as POSIX paths relative to it, in code-point order. Links are followed, but
 * never into a folder that contains them. Hidden files and folders, and `__MACOSX`, are left out. Throws BAD_IMAGE for a folder
 * that may not be read.
 */
export function picturesBelow(folder: string, ignored: Ignored): string[] {
  const found: string[] = []
  const walk = (at: string, relative: string, chain: readonly string[]): void => {
    for (const entry of entriesOf(at)) {
      const { name } = entry
      if (isHidden(name)) continue
      const path = relative === '' ? name : `${relative}/${name}`
      const link = entry.isSymbolicLink()
      if (entry.isDirectory() || (link && isFolder(join(at, name)))) {
        const real = link ? realpathSync(join(at, name)) : join(chain.at(-1)!, name)
        if (!chain.includes(real)) walk(join(at, name), path, [...chain, real])
      } else if (
        hasPictureExtension(name) &&
        (entry.isFile() || (link && isReadable(join(at, name))))
      ) {
        found.push(path)
      } else count(ignored, name)
    }
  }
  walk(folder, '', [realpathSync(folder)])
  return found.sort(byCodePoint)
}

/** Not a pipe, which whoever opened it would wait for; a link that leads nowhere is a bad picture, told later. */
function isReadable(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return true
  }
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX'
}

function count(ignored: Ignored, name: string): void {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot).toLowerCase() : '(no extension)'
  ignored[extension] = (ignored[extension] ?? 0) + 1
}
