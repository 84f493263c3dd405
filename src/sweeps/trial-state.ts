import type { SweepMetric } from '../pipeline/sweep-block.ts'
import type { TrialDone, TrialFolder, TrialLine } from './trial-folder.ts'

export type TrialStatus = 'waiting' | 'running' | 'done' | 'failed'

/** What the log and the ticket of a trial come to. */
export interface TrialState {
  readonly id: string
  readonly status: TrialStatus
  readonly done: TrialDone | undefined
  /** The last failure, where the trial has not been done since. */
  readonly failure: { readonly code: string; readonly message: string } | undefined
  /** The last epoch of the last attempt. */
  readonly epoch: Extract<TrialLine, { type: 'epoch' }> | undefined
  /** ISO 8601; of the last attempt. */
  readonly started: string | undefined
  /** Attempts that ended with the death of their process, since an epoch was last finished. */
  readonly lost: number
}

export function stateOf({ id, ticket, log }: TrialFolder): TrialState {
  let done: TrialDone | undefined
  let failure: TrialState['failure']
  let epoch: TrialState['epoch']
  let started: string | undefined
  let lost = 0
  let isOpen = false
  for (const line of log) {
    switch (line.type) {
      case 'started':
        if (isOpen) lost += 1
        isOpen = true
        started = line.time
        failure = undefined
        break
      case 'epoch':
        epoch = line
        lost = 0
        break
      case 'done':
        done ??= line
        isOpen = false
        break
      case 'failed':
        failure = line
        isOpen = false
        break
      case 'interrupted':
        isOpen = false
        break
    }
  }
  const isRunning = ticket.state === 'claimed' && ticket.isAlive
  if (isOpen && !isRunning) lost += 1
  const status = done ? 'done' : isRunning ? 'running' : failure ? 'failed' : 'waiting'
  return { id, status, done, failure: done ? undefined : failure, epoch, started, lost }
}

/** The figure that a trial is judged by; undefined where it has none (yet, or not of this name). */
export function valueOf({ done }: TrialState, { name }: SweepMetric): number | undefined {
  const value = done?.metrics[name]
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

/** Whether a is better than b. */
export function isBetter(a: number, b: number, { goal }: SweepMetric): boolean {
  return goal === 'maximize' ? a > b : a < b
}

export function reaches(value: number, { goal, target }: SweepMetric): boolean {
  if (target === undefined) return false
  return goal === 'maximize' ? value >= target : value <= target
}
