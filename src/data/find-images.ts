import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { failure, PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { expandBraces, isGlob, stepPattern } from '../util/glob.ts'
import { byCodePoint } from '../util/json.ts'
import { didYouMean } from '../util/suggest.ts'
import { hasPictureExtension } from './formats/table.ts'
import { picturesBelow } from './index-source.ts'

export interface FoundImage {
  /** Absolute. */
  readonly path: string
  /** As a person would write it: what was named, and for folders and patterns what was found below. */
  readonly name: string
}

/**
 * The pictures that paths name: files (whatever their extension), folders (all pictures below them) and patterns (the
 * pictures that match; `**` is any number of folders). In the order of the paths, those of one by code point, none twice.
 * What names nothing is a problem of its own (BAD_IMAGE): what is not there, a place without pictures, a pipe.
 */
export function findImages(
  named: readonly string[],
  cwd: string,
): { readonly images: readonly FoundImage[]; readonly problems: readonly Diagnostic[] } {
  const images = new Map<string, FoundImage>()
  const problems: Diagnostic[] = []
  for (const path of named) {
    try {
      for (const name of namesOf(path, cwd)) {
        const absolute = resolve(cwd, name)
        if (!images.has(absolute)) images.set(absolute, { path: absolute, name })
      }
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      problems.push(...error.diagnostics)
    }
  }
  return { images: [...images.values()], problems }
}

/** Throws BAD_IMAGE where there is none. */
function namesOf(path: string, cwd: string): readonly string[] {
  const stat = statOf(path, cwd)
  if (stat?.isDirectory()) {
    const found = picturesBelow(resolve(cwd, path), {}).map((below) => joined(path, below))
    if (found.length === 0) throw empty(`the folder ${path} holds no pictures`)
    return found
  }
  if (stat?.isFile()) return [path]
  // To open a pipe would be to wait for whoever writes into it.
  if (stat || path === '-') throw notStored(path)
  if (!isGlob(path)) throw missing(path, cwd)
  const found = expandBraces(path.replaceAll('\\', '/')).flatMap((pattern) => matches(pattern, cwd))
  if (found.length === 0) throw empty(`no picture matches ${path}`)
  return [...new Set(found)]
}

/** The pictures that a pattern without braces matches. */
function matches(pattern: string, cwd: string): string[] {
  const steps = pattern.split('/')
  const found: string[] = []
  const walk = (at: string, from: number): void => {
    const step = steps[from]!
    const isLast = from === steps.length - 1
    if (step === '**') {
      const folder = at === '' ? '.' : at
      if (isLast) return void found.push(...below(folder, cwd).map((name) => joined(at, name)))
      walk(at, from + 1)
      for (const name of entries(at, cwd)) {
        const path = joined(at, name)
        if (!name.startsWith('.') && isOwnFolder(path, cwd)) walk(path, from)
      }
      return
    }
    if (!isGlob(step)) {
      const path = from === 0 && step === '' ? '/' : joined(at, step)
      if (!isLast) walk(path, from + 1)
      else if (isFile(path, cwd)) found.push(path)
      return
    }
    const fits = stepPattern(step)
    for (const name of entries(at, cwd).filter(fits)) {
      const path = joined(at, name)
      if (!isLast) {
        if (isFolder(path, cwd)) walk(path, from + 1)
      } else if (hasPictureExtension(name) && isFile(path, cwd)) found.push(path)
    }
  }
  walk('', 0)
  return found.sort(byCodePoint)
}

function below(folder: string, cwd: string): string[] {
  return isFolder(folder, cwd) ? picturesBelow(resolve(cwd, folder), {}) : []
}

function joined(folder: string, name: string): string {
  if (folder === '') return name
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`
}

function entries(folder: string, cwd: string): string[] {
  try {
    return readdirSync(resolve(cwd, folder)).sort(byCodePoint)
  } catch {
    return []
  }
}

/** Undefined where nothing is, or nothing that can be looked at: a link in a circle, a name too long, a folder that is none. */
function statOf(path: string, cwd: string, stat: typeof statSync = statSync): Stats | undefined {
  try {
    return stat(resolve(cwd, path))
  } catch {
    return undefined
  }
}

function isFolder(path: string, cwd: string): boolean {
  return statOf(path, cwd)?.isDirectory() ?? false
}

/** Links are not followed by `**`, as in a shell: they may lead in circles. */
function isOwnFolder(path: string, cwd: string): boolean {
  return statOf(path, cwd, lstatSync)?.isDirectory() ?? false
}

function isFile(path: string, cwd: string): boolean {
  return statOf(path, cwd)?.isFile() ?? false
}

function empty(message: string) {
  const hint = 'pictures are files of the formats jpeg, png, webp, gif, bmp and tiff'
  return failure('BAD_IMAGE', message, { hint })
}

function notStored(path: string) {
  const hint = 'save the picture in a file first, and name that'
  return failure('BAD_IMAGE', `${path} is neither a file nor a folder`, { hint })
}

function missing(path: string, cwd: string) {
  if (statOf(path, cwd, lstatSync)?.isSymbolicLink()) {
    return failure('BAD_IMAGE', `${path} is a link that leads nowhere`)
  }
  const beside = entries(dirname(path), cwd)
  const hint = didYouMean(basename(path), beside)
  return failure('BAD_IMAGE', `there is no file or folder ${path}`, { hint })
}

/** Throws all that was found wrong, as USAGE, where there is nothing else. */
export function someImages({ images, problems }: ReturnType<typeof findImages>): void {
  if (images.length > 0) return
  throw new PipelineError(problems.map((problem) => ({ ...problem, code: 'USAGE' })))
}

/** The deepest folder that holds all of the pictures; absolute. */
export function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!)
  for (const path of paths) {
    while (folder !== dirname(folder) && !path.startsWith(join(folder, '/')))
      folder = dirname(folder)
  }
  return folder
}
