import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { readText, type ReadText } from '../../pipeline/compose.ts'
import { digestOf } from '../../util/digest.ts'
import { failure } from '../../util/diagnostic.ts'
import { isErrno } from '../../util/files.ts'

/**
 * What was submitted, whatever becomes of the file afterwards: its text and that of every file it extends, with what the command
 * line laid over them. Paths are seen from the folder in which it was submitted, where workers start too. Values of variables
 * are not in it: they may be secret, and a job gets them with its environment.
 */
export interface Frozen {
  readonly file: string
  readonly set: readonly string[]
  readonly sweep: readonly string[]
  readonly files: Readonly<Record<string, string>>
}

/** Reads each file once, so that whoever reads it later sees the same, and keeps what it has read. */
export function rememberingReader(
  cwd: string,
  from: ReadText = readText,
): {
  readonly read: ReadText
  readonly files: () => Record<string, string>
} {
  const known = new Map<string, Promise<string>>()
  const texts = new Map<string, string>()
  const read: ReadText = async (file, at) => {
    const name = seenFrom(cwd, file)
    const reading = known.get(name) ?? from(file, at)
    known.set(name, reading)
    const text = await reading
    texts.set(name, text)
    return text
  }
  return { read, files: () => Object.fromEntries([...texts].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

export function seenFrom(cwd: string, file: string): string {
  return relative(cwd, resolve(cwd, file)).split('\\').join('/')
}

export function frozenText(frozen: Frozen): string {
  const says =
    '# What was submitted to a cluster. Workers run this: `pipeline sweep worker THIS_FILE`.\n'
  return says + stringify(frozen, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** Where the copy with this text stands, below the folder of the sweep. */
export function frozenPath(sweepFolder: string, text: string): string {
  const digits = digestOf(text).slice('sha256:'.length, 'sha256:'.length + 12)
  return join(submittedFolder(sweepFolder), `${digits}.yaml`)
}

export function submittedFolder(sweepFolder: string): string {
  return join(sweepFolder, 'submitted')
}

/** Undefined for any other file. Throws FILE_NOT_FOUND for one that is gone. */
export function readFrozen(file: string, cwd: string): Frozen | undefined {
  if (!/(^|[\\/])submitted[\\/][0-9a-f]{12}\.yaml$/.test(resolve(cwd, file))) return undefined
  let text
  try {
    text = readFileSync(resolve(cwd, file), 'utf8')
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR')) throw cause
    throw failure('FILE_NOT_FOUND', `the file ${file} is not there`, {
      cause,
      hint: 'a worker needs the folder of runs, and starts in the folder in which the sweep was submitted',
    })
  }
  const frozen = parse(text) as Partial<Frozen> | null
  const isFrozen = typeof frozen?.file === 'string' && typeof frozen.files === 'object'
  return isFrozen ? (frozen as Frozen) : undefined
}

/** Reads the texts of the copy in place of the disk's. */
export function frozenReader({ files }: Frozen, cwd: string): ReadText {
  return (file, at) => {
    const text = files[seenFrom(cwd, file)]
    if (text !== undefined) return Promise.resolve(text)
    const hint = 'start the worker in the folder in which the sweep was submitted'
    return Promise.reject(
      failure('FILE_NOT_FOUND', `${file} is not among what was submitted`, { at, hint }),
    )
  }
}
