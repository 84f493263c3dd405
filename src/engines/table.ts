import { failure, PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { availableParallelism } from 'node:os'
import type { Engine, EngineInfo, EngineName, EngineOptions, Precision } from './engine.ts'
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
  /** Throws ENGINE_MISSING, ENGINE_FAILED or NOT_YET. */
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
    describe: 'any GPU through WebGPU, without CUDA',
    available: () =>
      Promise.resolve({ ready: false, detail: 'not in this version', hint: INSTALL }),
    info: () => Promise.resolve(undefined),
    open: () =>
      Promise.reject(
        failure('NOT_YET', 'the webgpu engine is not in this version', {
          hint: 'take `engine: auto`; `pipeline engine install --cuda` brings one for NVIDIA GPUs',
        }),
      ),
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

export interface EngineRequest {
  readonly name: 'auto' | EngineName
  /** `cpu`, `gpu`, `gpu:1`; undefined: the engine's best. */
  readonly device?: string | undefined
  readonly threads?: number | undefined
  readonly precision?: Precision | undefined
}

/**
 * Opens the engine asked for. `auto` takes the first that works of: tensorflow on a GPU, webgpu, tensorflow on the
 * CPU, wasm; one that is there and does not work is told to `note`, as a warning. Throws ENGINE_MISSING with the
 * cure for an engine, or a device, that this machine has not, ENGINE_FAILED for one that does not work, NOT_YET.
 */
export async function openEngine(
  { name, ...request }: EngineRequest,
  { verbose, note }: { verbose?: boolean; note?: (diagnostic: Diagnostic) => void } = {},
): Promise<Engine> {
  const options = { ...request, verbose }
  if (name !== 'auto') return rowOf(name).open(options)
  let native: Engine | undefined
  try {
    native = await rowOf('tensorflow').open(options)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    // Whoever asks for a GPU must not get a CPU without a word.
    if (request.device?.startsWith('gpu')) throw error
    // Only tensorflow computes in mixed precision: what it lacks for that says more than that wasm has none.
    if (request.precision === 'mixed' && (await rowOf('tensorflow').available()).ready) throw error
    if (error.diagnostics.some((d) => d.code !== 'ENGINE_MISSING')) warn(error, note)
  }
  // webgpu has its place here, before tensorflow on a CPU, once it can be opened.
  return native ?? rowOf('wasm').open(options)
}

/** An engine that is decided on, and opened only when something must be computed. */
export interface ChosenEngine {
  readonly info: EngineInfo
  readonly open: () => Promise<Engine>
}

/**
 * Decides as `openEngine` does, without loading the engine where its files tell enough: what is cached needs none.
 * Throws what `openEngine` throws.
 */
export async function chooseEngine(
  request: EngineRequest,
  extras: Parameters<typeof openEngine>[1] = {},
): Promise<ChosenEngine> {
  for (const row of ENGINES) {
    if (request.name !== 'auto' && request.name !== row.name) continue
    const { ready } = await row.available()
    const info = ready ? await row.info(request) : undefined
    if (info) return { info, open: () => openEngine({ ...request, name: row.name }, extras) }
    if (ready) break
  }
  const engine = await openEngine(request, extras)
  return { info: engine.info, open: () => Promise.resolve(engine) }
}

function warn(error: PipelineError, note?: (diagnostic: Diagnostic) => void): void {
  for (const { message, hint } of error.diagnostics) {
    const told = `the tensorflow engine does not work here, taking wasm: ${message}`
    note?.({ code: 'NOTE', severity: 'warning', message: told, hint })
  }
}

function rowOf(name: EngineName): EngineRow {
  return ENGINES.find((row) => row.name === name)!
}

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
