import { execute } from '../../src/graph/execute.ts'
import type { Stage } from '../../src/graph/stage.ts'
import { openStore, type StoreStep } from '../../src/graph/store.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { testKinds } from './rig.ts'

/** One execution in a process of its own; prints each event, or the diagnostics, as a JSON line. */
export interface ChildJob {
  readonly root: string
  readonly ran: string
  readonly stages: readonly Stage[]
  /** Kill this process with SIGKILL at the n-th time (from 1) that the step begins. */
  readonly killAt?: { readonly step: StoreStep; readonly time: number } | undefined
  /** Hold on to the opened artifacts until stdin ends. */
  readonly hold?: boolean | undefined
}

async function main(job: ChildJob): Promise<void> {
  let times = 0
  const onStep = (step: StoreStep) => {
    if (step !== job.killAt?.step) return
    times += 1
    if (times === job.killAt.time) process.kill(process.pid, 'SIGKILL')
  }
  const store = await openStore(job.root, { onStep })
  const signal = new AbortController().signal
  const emit = (event: unknown) => void process.stdout.write(`${JSON.stringify(event)}\n`)
  await execute(job.stages, testKinds(job.ran), store, { jobs: 2, signal, emit })
  if (job.hold) {
    emit({ type: 'holding' })
    for await (const _ of process.stdin) void _
  }
  store.close()
}

try {
  await main(JSON.parse(process.argv[2]!) as ChildJob)
} catch (error) {
  if (!(error instanceof PipelineError)) throw error
  process.stdout.write(`${JSON.stringify({ type: 'failed', diagnostics: error.diagnostics })}\n`)
  process.exitCode = 1
}
