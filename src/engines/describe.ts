import { PipelineError } from '../util/diagnostic.ts'
import type { EngineName } from './engine.ts'
import { probeEngine, type Probe } from './probe.ts'
import { locateAllTensorflow, type TensorflowLocation } from './tensorflow/locate.ts'
import { locateWebgpu } from './webgpu/locate.ts'

/** One engine of this machine, tried. */
export interface EngineRecord {
  readonly engine: EngineName
  /** Where it was found: `install`, `tfjs-node`, `system` ..., `packages`, `embedded`. */
  readonly source: string
  readonly folder?: string
  readonly version?: string
  /** Of webgpu: vendor, device and driver. */
  readonly adapter?: string
  /** Where a matrix product came out right. */
  readonly devices: readonly string[]
  readonly problem?: string
  readonly seconds: number
}

export interface DescribeOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly signal?: AbortSignal
}

/** Every engine that is here, in the order they are looked for, each tried in a process of its own. */
export async function describeEngines(options: DescribeOptions = {}): Promise<EngineRecord[]> {
  const { signal } = options
  const rows: EngineRecord[] = []
  for (const found of locations(options)) {
    if ('problem' in found) {
      rows.push({ engine: 'tensorflow', source: 'environment', devices: [], seconds: 0, ...found })
      continue
    }
    const probe = await probeEngine({ engine: 'tensorflow', location: found }, { signal })
    rows.push({ engine: 'tensorflow', source: found.source, folder: found.folder, ...probe })
  }
  const packages = locateWebgpu(options.cwd)
  if (!('missing' in packages)) {
    const probe = await probeEngine({ engine: 'webgpu' }, { signal })
    rows.push({ engine: 'webgpu', source: 'packages', folder: packages.kernels, ...probe })
  }
  const wasm: Probe = await probeEngine({ engine: 'wasm' }, { signal })
  return [...rows, { engine: 'wasm', source: 'embedded', ...wasm }]
}

/** A variable that names nothing is told, and does not hide the others. */
function locations({ env, cwd }: DescribeOptions): (TensorflowLocation | { problem: string })[] {
  const place = { ...(env ? { env } : {}), ...(cwd ? { cwd } : {}) }
  try {
    return locateAllTensorflow(place)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const others = { ...place, env: { ...env, GRAFT_LIBTENSORFLOW: '' } }
    return [{ problem: error.diagnostics[0]!.message }, ...locateAllTensorflow(others)]
  }
}
