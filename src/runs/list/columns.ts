import { existsSync } from 'node:fs'
import { RUN_FILES } from '../record.ts'
import { NO_MARKS, parseMarks, tagsOf, type Marks } from '../marks.ts'
import { openKept, type Entry, type KeptFile } from './kept.ts'
import { placeOf, type ListedRun } from './list.ts'
import { metricOf, shownSplit, type RunRow } from './row.ts'
import type { Settings, Value } from './settings.ts'

export interface Column {
  readonly kind: 'own' | 'metric' | 'setting'
  /** What a run has there; undefined where it has no such thing. */
  readonly of: (run: TableRun) => Value | undefined
}

export interface TableRun extends ListedRun {
  readonly marks: Marks
  /** In the table. */
  readonly index: number
}

/** Runs with everything that can be asked of them by a key. */
export interface RunTable {
  readonly runs: readonly TableRun[]
  /**
   * The column of a key: one of `FIXED`, a metric (`validation.accuracy`, `accuracy` of the split that a run is judged by), a setting
   * of the pipeline (`optimizer.learningRate`, or `learningRate` where only one ends so). Undefined for what no run can have.
   */
  column(key: string): Promise<Column | undefined>
  /** Settings that are not the same in all of these runs, in the order of resolved.yaml. */
  changedSettings(runs: readonly TableRun[]): Promise<string[]>
  /** All keys that some run has. */
  keys(): Promise<string[]>
}

/** Keys that every run has, or may have, beside metrics and settings. */
export const FIXED: Readonly<Record<string, (row: RunRow, marks: Marks) => Value | undefined>> = {
  name: ({ name }) => name,
  id: ({ id }) => id,
  status: ({ status }) => status,
  started: ({ started }) => started,
  seconds: ({ seconds }) => seconds,
  seed: ({ seed }) => seed,
  engine: ({ engine }) => engine?.name,
  device: ({ engine }) => engine?.device,
  split: ({ metrics }) => shownSplit(metrics),
  epochs: ({ epochs }) => epochs,
  parameters: ({ parameters }) => parameters.total,
  trainable: ({ parameters }) => parameters.trainable,
  commit: ({ git }) => git?.commit,
  dirty: ({ git }) => git?.dirty,
  tags: ({ tags }, marks) => tagsOf(tags, marks),
  note: ({ notes }, marks) => marks.note ?? notes,
}

const ALIASES: Readonly<Record<string, string>> = { tag: 'tags', notes: 'note' }

const MARKS: KeptFile<Marks> = {
  cache: 'marks.json',
  format: 1,
  source: RUN_FILES.marks,
  read: parseMarks,
  encode: (entries) => entries,
  decode: (data) => data as readonly Entry<Marks>[],
}

/** `runs` are some of those below the root. */
export function openTable(root: string, runs: readonly ListedRun[]): RunTable {
  const kept = openKept(root, MARKS)
  const marked = runs.map((run, index) => {
    const marks = kept.get(...placeOf(run)) ?? NO_MARKS
    return { row: run.row, folder: run.folder, marks, index }
  })
  kept.save((name, id) => existsSync(`${root}/${name}/${id}`))
  let read: Promise<Settings[]> | undefined
  const settings = () =>
    (read ??= import('./settings.ts').then(({ settingsOfRuns }) => settingsOfRuns(root, runs)))
  let keys: ReadonlySet<string> | undefined
  const settingKeys = async () => (keys ??= allKeys(await settings()))
  const metrics = metricKeys(runs)
  return {
    runs: marked,
    column: async (key) => {
      const own = fixedColumn(Object.hasOwn(ALIASES, key) ? ALIASES[key]! : key)
      if (own) return own
      if (metrics.has(key)) return { kind: 'metric', of: ({ row }) => metricOf(row.metrics, key) }
      const path = settingPath(key, await settingKeys())
      if (path !== undefined) {
        const all = await settings()
        return { kind: 'setting', of: ({ index }) => settingOf(all[index]!, path) }
      }
      const { isKnownKey } = await import('./known-keys.ts')
      const isPossible = runs.length === 0 || isKnownKey(key)
      return isPossible ? { kind: 'setting', of: () => undefined } : undefined
    },
    changedSettings: async (some) => {
      const all = await settings()
      const known = await settingKeys()
      // Of `freeze` and `freeze.first` the first tells both.
      const isPart = (key: string) =>
        key.split('.').some((_, i, steps) => i > 0 && known.has(steps.slice(0, i).join('.')))
      return [...known].filter((key) => {
        if (isPart(key)) return false
        const values = new Set(some.map(({ index }) => JSON.stringify(settingOf(all[index]!, key))))
        return values.size > 1
      })
    },
    keys: async () => [...Object.keys(FIXED), ...metrics, ...(await settingKeys())],
  }
}

function fixedColumn(key: string): Column | undefined {
  const value = Object.hasOwn(FIXED, key) ? FIXED[key] : undefined
  return value && { kind: 'own', of: ({ row, marks }) => value(row, marks) }
}

function metricKeys(runs: readonly ListedRun[]): Set<string> {
  const keys = new Set<string>()
  const shapes = new Set<string>()
  for (const { row } of runs) {
    for (const [split, figures] of Object.entries(row.metrics)) {
      const names = Object.keys(figures)
      const shape = `${split} ${names.join(' ')}`
      if (shapes.has(shape)) continue
      shapes.add(shape)
      for (const name of names) keys.add(name).add(`${split}.${name}`)
    }
  }
  return keys
}

/** Of all of them, each behind the one that it stands behind in its run. */
function allKeys(settings: readonly Settings[]): ReadonlySet<string> {
  const order: string[] = []
  for (const keys of new Set(settings.map((one) => one.keys))) {
    let at = 0
    const known = new Map(order.map((key, i) => [key, i]))
    const added = keys.flatMap((key) => {
      const place = known.get(key)
      if (place !== undefined) at = place + 1
      return place === undefined ? [{ key, at }] : []
    })
    for (const { key, at: place } of added.reverse()) order.splice(place, 0, key)
  }
  return new Set(order)
}

/** The key itself, the start of a block (`freeze` of `freeze.first`), or the only key that ends so. */
function settingPath(key: string, all: ReadonlySet<string>): string | undefined {
  if (all.has(key)) return key
  const keys = [...all]
  if (keys.some((path) => path.startsWith(`${key}.`))) return key
  const ends = keys.filter((path) => path.endsWith(`.${key}`))
  return ends.length === 1 ? ends[0] : undefined
}

const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>()

/** A block as text: `first: 100`. */
function settingOf({ keys, values }: Settings, path: string): Value | undefined {
  let at = places.get(keys)
  if (!at) places.set(keys, (at = new Map(keys.map((key, i) => [key, i]))))
  const place = at.get(path)
  if (place !== undefined) return values[place]
  const inner = keys.flatMap((key, i) =>
    key.startsWith(`${path}.`) ? [`${key.slice(path.length + 1)}: ${String(values[i])}`] : [],
  )
  return inner.length === 0 ? undefined : inner.join(', ')
}
