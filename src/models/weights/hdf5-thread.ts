import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Diagnostic } from '../../util/diagnostic.ts'

export interface ThreadSetup {
  readonly port: MessagePort
  /** Counts the answers. */
  readonly signal: Int32Array<SharedArrayBuffer>
}

export type Call =
  | { readonly op: 'open'; readonly path: string; readonly name: string; readonly size: number }
  | { readonly op: 'close' }
  | {
      readonly op: 'group' | 'keys' | 'text' | 'texts' | 'shape' | 'tensor'
      readonly group: number
      readonly argument: string
    }

export type Answer =
  | { readonly value: unknown }
  | { readonly diagnostics: readonly Diagnostic[] }
  | { readonly error: string; readonly fatal: boolean }

/** A thread of hdf5-worker.ts, which answers one call at a time, waited for without giving way to anything else. */
export interface Hdf5Thread {
  /** Undefined where no answer comes by the time of `performance.now()`; the thread is then of no more use. */
  readonly ask: (call: Call, deadline: number) => Answer | undefined
  readonly end: () => void
}

export function startThread(): Hdf5Thread {
  const { port1, port2 } = new MessageChannel()
  const signal = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./hdf5-worker.js', import.meta.url), {
    workerData: { port: port2, signal } satisfies ThreadSetup,
    transferList: [port2],
  })
  // It waits for the next file; a process that is done does not wait for it.
  worker.unref()
  port1.unref()
  // What it dies of shows as no answer.
  worker.on('error', () => undefined)
  let answers = 0
  return {
    ask: (call, deadline) => {
      if (performance.now() >= deadline) return undefined
      port1.postMessage(call)
      for (;;) {
        const received = receiveMessageOnPort(port1) as { message: Answer } | undefined
        if (received) {
          answers += 1
          return received.message
        }
        const left = deadline - performance.now()
        if (left <= 0 || Atomics.wait(signal, 0, answers, left) === 'timed-out') return undefined
      }
    },
    end: () => void worker.terminate(),
  }
}
