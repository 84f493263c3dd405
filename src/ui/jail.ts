import { constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { RUN_FILES } from '../runs/record.ts'

/** The name of a folder or file, and of nothing else: no separator, not hidden, neither `.` nor `..`. */
export function isName(text: string): boolean {
  return /^(?!\.)[^/\\\0]{1,255}$/.test(text)
}

/** Whether the path, with every link in it followed, is below the folder. */
export function isInside(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(realpathSync(folder) + sep)
  } catch {
    return false
  }
}

/** The folder `root/<names>`, or undefined where it is not there, or a link leads elsewhere. */
export function folderBelow(root: string, ...names: readonly string[]): string | undefined {
  if (!names.every(isName)) return undefined
  const folder = join(root, ...names)
  return isInside(folder, root) ? folder : undefined
}

/** A file of the folder that is a link to outside of the root: whoever made the run folder wants it read. */
export function strayLink(folder: string, root: string): string | undefined {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries.find((entry) => {
    const path = join(folder, entry.name)
    return entry.isSymbolicLink() && isFile(path) && !isInside(path, root)
  })?.name
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

const TEXT = 'text/plain; charset=utf-8'
const TYPES: readonly (readonly [name: RegExp, type: string])[] = [
  [/^confusion-[\w.-]+\.svg$/, 'image/svg+xml'],
  [/^evaluation-[\w.-]+\.json$/, TEXT],
]
const FIXED: Readonly<Record<string, string>> = {
  [RUN_FILES.record]: TEXT,
  [RUN_FILES.pipeline]: TEXT,
  [RUN_FILES.resolved]: TEXT,
  [RUN_FILES.metrics]: TEXT,
  [RUN_FILES.summary]: TEXT,
  [RUN_FILES.freeze]: TEXT,
  [RUN_FILES.predictionTable]: TEXT,
  [RUN_FILES.predictions]: TEXT,
  [RUN_FILES.indexSummary]: TEXT,
  [RUN_FILES.augmentation]: 'image/png',
}

/** How a file of a run folder is shown; undefined for those that are not. */
export function typeOf(name: string): string | undefined {
  if (Object.hasOwn(FIXED, name)) return FIXED[name]
  return TYPES.find(([fits]) => fits.test(name))?.[1]
}

/** The files of a run folder that are shown, in their order. */
export function shownFiles(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  const there = entries.filter((entry) => entry.isFile() && typeOf(entry.name) !== undefined)
  return there.map(({ name }) => name).sort()
}

/** A file that is shown, open for reading: no link is followed, and nothing but a file is opened. */
export async function openShown(folder: string, name: string): Promise<FileHandle | undefined> {
  if (typeOf(name) === undefined) return undefined
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  // Windows has neither flag, and no links that anybody may make.
  const flags = O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0)
  const file = await open(join(folder, name), flags).catch(() => undefined)
  if (file && !(await file.stat()).isFile()) {
    await file.close()
    return undefined
  }
  return file
}
