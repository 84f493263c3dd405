import type { Diagnostic } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'

/** Everything that can happen while a plan is executed, as plain data. Printers switch over `type` exhaustively. */
export type Event =
  | {
      readonly type: 'planStarted'
      readonly stages: readonly { readonly id: string; readonly kind: string }[]
    }
  | { readonly type: 'stageStarted'; readonly stage: string; readonly kind: string }
  /** Another process computes the same fingerprint; this one waits for its artifact. */
  | { readonly type: 'stageWaiting'; readonly stage: string; readonly pid: number }
  | {
      readonly type: 'stageProgress'
      readonly stage: string
      readonly done: number
      readonly total: number | undefined
      readonly unit: 'bytes' | 'pictures' | 'batches'
    }
  | {
      readonly type: 'stageDone'
      readonly stage: string
      readonly cached: boolean
      readonly seconds: number
      readonly bytes: number
      readonly fingerprint: Digest
      readonly digest: Digest
      readonly reason: string | undefined
    }
  | {
      readonly type: 'stageFailed'
      readonly stage: string
      readonly diagnostics: readonly Diagnostic[]
    }
  | {
      readonly type: 'epochDone'
      readonly stage: string
      readonly epoch: number
      readonly epochs: number
      readonly phase: number
      readonly train: Readonly<Record<string, number>>
      readonly validation: Readonly<Record<string, number>> | undefined
      readonly seconds: number
      /** Trained by an earlier process: a checkpoint tells of it. */
      readonly before?: boolean | undefined
    }
  | {
      readonly type: 'warning'
      readonly stage?: string | undefined
      readonly diagnostic: Diagnostic
    }
  | { readonly type: 'note'; readonly stage?: string | undefined; readonly message: string }
  | {
      readonly type: 'runDone'
      readonly status: 'done' | 'failed' | 'interrupted'
      readonly seconds: number
    }
