import { bySplit } from '../../data/index-table.ts'
import type { Node } from '../../pipeline/tree.ts'
import { showPath, toData, type Path } from '../../pipeline/tree.ts'
import { canonicalJson, type Json } from '../../util/json.ts'
import type { EpochRecord } from '../record.ts'
import { kindOf } from './config.ts'
import { isHigherBetter } from './metrics.ts'
import type { Side } from './side.ts'

/** Several runs beside each other. Lists have an entry a run, in their order; undefined: that run has nothing of it. */
export interface Comparison {
  readonly runs: readonly Side[]
  /** Keys whose values are not the same in all runs, in the order of the file. */
  readonly keys: readonly {
    readonly path: string
    readonly values: readonly (Json | undefined)[]
  }[]
  readonly metrics: readonly MetricRow[]
  readonly curves: readonly Curve[]
}

export interface MetricRow {
  readonly split: string
  readonly name: string
  readonly values: readonly (number | undefined)[]
  /** The runs with the best value; none where all are equal. */
  readonly best: readonly number[]
}

/** A figure by epochs. */
export interface Curve {
  readonly split: 'train' | 'validation'
  readonly name: string
  readonly values: readonly (readonly number[])[]
}

export function compareSides(runs: readonly Side[]): Comparison {
  return { runs, keys: varyingKeys(runs), metrics: metricRows(runs), curves: curvesOf(runs) }
}

/** Names, notes and tags of a run are no keys of it. */
const WORDS: ReadonlySet<string> = new Set(['name', 'notes', 'tags'])

function varyingKeys(runs: readonly Side[]): Comparison['keys'] {
  const rows: { path: string; values: (Json | undefined)[] }[] = []
  walk(
    runs.map(({ config }) => config?.tree),
    [],
    (path, nodes) => {
      const values = nodes.map((node) => node && (toData(node) as Json))
      const texts = values.map((value) => (value === undefined ? '' : canonicalJson(value)))
      if (new Set(texts).size > 1) rows.push({ path: showPath(path), values })
    },
  )
  return rows.filter(({ path }) => !WORDS.has(path))
}

/** Goes down where all that there are of a place are maps, or lists of the same kinds of items. */
function walk(
  nodes: readonly (Node | undefined)[],
  path: Path,
  emit: (path: Path, nodes: readonly (Node | undefined)[]) => void,
): void {
  const known = nodes.filter((node) => node !== undefined)
  if (known.length > 0 && known.every(({ kind }) => kind === 'map')) {
    const keys = new Set(
      known.flatMap((node) => (node.kind === 'map' ? [...node.entries.keys()] : [])),
    )
    for (const key of keys) {
      const below = nodes.map((node) =>
        node?.kind === 'map' ? node.entries.get(key)?.value : undefined,
      )
      walk(below, [...path, key], emit)
    }
    return
  }
  const lists = known.map((node) => (node.kind === 'list' ? node.items.map(kindOf) : undefined))
  const hasMaps = known.some((n) => n.kind === 'list' && n.items.some(({ kind }) => kind === 'map'))
  const isOne = new Set(lists.map((kinds) => JSON.stringify(kinds ?? null))).size === 1
  if (!hasMaps || !isOne || !lists[0]) return emit(path, nodes)
  for (const i of lists[0].keys()) {
    const below = nodes.map((node) => (node?.kind === 'list' ? node.items[i] : undefined))
    walk(below, [...path, i], emit)
  }
}

/** Test first, as it is what a model is judged by in the end. */
function metricRows(runs: readonly Side[]): MetricRow[] {
  const all = runs.map(({ record }) => record?.metrics ?? {})
  const splits = [...new Set(all.flatMap((metrics) => Object.keys(metrics)))].sort(
    (a, b) => Number(b === 'test') - Number(a === 'test') || bySplit(b, a),
  )
  return splits.flatMap((split) => {
    const names = new Set(all.flatMap((metrics) => Object.keys(metrics[split] ?? {})))
    return [...names].map((name) => {
      const values = all.map((metrics) => metrics[split]?.[name])
      return { split, name, values, best: bestOf(name, values) }
    })
  })
}

function bestOf(name: string, values: readonly (number | undefined)[]): number[] {
  const known = values.filter((value) => value !== undefined)
  if (new Set(known).size < 2) return []
  const best = isHigherBetter(name) ? Math.max(...known) : Math.min(...known)
  return values.flatMap((value, i) => (value === best ? [i] : []))
}

function curvesOf(runs: readonly Side[]): Curve[] {
  const epochs = runs.map(({ record }) => record?.epochs ?? [])
  const splits = (['validation', 'train'] as const).filter((split) =>
    epochs.some((list) => list.some((epoch) => epoch[split])),
  )
  return splits.flatMap((split) => {
    const names = new Set(epochs.flat().flatMap((epoch) => Object.keys(epoch[split] ?? {})))
    const values = (name: string) =>
      epochs.map((list) => list.flatMap((epoch) => figureOf(epoch, split, name)))
    return [...names].map((name) => ({ split, name, values: values(name) }))
  })
}

function figureOf(epoch: EpochRecord, split: Curve['split'], name: string): number[] {
  const value = epoch[split]?.[name]
  return value === undefined ? [] : [value]
}
