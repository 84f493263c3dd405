import type { SweepMetric } from '../pipeline/sweep-block.ts'
import type { Figures } from '../runs/record.ts'
import type { TrialDone, TrialFolder, TrialLine } from './trial-folder.ts'

/** `paused`: it may be promoted; `stopped`: it did badly and stays where it is. */
export type TrialStatus = 'waiting' | 'running' | 'done' | 'paused' | 'stopped' | 'failed'

/** What the log and the ticket of a trial come to. */
export interface TrialState {
  readonly id: string
  readonly status: TrialStatus
  readonly done: TrialDone | undefined
  /** The furthest rung that it came to. */
  readonly paused: TrialDone | undefined
  /** Every rung that it came to, in the order of time. */
  readonly rungs: readonly TrialDone[]
  /** Of all that it took, as far as the log tells. */
  readonly seconds: number | undefined
  /** What is known of the trial: of `done`, else of the furthest it came. */
  readonly metrics: Figures
  /** How many epochs that took. */
  readonly epochs: number
  /** The last failure, where the trial has gone on since. */
  readonly failure: { readonly code: string; readonly message: string } | undefined
  /** Of all attempts, by epoch, the first epoch's first; undefined where no line tells of it. */
  readonly curve: readonly (EpochLine | undefined)[]
  /** ISO 8601; of the last attempt. */
  readonly started: string | undefined
  /** Attempts that ended with the death of their process, since an epoch was last finished. */
  readonly lost: number
}

type EpochLine = Extract<TrialLine, { type: 'epoch' }>

export function stateOf({ id, ticket, log }: TrialFolder): TrialState {
  const last = <T extends TrialLine['type']>(type: T) =>
    log.findLast((line): line is Extract<TrialLine, { type: T }> => line.type === type)
  const done = log.find((line): line is TrialDone => line.type === 'done')
  const rungs = log.filter((line): line is TrialDone => line.type === 'paused')
  const paused = rungs.at(-1)
  const stopped = last('stopped')
  const curve: (EpochLine | undefined)[] = []
  for (const line of log) if (line.type === 'epoch') curve[line.epoch - 1] = line
  const ending = log.findLast(({ type }) => type !== 'started' && type !== 'epoch')
  const isRunning = ticket.state === 'claimed' && ticket.isAlive
  const failure = ending?.type === 'failed' ? ending : undefined
  const known = done ?? stopped ?? paused
  return {
    id,
    status: done ? 'done' : isRunning ? 'running' : statusOf(ending),
    done,
    paused,
    rungs,
    seconds:
      done || paused
        ? [...rungs, done].reduce((sum, end) => sum + (end?.seconds ?? 0), 0)
        : undefined,
    metrics: known?.metrics ?? {},
    epochs: done?.epochs ?? Math.max(curve.length, paused?.epochs ?? 0),
    failure,
    curve,
    started: last('started')?.time,
    lost: lostAttempts(log, isRunning),
  }
}

function statusOf(ending: TrialLine | undefined): TrialStatus {
  switch (ending?.type) {
    case 'failed':
    case 'stopped':
    case 'paused':
      return ending.type
    default:
      return 'waiting'
  }
}

function lostAttempts(log: readonly TrialLine[], isRunning: boolean): number {
  let lost = 0
  let isOpen = false
  for (const { type } of log) {
    if (type === 'epoch') lost = 0
    else if (type !== 'started') isOpen = false
    else {
      if (isOpen) lost += 1
      isOpen = true
    }
  }
  return isOpen && !isRunning ? lost + 1 : lost
}

/** The figure that a trial is judged by; undefined where it has none (yet, or not of this name). */
export function valueOf({ metrics }: Pick<TrialState, 'metrics'>, { name }: SweepMetric) {
  const value = metrics[name]
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

/** The figure after each epoch, NaN where it is not known. */
export function valuesOf({ curve, done, rungs }: TrialState, metric: SweepMetric): number[] {
  const values = Array.from(curve, (line) => {
    const figures = metric.split === 'train' ? line?.train : line?.validation
    const isKnown = metric.split === 'train' || metric.split === 'validation'
    return (isKnown ? figures?.[metric.figure] : undefined) ?? NaN
  })
  for (const end of [...rungs, done]) {
    if (!end || end.epochs === 0) continue
    while (values.length < end.epochs) values.push(NaN)
    values[end.epochs - 1] = end.metrics[metric.name] ?? values[end.epochs - 1]!
  }
  return values
}

/** Whether a is better than b. */
export function isBetter(a: number, b: number, { goal }: SweepMetric): boolean {
  return goal === 'maximize' ? a > b : a < b
}

export function reaches(value: number, { goal, target }: SweepMetric): boolean {
  if (target === undefined) return false
  return goal === 'maximize' ? value >= target : value <= target
}
