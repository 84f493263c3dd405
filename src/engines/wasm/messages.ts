import type { TensorData } from '../../program/program.ts'
import type { Diagnostic } from '../../util/diagnostic.ts'

/** What the pool and its processes say to each other; typed arrays go through the channel as they are. */
export type Request =
  | {
      readonly kind: 'load'
      readonly json: string
      readonly data: Uint8Array
      readonly entries: readonly string[] | undefined
    }
  | {
      readonly kind: 'run'
      readonly entry: string
      readonly feeds: Readonly<Record<string, TensorData>>
    }

/** One answer to each request, in order. */
export type Answer =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'fetched'; readonly fetches: Record<string, TensorData> }
  | {
      readonly kind: 'failed'
      /** Empty: a bug, told by the message; `misuse` where it was the caller's (TypeError). */
      readonly diagnostics: readonly Diagnostic[]
      readonly message: string
      readonly misuse: boolean
    }
