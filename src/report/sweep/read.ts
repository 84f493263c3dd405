import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { SweepBlock } from '../../pipeline/sweep-block.ts'
import { readRun, type StoredRun } from '../../runs/read.ts'
import type { Figures } from '../../runs/record.ts'
import type { Importance } from '../../sweeps/importance.ts'
import { repeatCommand } from '../../sweeps/repeat.ts'
import { sweepResults, type SweepResults, type TrialResult } from '../../sweeps/results.ts'
import { spaceOf } from '../../sweeps/space.ts'
import { sweepImportance } from '../../sweeps/sweep-importance.ts'
import type { Sweep } from '../../sweeps/sweep.ts'
import type { TrialFolder } from '../../sweeps/trial-folder.ts'
import { stateOf, valuesOf } from '../../sweeps/trial-state.ts'
import { countOthers, readFolders } from '../../sweeps/trials.ts'
import { byCodeUnit } from '../../util/json.ts'
import { axisOf, type Axis } from './axis.ts'

/** What a page about a sweep is made of. */
export interface SweepReport {
  readonly name: string
  /** As a person has it. */
  readonly file: string
  readonly method: SweepBlock['method']
  readonly early: NonNullable<SweepBlock['earlyTerminate']>['type'] | undefined
  readonly results: SweepResults
  /** Trials in the folder that the file no longer has. */
  readonly others: number
  /** Parameters that are not the same in all trials, in the order of the file. */
  readonly parameters: readonly Parameter[]
  readonly importance: readonly Importance[]
  /** By trial, the figure that trials are judged by after each epoch; NaN where it is not known. */
  readonly curves: ReadonlyMap<string, readonly number[]>
  /** Epochs of a trial that is not ended early, by trial. */
  readonly whole: ReadonlyMap<string, number>
  readonly best: BestTrial | undefined
}

export interface Parameter {
  /** `optimizer.learningRate`. */
  readonly key: string
  /** `learningRate`, or the key where another one ends so, too. */
  readonly title: string
  readonly axis: Axis
}

export interface BestTrial {
  readonly trial: TrialResult
  /** The command that runs it by itself. */
  readonly repeat: string
  /** The folder of its run as a person has it: of the one on test where that is there. */
  readonly place: string | undefined
  /** On test, which the best trial alone is evaluated on. */
  readonly test: Figures | undefined
}

interface ReadOptions {
  readonly file: string
  /** What the sweep is run with. */
  readonly set?: readonly string[] | undefined
}

/** Reads what the trials of a sweep have left. */
export function readSweepReport(sweep: Sweep, { file, set }: ReadOptions): SweepReport {
  const { name, block, trials } = sweep
  const folders = readFolders(sweep)
  const results = sweepResults(sweep, folders)
  const own = dirname(sweep.folder)
  const runs = dirname(own)
  const curve = (trial: TrialResult) => curveOf(trial, folders.get(trial.id), results, runs)
  const { best } = results
  return {
    name,
    file,
    method: block.method,
    early: block.earlyTerminate?.type,
    results,
    others: countOthers(sweep),
    parameters: parametersOf(block, results),
    importance: sweepImportance(block, results),
    curves: new Map(results.trials.map((trial) => [trial.id, curve(trial)])),
    whole: new Map(trials.map(({ id, whole }) => [id, epochsOf(whole.pipeline.training)])),
    best: best && {
      trial: best,
      repeat: repeatCommand('pipeline', file, best.parameters, set),
      ...runsOfBest(best, own, runs),
    },
  }
}

function epochsOf({ epochs, phases }: Sweep['trials'][number]['whole']['pipeline']['training']) {
  return phases ? phases.reduce((sum, phase) => sum + phase.epochs, 0) : epochs
}

function parametersOf(block: SweepBlock, { trials }: SweepResults): Parameter[] {
  const own = trials.flatMap(({ parameters }) => Object.keys(parameters))
  const keys = [...new Set([...block.parameters.keys(), ...own])]
  const varying = keys.filter((key) => {
    return new Set(trials.map(({ parameters }) => JSON.stringify(parameters[key]))).size > 1
  })
  const { dimensions } = spaceOf(block)
  const ending = (key: string) => key.split('.').at(-1)!
  return varying.map((key) => {
    const isOne = varying.filter((other) => ending(other) === ending(key)).length === 1
    // What changes together with others is listed, as one dimension of several keys.
    const domain = dimensions.find(({ name, domain: of }) => name === key && of.type !== 'values')
    const values = trials.map(({ parameters }) => parameters[key])
    const axis = axisOf(domain?.domain ?? { type: 'values', values: [] }, values)
    return { key, title: isOne ? ending(key) : key, axis }
  })
}

/** By the log of the trial; of one that another run was taken for, by that run. */
function curveOf(
  { run }: TrialResult,
  folder: TrialFolder | undefined,
  { metric }: SweepResults,
  runs: string,
): readonly number[] {
  if (!folder) return []
  const told = valuesOf(stateOf(folder), metric)
  const { split, figure } = metric
  if (run === undefined || (split !== 'validation' && split !== 'train')) return told
  if (told.length > 0 && told.every((value) => Number.isFinite(value))) return told
  const epochs = readRun(join(runs, run))?.record.epochs ?? []
  if (epochs.length < told.length) return told
  return epochs.map((epoch) => epoch[split]?.[figure] ?? NaN)
}

/** The best trial is evaluated on test in another run, of the same training. */
function runsOfBest(
  { run }: TrialResult,
  folder: string,
  runs: string,
): Pick<BestTrial, 'place' | 'test'> {
  const own = run === undefined ? undefined : readRun(join(runs, run))
  const trained = own && trainedBy(own)
  const same = readdirSync(folder)
    .sort(byCodeUnit)
    .flatMap((id) => readRun(join(folder, id)) ?? [])
    .filter((one) => trained !== undefined && trainedBy(one) === trained)
  const onTest = same.findLast(({ record }) => record.metrics['test'] !== undefined)
  const found = onTest ?? own
  return {
    place: found && [runs, folder, found.folder].map((path) => basename(path)).join('/'),
    test: onTest?.record.metrics['test'],
  }
}

/** The digest of what was trained last. */
function trainedBy({ record }: StoredRun): string | undefined {
  return record.stages.findLast(({ kind }) => kind === 'train')?.digest
}
