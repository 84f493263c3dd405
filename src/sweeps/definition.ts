import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { writeFileAtomic } from '../util/files.ts'
import { byCodeUnit, stableJson, type Json } from '../util/json.ts'
import { sweepFolder, type Sweep } from './sweep.ts'
import { readTrials, type TrialFolder } from './trial-folder.ts'
import { stateOf, type TrialStatus } from './trial-state.ts'
import { trialsFolder } from './trials.ts'

/** sweep.json in a sweep's folder: what it was last run as. Small, sorted and without times, so that it may be committed. */
export interface SweepDefinition {
  readonly format: 1
  readonly name: string
  /** As seen from the folder of runs. */
  readonly file: string
  readonly set: readonly string[]
  readonly sweep: readonly string[]
  readonly method: string
  readonly metric: { readonly name: string; readonly goal: 'maximize' | 'minimize' }
}

const FILE = 'sweep.json'

export async function writeDefinition(
  sweep: Sweep,
  given: {
    readonly set: readonly string[]
    readonly sweep: readonly string[]
    readonly cwd: string
  },
): Promise<void> {
  const { name, file, block, folder } = sweep
  const { method, metric } = block
  const runs = dirname(dirname(folder))
  const definition: SweepDefinition = {
    format: 1,
    name,
    file: relative(runs, resolve(given.cwd, file)).split('\\').join('/'),
    set: given.set,
    sweep: given.sweep,
    method,
    metric: { name: metric.name, goal: metric.goal },
  }
  const text = stableJson(definition as unknown as Json)
  const path = join(folder, FILE)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  if (before !== text) await writeFileAtomic(path, text)
}

/** Undefined where runs of this name have no sweep. */
export function readDefinition(runs: string, name: string): SweepDefinition | undefined {
  try {
    const text = readFileSync(join(sweepFolder(runs, name), FILE), 'utf8')
    const definition = JSON.parse(text) as SweepDefinition
    return definition.format === 1 ? definition : undefined
  } catch {
    return undefined
  }
}

/** A sweep as its folder has it, all trials that were ever tried among them. */
export interface StoredSweep {
  readonly definition: SweepDefinition
  readonly counts: Readonly<Record<TrialStatus, number>>
}

/** The sweeps below the folder of runs, by name. */
export function readSweeps(runs: string): StoredSweep[] {
  const names = existsSync(runs) ? readdirSync(runs).sort(byCodeUnit) : []
  return names.flatMap((name) => {
    const definition = readDefinition(runs, name)
    if (!definition) return []
    return [
      {
        definition,
        counts: countOf(readTrials(trialsFolder({ folder: sweepFolder(runs, name) }))),
      },
    ]
  })
}

function countOf(trials: readonly TrialFolder[]): Record<TrialStatus, number> {
  const counts = { waiting: 0, running: 0, done: 0, paused: 0, stopped: 0, failed: 0 }
  for (const trial of trials) counts[stateOf(trial).status] += 1
  return counts
}
