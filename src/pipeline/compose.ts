import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import type { Diagnostic, Position } from '../util/diagnostic.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { didYouMean } from '../util/suggest.ts'
import { parse } from './parse.ts'
import { writeDatasetOut } from './folders.ts'
import { absolutePaths } from './paths.ts'
import { writeOut } from './short.ts'
import type { Entry, MapNode, Node } from './tree.ts'
import { mapTree } from './tree.ts'
import { expandVariables } from './variables.ts'

/** A pipeline file is short; anything longer is another kind of file. */
export const MAX_BYTES = 1 << 20
/** A chain this long is a mistake. */
const MAX_FILES = 32

/** The text of a file, which is named there. Throws FILE_NOT_FOUND, FILE_TOO_LARGE. */
export type ReadText = (file: string, at: Position | undefined) => Promise<string>

export interface Composed {
  readonly root: MapNode
  /** Of the file itself. */
  readonly text: string
  readonly problems: readonly Diagnostic[]
}

/**
 * Reads the file and everything that it extends: maps are merged deeply, lists and values replace, null deletes.
 * Every value keeps its place. Paths become absolute here, where it is known which file names them.
 * Throws FILE_NOT_FOUND, FILE_TOO_LARGE, YAML_SYNTAX, EXTENDS_CYCLE.
 */
export async function compose(
  file: string,
  env: NodeJS.ProcessEnv,
  read: ReadText = readText,
  chain: readonly string[] = [],
  namedAt?: Position,
): Promise<Composed> {
  const text = await read(file, namedAt)
  const problems: Diagnostic[] = []
  const parsed = expandVariables(parse(text, file), env, (d) => problems.push(d)) as MapNode
  const own = absolutePaths(parsed, dirname(file)) as MapNode
  const extended = own.entries.get('extends')?.value
  if (
    extended?.kind !== 'scalar' ||
    typeof extended.value !== 'string' ||
    extended.value.trim() === ''
  ) {
    return { root: dropNulls(own, undefined, problems), text, problems }
  }
  // The problems of both files are told together, but a broken variable in the path leads nowhere.
  if (problems.some((p) => p.at === extended.at)) throw new PipelineError(problems)
  const path = isAbsolute(extended.value) ? extended.value : join(dirname(file), extended.value)
  const seen = [...chain, normalize(file)]
  if (seen.includes(normalize(path))) {
    const round = [...seen.slice(seen.indexOf(normalize(path))), normalize(path)].join(' -> ')
    throw failure('EXTENDS_CYCLE', `the files extend each other: ${round}`, {
      at: extended.at,
      hint: 'take one `extends` out',
    })
  }
  if (seen.length >= MAX_FILES)
    throw failure('EXTENDS_CYCLE', `more than ${MAX_FILES} files extend each other`, {
      at: extended.at,
    })
  const under = await compose(path, env, read, seen, extended.at).catch((error: unknown) => {
    throw error instanceof PipelineError
      ? new PipelineError([...problems, ...error.diagnostics], { cause: error })
      : error
  })
  problems.push(...under.problems)
  const entries = new Map(own.entries)
  entries.delete('extends')
  // `optimizer: SGD` there and `optimizer: {momentum: 0.9}` here are one map; the other way round a value replaces.
  const base = writeOut(writeDatasetOut(under.root)) as MapNode
  const root = dropNulls({ ...own, entries }, base, problems)
  return { root, text, problems }
}

export async function readText(file: string, at: Position | undefined): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > MAX_BYTES) {
      throw failure(
        'FILE_TOO_LARGE',
        `${file} has ${size} bytes; a pipeline file has at most ${MAX_BYTES}`,
        { at },
      )
    }
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES')) throw cause
    const state = isErrno(cause, 'EISDIR')
      ? 'is a folder'
      : isErrno(cause, 'EACCES')
        ? 'may not be read'
        : 'is not there'
    throw failure('FILE_NOT_FOUND', `the file ${file} ${state}`, {
      at,
      cause,
      hint: await nearby(file),
    })
  }
}

/** A file of nearly the same name in the same folder. */
async function nearby(file: string): Promise<string | undefined> {
  const beside = await readdir(dirname(file)).catch(() => [])
  return didYouMean(
    basename(file),
    beside.filter((name) => /\.(ya?ml|json)$/.test(name)),
  )
}

/** The own map laid over the base; a null takes out what the base brings, and is a mistake where it brings nothing. */
function dropNulls(own: MapNode, base: MapNode | undefined, problems: Diagnostic[]): MapNode {
  const entries = new Map<string, Entry>()
  for (const [key, entry] of base?.entries ?? [])
    entries.set(key, { ...entry, value: inherited(entry.value) })
  for (const [key, entry] of own.entries) {
    const under = base?.entries.get(key)?.value
    if (entry.value.kind === 'scalar' && entry.value.value === null) {
      if (!under) problems.push(noValue(key, entry))
      entries.delete(key)
    } else if (entry.value.kind === 'map') {
      const value = dropNulls(entry.value, under?.kind === 'map' ? under : undefined, problems)
      entries.set(key, { ...entry, value })
    } else {
      entries.set(key, entry)
    }
  }
  return { ...own, entries }
}

function noValue(key: string, entry: Entry): Diagnostic {
  return {
    code: 'WRONG_VALUE',
    message: `"${key}" has no value`,
    at: entry.keyAt,
    hint: 'write a value or take the key out; null only deletes what a file under `extends` brings',
  }
}

function inherited(node: Node): Node {
  return mapTree(node, (n) => (n.from === 'file' ? { ...n, from: 'extends' } : n))
}
