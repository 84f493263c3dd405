import { openWasm } from '../../src/engines/wasm/engine.ts'
import { openCheckpoints, type CheckpointStep } from '../../src/training/checkpoint.ts'
import { fit } from '../../src/training/fit.ts'
import { misfit } from '../../src/training/loop-state.ts'
import { noWarning } from '../graph/rig.ts'
import { digestOfEnd, littleFit, littleProgram } from '../support/little-fit.ts'

/** The little training in a process of its own, on from where another was ended; prints the digest of its end. */
export interface FitJob {
  readonly folder: string
  /** Kill this process with SIGKILL at the n-th time (from 1) that the step begins. */
  readonly killAt: { readonly step: CheckpointStep; readonly time: number }
}

async function main({ folder, killAt }: FitJob): Promise<void> {
  let times = 0
  const onStep = (step: CheckpointStep) => {
    if (step !== killAt.step) return
    times += 1
    if (times === killAt.time) process.kill(process.pid, 'SIGKILL')
  }
  const program = littleProgram()
  const checkpoints = openCheckpoints(folder, noWarning, { onStep })
  const from = await checkpoints.load((found) => misfit(found, program))
  const engine = await openWasm()
  const session = await engine.compile(program)
  const isDue = () => true
  const { end } = await fit({ ...littleFit({ checkpoints, from: () => from, isDue }), session })
  process.stdout.write(`${digestOfEnd(end)}\n`)
}

await main(JSON.parse(process.argv[2]!) as FitJob)
