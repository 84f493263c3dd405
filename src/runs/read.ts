import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { listRuns, statusOf, TRASH, type ListedRun } from './list/list.ts'
import { metricOf } from './list/row.ts'
import { RUN_FILES, type RunRecord } from './record.ts'

export interface StoredRun {
  readonly record: RunRecord
  /** Absolute. */
  readonly folder: string
}

/** `--runs`, else GRAFT_RUNS, else `runs` in the current directory; absolute. */
export function runsRoot(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string {
  return resolve(cwd, flag ?? env['GRAFT_RUNS'] ?? 'runs')
}

/** All runs below the root with all that their records hold, oldest first; `listRuns` is far quicker where there are many. */
export function readRuns(root: string): StoredRun[] {
  return listRuns(root).flatMap(({ folder }) => readRun(folder) ?? [])
}

/** One run folder, or undefined where there is none. A run that says it is running and whose process is gone was interrupted. */
export function readRun(folder: string): StoredRun | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, RUN_FILES.record), 'utf8')) as RunRecord
    if (record.format !== 1) return undefined
    return { record: { ...record, status: statusOf(record, folder) }, folder }
  } catch {
    return undefined
  }
}

/**
 * The run that a person means: a run folder, an id or a unique prefix of one, `name@latest`, `@latest`, `@-1` (the
 * newest but one), `@best:validation.accuracy` or `name@best:…`; short `@best:accuracy` is of the split that each run is
 * judged by. Throws UNKNOWN_RUN with what there is.
 */
export function findRun(reference: string, root: string, cwd: string): StoredRun {
  const direct = readRun(resolve(cwd, reference))
  if (direct) return direct
  const runs = listRuns(root)
  const found = readRun(chosen(reference, runs, root).folder)
  // Gone in this moment.
  if (!found) throw unknown(reference, listRuns(root), root)
  return found
}

function chosen(reference: string, runs: readonly ListedRun[], root: string): ListedRun {
  const at = reference.indexOf('@')
  if (at >= 0) {
    const [name, place] = [reference.slice(0, at), reference.slice(at + 1)]
    const named = name === '' ? runs : runs.filter(({ row }) => row.name === name)
    if (named.length === 0) throw unknown(reference, runs, root)
    return byPlace(reference, place, named)
  }
  const exact = runs.filter(({ row }) => row.id === reference)
  const matches =
    exact.length > 0 ? exact : runs.filter(({ row }) => matchesPrefix(row.id, reference))
  if (matches.length === 1) return matches[0]!
  if (matches.length === 0) throw unknown(reference, runs, root)
  const ids = matches.slice(0, SHOWN).map(({ row }) => row.id)
  const more = matches.length > SHOWN ? ` and ${matches.length - SHOWN} more` : ''
  throw failure('UNKNOWN_RUN', `${reference} means ${matches.length} runs`, {
    hint: `write more of the id: ${ids.join(', ')}${more}`,
  })
}

/** Ids that a message names. */
const SHOWN = 10

function byPlace(reference: string, place: string, runs: readonly ListedRun[]): ListedRun {
  if (place === 'latest') return runs.at(-1)!
  if (/^-\d{1,6}$/.test(place)) {
    const run = runs.at(Number(place) - 1)
    if (run) return run
    throw failure('UNKNOWN_RUN', `${reference}: there are only ${runs.length} runs`)
  }
  const metric = /^best:((?:[A-Za-z0-9]+\.)?[A-Za-z0-9]+)$/.exec(place)?.[1]
  if (metric === undefined) {
    throw failure('UNKNOWN_RUN', `${reference} is not a way to name a run`, {
      hint: 'write an id, a prefix of one, name@latest, @-1 or @best:validation.accuracy',
    })
  }
  return bestRun(runs, metric)
}

/** The oldest of the best: the least loss, the most of everything else. */
function bestRun(runs: readonly ListedRun[], metric: string): ListedRun {
  const sign = /(?:^|\.)loss$/.test(metric) ? -1 : 1
  const known = runs.flatMap((run) => {
    const value = metricOf(run.row.metrics, metric)
    return value === undefined ? [] : [{ run, value: sign * value }]
  })
  if (known.length === 0) throw failure('UNKNOWN_RUN', `no run has the metric ${metric}`)
  return known.reduce((a, b) => (b.value > a.value ? b : a)).run
}

/** An id is time and digest, `20261124-101500-8f2c1a`; either part may be abbreviated from its start. */
function matchesPrefix(id: string, prefix: string): boolean {
  if (prefix === '') return false
  return id.startsWith(prefix) || id.slice(id.lastIndexOf('-') + 1).startsWith(prefix)
}

function unknown(reference: string, runs: readonly ListedRun[], root: string) {
  const names = [...new Set(runs.map(({ row }) => row.name))]
  const inTrash =
    reference !== '' && listRuns(join(root, TRASH)).find(({ row }) => row.id === reference)
  return failure('UNKNOWN_RUN', `no run ${reference}`, {
    hint: inTrash
      ? `it is in the trash: pipeline rm --restore ${reference}`
      : runs.length === 0
        ? 'there are no runs here yet; runs are looked for in ./runs (--runs, GRAFT_RUNS)'
        : `\`pipeline ls\` lists them; names here: ${names.slice(-5).join(', ')}`,
  })
}
