import type { Event } from '../graph/event.ts'
import type { Values } from '../pipeline/sweep-block.ts'
import type { Diagnostic } from '../util/diagnostic.ts'

/** Everything that can happen while a sweep runs, as plain data. What happens inside a trial is told with its id. */
export type SweepEvent =
  | { readonly type: 'sweepStarted'; readonly trials: number; readonly finished: number }
  | {
      readonly type: 'trialStarted'
      readonly trial: string
      readonly parameters: Values
      /** Of the process that runs it. */
      readonly pid: number
    }
  | {
      readonly type: 'trialDone'
      readonly trial: string
      readonly value: number | undefined
      readonly cached: boolean
      /** It came to its rung, and may go on from there. */
      readonly isPaused: boolean
      readonly epochs: number
      readonly seconds: number
      readonly run: string
    }
  /** It did worse than others at the same epoch. */
  | {
      readonly type: 'trialStopped'
      readonly trial: string
      readonly value: number | undefined
      readonly epoch: number
    }
  | {
      readonly type: 'trialFailed'
      readonly trial: string
      readonly code: string
      readonly message: string
      /** It is tried again at once. */
      readonly again: boolean
    }
  /** What ends a worker would end the others too: a full disk, a missing engine. */
  | { readonly type: 'workerFailed'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly type: 'workerEnded'; readonly pid: number; readonly how: string }
  | {
      readonly type: 'sweepDone'
      readonly status: 'done' | 'failed' | 'interrupted'
      readonly seconds: number
    }
  | (Event & { readonly trial?: string | undefined })
