import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { RUN_FILES } from '../record.ts'
import { openKept, type Entry, type KeptFile } from './kept.ts'
import { placeOf, type ListedRun } from './list.ts'

export type Scalar = string | number | boolean
/** Lists of scalars stay lists. */
export type Value = Scalar | readonly Scalar[]

/** What a run's pipeline says, every default written out, by dotted path: `optimizer.learningRate`, `head.1.Dense.units`. */
export interface Settings {
  /** In the order of resolved.yaml. */
  readonly keys: readonly string[]
  /** One for each key. */
  readonly values: readonly Value[]
}

/** Columns of their own have these. */
const ELSEWHERE = new Set(['name', 'notes', 'tags'])

const SETTINGS: KeptFile<Settings> = {
  cache: 'settings.json',
  format: 1,
  source: RUN_FILES.resolved,
  read: (path) => {
    try {
      return settingsOf(parse(readFileSync(path, 'utf8')))
    } catch {
      return undefined
    }
  },
  // Most runs have the same keys: each set of them is written once.
  encode: (entries) => {
    const shapes = new Map<string, number>()
    const rows = entries.map((entry) => {
      const shape = JSON.stringify(entry[6].keys)
      if (!shapes.has(shape)) shapes.set(shape, shapes.size)
      return [...entry.slice(0, 6), shapes.get(shape)!, ...entry[6].values]
    })
    return { shapes: [...shapes.keys()].map((shape) => JSON.parse(shape) as string[]), rows }
  },
  decode: (data) => {
    const { shapes, rows } = data as { shapes: string[][]; rows: unknown[][] }
    return rows.map((row) => {
      const settings = { keys: shapes[row[6] as number]!, values: row.slice(7) }
      return [...row.slice(0, 6), settings] as unknown as Entry<Settings>
    })
  },
}

const NONE: Settings = { keys: [], values: [] }

/** The settings of each of the runs, in their order; empty where resolved.yaml is not there. */
export function settingsOfRuns(root: string, runs: readonly ListedRun[]): Settings[] {
  const kept = openKept(root, SETTINGS)
  const found = runs.map((run) => kept.get(...placeOf(run)) ?? NONE)
  kept.save((name, id) => existsSync(`${root}/${name}/${id}`))
  return found
}

/** Flattened; names, notes and tags left out, and dollar signs single again. */
export function settingsOf(pipeline: unknown): Settings {
  const [keys, values]: [string[], Value[]] = [[], []]
  const put = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !isList(value)) {
      const entries = Object.entries(value)
      for (const [key, inner] of entries) {
        if (path !== '' || !ELSEWHERE.has(key)) put(path === '' ? key : `${path}.${key}`, inner)
      }
      return
    }
    keys.push(path)
    values.push(isList(value) ? value.map(scalar) : scalar(value))
  }
  put('', pipeline)
  return { keys, values }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)
}

function scalar(value: unknown): Scalar {
  if (typeof value === 'string') return value.replaceAll('$$', '$')
  return typeof value === 'number' || typeof value === 'boolean' ? value : 'null'
}
