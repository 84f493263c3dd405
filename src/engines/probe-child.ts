import { Builder } from '../program/builder.ts'
import type { Program } from '../program/program.ts'
import { PipelineError } from '../util/diagnostic.ts'
import type { Engine } from './engine.ts'
import type { ProbeAnswer, ProbeTarget } from './probe.ts'

/** Run by `probe.ts`: argv[2] is a ProbeTarget, the answer goes to stdout as JSON. */
async function probe(target: ProbeTarget): Promise<ProbeAnswer> {
  const devices: string[] = []
  let version: string | undefined
  let problem: string | undefined
  let adapter: string | undefined
  for (const wanted of DEVICES[target.engine]) {
    const device = wanted ?? 'adapter'
    try {
      const engine = await open(target, wanted)
      version = engine.info.version
      adapter = engine.info.adapter
      const got = await square(engine)
      if (got === '7,10,15,22') devices.push(engine.info.device)
      else problem = `[[1, 2], [3, 4]] squared came out as ${got} on the ${device}`
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      // A library that was not built for a GPU has none, and that is no problem of its.
      const matters = device !== 'gpu' || ('location' in target && target.location.cuda === true)
      if (matters) problem = error.diagnostics[0]!.message
      if (device === 'cpu') break
    }
  }
  return {
    devices,
    ...(version === undefined ? {} : { version }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(problem === undefined ? {} : { problem }),
  }
}

/** Undefined: the engine's best. */
const DEVICES = {
  tensorflow: ['cpu', 'gpu'],
  webgpu: [undefined],
  wasm: ['cpu'],
} as const satisfies Record<ProbeTarget['engine'], readonly (string | undefined)[]>

async function open(target: ProbeTarget, device: string | undefined): Promise<Engine> {
  if (target.engine === 'webgpu') {
    const { openWebgpu } = await import('./webgpu/engine.ts')
    return openWebgpu({ device })
  }
  if (target.engine === 'wasm') {
    const { openWasm } = await import('./wasm/engine.ts')
    return openWasm({})
  }
  const { openTensorflowAt } = await import('./tensorflow/open.ts')
  return openTensorflowAt(target.location, { device })
}

async function square(engine: Engine): Promise<string> {
  const session = await engine.compile(product())
  const { c } = await session.run('e', { a: Float32Array.of(1, 2, 3, 4) })
  await engine.close()
  return String(c)
}

function product(): Program {
  const b = new Builder()
  const a = b.input('a', [2, 2])
  b.entry('e', { fetches: { c: b.matMul(a, a) }, updates: [] })
  return b.program()
}

const answer = await probe(JSON.parse(process.argv[2]!) as ProbeTarget)
process.stdout.write(`${JSON.stringify(answer)}\n`)
