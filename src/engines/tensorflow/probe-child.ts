import { Builder } from '../../program/builder.ts'
import { PipelineError } from '../../util/diagnostic.ts'
import type { TensorflowLocation } from './locate.ts'
import { openTensorflowAt } from './open.ts'
import type { ProbeAnswer } from './probe.ts'

/** Run by `probe.ts`: argv[2] is a TensorflowLocation, the answer goes to stdout as JSON. */
async function probe(location: TensorflowLocation): Promise<ProbeAnswer> {
  const devices: string[] = []
  let version: string | undefined
  let problem: string | undefined
  for (const device of ['cpu', 'gpu']) {
    try {
      const engine = await openTensorflowAt(location, { device })
      version = engine.info.version
      const session = await engine.compile(product())
      const { c } = await session.run('e', { a: Float32Array.of(1, 2, 3, 4) })
      await engine.close()
      if (String(c) === '7,10,15,22') devices.push(device)
      else problem = `[[1,2],[3,4]]² came out as ${String(c)} on the ${device}`
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      const [diagnostic] = error.diagnostics
      // No GPU is no problem of a library that was not built for one.
      if (device === 'cpu' || location.cuda) problem = diagnostic!.message
      if (device === 'cpu') break
    }
  }
  return {
    ...(version === undefined ? {} : { version }),
    devices,
    ...(problem === undefined ? {} : { problem }),
  }
}

function product() {
  const b = new Builder()
  const a = b.input('a', [2, 2])
  b.entry('e', { fetches: { c: b.matMul(a, a) }, updates: [] })
  return b.program()
}

const answer = await probe(JSON.parse(process.argv[2]!) as TensorflowLocation)
process.stdout.write(`${JSON.stringify(answer)}\n`)
