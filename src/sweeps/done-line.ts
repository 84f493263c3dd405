import { basename, dirname } from 'node:path'
import type { Outcome } from '../runs/run.ts'
import type { Figures } from '../runs/record.ts'
import { stableNumber } from '../util/figures.ts'
import type { TrialDone } from './trial-folder.ts'

/** What a trial's log keeps of its finished run. */
export function doneLine(
  { record, folder, again }: Outcome,
  {
    seconds,
    time,
    rung,
    whole,
  }: {
    readonly seconds: number
    readonly time: string
    /** That the trial was trained up to, and all the epochs there are; undefined without early termination. */
    readonly rung?: number | undefined
    readonly whole?: number | undefined
  },
): TrialDone {
  const last = record.epochs.at(-1)
  const figures: Record<string, Figures | undefined> = {
    train: last?.train,
    validation: last?.validation,
    ...record.metrics,
  }
  const metrics: Record<string, number> = {}
  for (const [split, values] of Object.entries(figures)) {
    for (const [name, value] of Object.entries(values ?? {})) metrics[`${split}.${name}`] = value
  }
  // One that has stopped by itself before its rung has nowhere to go on to.
  const isPaused = rung !== undefined && rung !== whole && record.epochs.length >= rung
  return {
    type: isPaused ? 'paused' : 'done',
    time,
    ...(rung === undefined ? {} : { rung }),
    run: `${basename(dirname(folder))}/${basename(folder)}`,
    metrics,
    epochs: record.epochs.length,
    seconds: stableNumber(seconds),
    cached: again || record.stages.every(({ kind, cached }) => kind !== 'train' || cached),
  }
}
