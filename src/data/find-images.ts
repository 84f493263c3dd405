import { lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { failure, type Diagnostic } from '../util/diagnostic.ts'
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
 * What names nothing is a problem of its own: NO_SUCH_FOLDER for what is not there, BAD_IMAGE for a place without pictures.
 */
export function findImages(
  named: readonly string[],
  cwd: string,
): { readonly images: readonly FoundImage[]; readonly problems: readonly Diagnostic[] } {
  const images = new Map<string, FoundImage>()
  const problems: Diagnostic[] = []
  for (const path of named) {
    const names = namesOf(path, cwd)
    if ('code' in names) problems.push(names)
    else {
      for (const name of names) {
        const absolute = resolve(cwd, name)
        if (!images.has(absolute)) images.set(absolute, { path: absolute, name })
      }
    }
  }
  return { images: [...images.values()], problems }
}

function namesOf(path: string, cwd: string): readonly string[] | Diagnostic {
  const stat = statSync(resolve(cwd, path), { throwIfNoEntry: false })
  if (stat?.isDirectory()) {
    const found = picturesBelow(resolve(cwd, path), {}).map((below) => joined(path, below))
    return found.length > 0 ? found : empty(`the folder ${path} holds no pictures`)
  }
  if (stat) return [path]
  if (!isGlob(path)) return missing(path, cwd)
  const found = expandBraces(path.replaceAll('\\', '/')).flatMap((pattern) => matches(pattern, cwd))
  return found.length > 0 ? [...new Set(found)] : empty(`no picture matches ${path}`)
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

function isFolder(path: string, cwd: string): boolean {
  return statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Links are not followed by `**`, as in a shell: they may lead in circles. */
function isOwnFolder(path: string, cwd: string): boolean {
  return lstatSync(resolve(cwd, path), { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isFile(path: string, cwd: string): boolean {
  return statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isFile() ?? false
}

function empty(message: string): Diagnostic {
  const hint = 'pictures are files of the formats jpeg, png, webp, gif, bmp and tiff'
  return { code: 'BAD_IMAGE', message, hint }
}

function missing(path: string, cwd: string): Diagnostic {
  const beside = entries(dirname(path), cwd)
  const hint = didYouMean(basename(path), beside)
  return { code: 'BAD_IMAGE', message: `there is no file or folder ${path}`, hint }
}

/** Throws what was found wrong where there is nothing else. */
export function someImages({ images, problems }: ReturnType<typeof findImages>): void {
  if (images.length > 0) return
  const [first] = problems
  throw failure('USAGE', first?.message ?? 'no picture is named', { hint: first?.hint })
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
