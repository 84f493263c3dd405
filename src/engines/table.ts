import { PipelineError } from '../util/diagnostic.ts'
import { availableParallelism } from 'node:os'
import type { Engine, EngineInfo, EngineName, EngineOptions } from './engine.ts'
import { checkPrecision } from './precision.ts'

/** Whether an engine can be opened here, as its files tell: nothing is loaded to find out. */
export interface Availability {
  readonly ready: boolean
  /** What was found, or what is missing; a phrase for one line of a list. */
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string | undefined
}

export interface EngineRow {
  readonly name: EngineName
  /** One sentence for lists and docs. */
  readonly describe: string
  available(): Promise<Availability>
  /**
   * What it would say of itself, where its files alone tell; undefined: only opening it would. Throws ENGINE_MISSING where
   * they tell that it lacks what is asked for.
   */
  info(options: EngineOptions): Promise<EngineInfo | undefined>
  /** Throws ENGINE_MISSING or ENGINE_FAILED. */
  open(options: EngineOptions): Promise<Engine>
}

const INSTALL = '`pipeline engine install`'

/** All engines; each is imported only when it is asked about. */
export const ENGINES: readonly EngineRow[] = [
  {
    name: 'tensorflow',
    describe: "TensorFlow's own library as one graph a step, on CPU or CUDA GPU",
    async available() {
      const { locateTensorflow } = await import('./tensorflow/locate.ts')
      const found = locateTensorflow()
      if (!found) {
        return { ready: false, detail: 'no libtensorflow on this machine', hint: INSTALL }
      }
      const version = found.version === undefined ? '' : ` ${found.version}`
      const cuda = found.cuda === true ? ', built for CUDA' : ''
      return { ready: true, detail: `${found.source}${version}${cuda} in ${found.folder}` }
    },
    async info(options) {
      const { device, threads = availableParallelism(), precision } = options
      const { locateTensorflow } = await import('./tensorflow/locate.ts')
      const found = locateTensorflow()
      const isPlain = found?.cuda === false && (device === undefined || device === 'cpu')
      if (!isPlain || found.version === undefined) return undefined
      checkPrecision(options, 'tensorflow', 'cpu')
      const mixed = precision === 'mixed' ? { precision } : {}
      return { name: 'tensorflow', device: 'cpu', version: found.version, threads, ...mixed }
    },
    async open(options) {
      const { openTensorflow } = await import('./tensorflow/open.ts')
      return openTensorflow(options)
    },
  },
  {
    name: 'webgpu',
    describe: 'any GPU through WebGPU, without CUDA: two optional npm packages',
    async available() {
      const { INSTALL: install, locateWebgpu } = await import('./webgpu/locate.ts')
      const found = locateWebgpu()
      if ('missing' in found) {
        return { ready: false, detail: `without ${found.missing.join(' and ')}`, hint: install }
      }
      return { ready: true, detail: `kernels ${found.version}, Dawn ${found.dawnVersion}` }
    },
    async info(options) {
      checkPrecision(options, 'webgpu', 'gpu')
      const { webgpuInfo } = await import('./webgpu/info.ts')
      return webgpuInfo(options)
    },
    async open(options) {
      const { openWebgpu } = await import('./webgpu/engine.ts')
      return openWebgpu(options)
    },
  },
  {
    name: 'wasm',
    describe: 'WebAssembly kernels, embedded: always there, one process a core for frozen layers',
    available: () => Promise.resolve({ ready: true, detail: 'embedded' }),
    async info(options) {
      checkPrecision(options, 'wasm', 'cpu')
      const { wasmInfo } = await import('./wasm/info.ts')
      return wasmInfo()
    },
    async open(options) {
      const { openWasm } = await import('./wasm/engine.ts')
      return openWasm(options)
    },
  },
]

/** Every engine with what this machine has of it, for `pipeline engine ls` and `doctor`. */
export async function listEngines(): Promise<(EngineRow & { availability: Availability })[]> {
  return Promise.all(
    ENGINES.map(async (row) => {
      try {
        return { ...row, availability: await row.available() }
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error
        const [{ message, hint } = { message: String(error), hint: undefined }] = error.diagnostics
        return { ...row, availability: { ready: false, detail: message, hint } }
      }
    }),
  )
}
