import { Worker } from 'node:worker_threads'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import type { AugmentTask, TaskAnswer, WorkerSetup } from './augment-worker.ts'

/** Threads that augment; the next free one takes the next task. */
export interface Threads {
  /** Resolves when the pictures are in their place. Rejects with what the thread said, or how it ended. */
  run(task: AugmentTask): Promise<void>
  /** Ends the threads; what is under way is rejected. */
  close(): Promise<void>
}

interface Job {
  readonly task: AugmentTask
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Tasks sent to each thread: one at work, one that waits, so that it never does. */
const AHEAD = 2

/** They keep the process alive only while something is under way. */
export function startThreads(setup: WorkerSetup, count: number): Threads {
  const waiting: Job[] = []
  /** Why nothing can be run any more. */
  let end: Error | undefined
  let underWay = 0

  const finish = (settle: () => void): void => {
    underWay -= 1
    if (underWay === 0) workers.forEach(({ worker }) => worker.unref())
    settle()
  }
  const stop = (reason: Error): void => {
    end ??= reason
    const lost = [...workers.flatMap(({ sent }) => sent.splice(0)), ...waiting.splice(0)]
    for (const job of lost) finish(() => job.reject(end))
  }
  const feed = (): void => {
    for (const { worker, sent } of [...workers].sort((a, b) => a.sent.length - b.sent.length)) {
      while (sent.length < AHEAD && waiting.length > 0) {
        const job = waiting.shift()!
        sent.push(job)
        worker.postMessage(job.task)
      }
    }
  }
  const workers = Array.from({ length: count }, () => {
    const sent: Job[] = []
    const worker = new Worker(new URL('./augment-worker.js', import.meta.url), {
      workerData: setup,
    })
    worker.unref()
    worker.on('message', ({ failure: said }: TaskAnswer) => {
      const job = sent.shift()
      if (!job) return
      finish(() => (said ? job.reject(errorOf(said)) : job.resolve()))
      feed()
    })
    worker.on('error', (error) => stop(died(setup, error)))
    worker.on('exit', (code) => stop(died(setup, new Error(`it ended with code ${code}`))))
    return { worker, sent }
  })

  return {
    run: (task) =>
      new Promise((resolve, reject) => {
        if (end) {
          reject(end)
          return
        }
        if (underWay === 0) workers.forEach(({ worker }) => worker.ref())
        underWay += 1
        waiting.push({ task, resolve, reject })
        feed()
      }),
    async close() {
      stop(new Error(`the augmented pixels of ${setup.path} are closed`))
      await Promise.all(workers.map(({ worker }) => worker.terminate()))
    },
  }
}

function errorOf({ text, diagnostics }: NonNullable<TaskAnswer['failure']>): Error {
  return diagnostics.length > 0
    ? new PipelineError(diagnostics)
    : new Error(`a thread that augments failed: ${text}`)
}

function died({ path }: WorkerSetup, error: Error): Error {
  const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
  const code = isMemory ? 'OUT_OF_MEMORY' : 'STAGE_FAILED'
  const text = `a thread that augments the pictures of ${path} died: ${error.message}`
  return failure(code, text, { cause: error })
}
