import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { byCodeUnit } from '../util/json.ts'
import { isBeingMade } from './mark.ts'
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

/** All runs below the root, oldest first. A folder without a readable run.json is no run. */
export function readRuns(root: string): StoredRun[] {
  const runs: StoredRun[] = []
  for (const name of folders(root)) {
    for (const id of folders(join(root, name))) {
      const run = readRun(join(root, name, id))
      if (run) runs.push(run)
    }
  }
  return runs.sort((a, b) => byCodeUnit(order(a), order(b)))
}

/** One run folder, or undefined where there is none. A run that says it is running and whose process is gone was interrupted. */
export function readRun(folder: string): StoredRun | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, RUN_FILES.record), 'utf8')) as RunRecord
    if (record.format !== 1) return undefined
    const status = record.status === 'running' && !isBeingMade(folder) ? 'interrupted' : record.status
    return { record: { ...record, status }, folder }
  } catch {
    return undefined
  }
}

/**
 * The run that a person means: a run folder, an id or a unique prefix of one, `name@latest`, `@latest`, `@-1` (the
 * newest but one), `@best:validation.accuracy` or `name@best:…`. Throws UNKNOWN_RUN with what there is.
 */
export function findRun(reference: string, root: string, cwd: string): StoredRun {
  const direct = readRun(resolve(cwd, reference))
  if (direct) return direct
  const runs = readRuns(root)
  const at = reference.indexOf('@')
  if (at >= 0) return byPlace(reference, reference.slice(0, at), reference.slice(at + 1), runs)
  const exact = runs.filter((run) => run.record.id === reference)
  const matches = exact.length > 0 ? exact : runs.filter((run) => matchesPrefix(run, reference))
  if (matches.length === 1) return matches[0]!
  if (matches.length > 1) {
    throw failure('UNKNOWN_RUN', `${reference} means ${matches.length} runs`, {
      hint: `write more of the id: ${matches.map((run) => run.record.id).join(', ')}`,
    })
  }
  throw unknown(reference, runs)
}

function byPlace(reference: string, name: string, place: string, all: StoredRun[]): StoredRun {
  const runs = name === '' ? all : all.filter((run) => run.record.name === name)
  if (runs.length === 0) throw unknown(reference, all)
  if (place === 'latest') return runs.at(-1)!
  if (/^-\d{1,6}$/.test(place)) {
    const run = runs.at(Number(place) - 1)
    if (run) return run
    throw failure('UNKNOWN_RUN', `${reference}: there are only ${runs.length} runs`)
  }
  const best = /^best:([A-Za-z0-9]+)\.([A-Za-z0-9]+)$/.exec(place)
  if (!best) {
    throw failure('UNKNOWN_RUN', `${reference} is not a way to name a run`, {
      hint: 'write an id, a prefix of one, name@latest, @-1 or @best:validation.accuracy',
    })
  }
  const value = (run: StoredRun) => run.record.metrics[best[1]!]?.[best[2]!]
  const sign = best[2] === 'loss' ? -1 : 1
  const known = runs.filter((run) => value(run) !== undefined)
  if (known.length === 0) {
    throw failure('UNKNOWN_RUN', `no run has the metric ${best[1]}.${best[2]}`)
  }
  return known.reduce((a, b) => (sign * value(b)! > sign * value(a)! ? b : a))
}

/** An id is time and digest, `20261124-101500-8f2c1a`; either part may be abbreviated from its start. */
function matchesPrefix(run: StoredRun, prefix: string): boolean {
  if (prefix === '') return false
  const { id } = run.record
  return id.startsWith(prefix) || id.slice(id.lastIndexOf('-') + 1).startsWith(prefix)
}

function unknown(reference: string, runs: readonly StoredRun[]) {
  const names = [...new Set(runs.map((run) => run.record.name))]
  return failure('UNKNOWN_RUN', `no run ${reference}`, {
    hint:
      runs.length === 0
        ? 'there are no runs here yet; runs are looked for in ./runs (--runs, GRAFT_RUNS)'
        : `\`pipeline ls\` lists them; names here: ${names.slice(-5).join(', ')}`,
  })
}

function order(run: StoredRun): string {
  return `${run.record.started}\u0000${basename(run.folder)}`
}

function folders(path: string): string[] {
  try {
    return readdirSync(path).filter(
      (name) => !name.startsWith('.') && statSync(join(path, name), { throwIfNoEntry: false })?.isDirectory(),
    )
  } catch {
    return []
  }
}
