import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AdapterInfo, Device, Gpu } from './dawn.ts'
import type { WebgpuLocation } from './locate.ts'

/**
 * The little of tfjs that the engine uses. Kernels are called by themselves, without tfjs' tensors, tape and scopes:
 * what a kernel returns is freed when the plan says so.
 */
export interface Tfjs {
  kernel(name: string): Kernel
  /** A kernel of our own, of one output element each thread: see `map.ts`. */
  readonly layout: Layout
  /** Which of its programs tfjs takes for matrix products until it is told otherwise; -1: as it likes. */
  setMatMul(program: number): void
  newBackend(device: Device, info: AdapterInfo, gpu: Gpu): Backend
}

/** How tfjs spreads elements over threads. */
export interface Layout {
  flatDispatchLayout(shape: readonly number[]): object
  computeDispatch(
    layout: object,
    shape: readonly number[],
    workgroupSize: readonly number[],
  ): number[]
}

/** A kernel as tfjs compiles it; what is not set is filled in by tfjs. */
export interface GpuProgram {
  /** Of the arrays in the code, in the order of the inputs. */
  readonly variableNames: readonly string[]
  readonly outputShape: readonly number[]
  readonly workgroupSize: readonly number[]
  /** Whether the code may read `uniforms.size`. */
  readonly size: boolean
  readonly dispatchLayout: object
  readonly dispatch: number[]
  /** The same for kernels with the same code; tfjs adds ranks and types. */
  readonly shaderKey: string
  /** Of our own, `name : type,` each; their values come with each run. */
  readonly uniforms?: string
  getUserCode(): string
}

/** A tensor's place: kernels read shape and dtype from it. uint8 is held as int32. */
export interface Handle {
  readonly dataId: object
  readonly shape: number[]
  readonly dtype: 'float32' | 'int32' | 'bool'
}

export type Inputs = Readonly<Record<string, Handle | undefined>> | readonly Handle[]

export type Kernel = (call: {
  readonly inputs: Inputs
  readonly attrs: Readonly<Record<string, unknown>>
  readonly backend: Backend
}) => Handle

export interface Backend {
  /** With values: they go to the device when first read there, or by `uploadToGPU`. */
  makeTensorInfo(
    shape: readonly number[],
    dtype: Handle['dtype'],
    values?: Float32Array | Int32Array,
  ): Handle
  uploadToGPU(dataId: object): void
  runWebGPUProgram(
    program: GpuProgram,
    inputs: readonly Handle[],
    dtype: Handle['dtype'],
    uniforms?: readonly { readonly type: 'float32'; readonly data: readonly number[] }[],
  ): Handle
  /** May be the very array that was written. */
  read(dataId: object): Promise<Float32Array | Int32Array>
  incRef(dataId: object): void
  /** One reference less; without any the place is free for others. */
  disposeData(dataId: object): boolean
  numDataIds(): number
  /** What is recorded and not yet sent. */
  readonly commandEncoder: object | null
  endComputePassEncoder(): void
  submitQueue(): void
  readonly tensorMap: { get(dataId: object): { values: unknown; resource: unknown } }
  readonly bufferManager: BufferPool
  dispose(): void
}

/** Buffers are kept when they are free, by exact size and use, and never given back. */
interface BufferPool {
  readonly freeBuffers: ReadonlyMap<string, { readonly size: number; destroy(): void }[]>
  numFreeBuffers: number
  numBytesAllocated: number
}

interface Core {
  getKernel(name: string, backend: string): { readonly kernelFunc: Kernel } | undefined
  env(): { set(flag: string, value: boolean | number): void }
}

/** Loads the kernels, and the copy of tfjs-core that they belong to. */
export function loadTfjs({ kernels: folder, version }: WebgpuLocation): Tfjs {
  const require = createRequire(join(folder, 'package.json'))
  const core = require('@tensorflow/tfjs-core') as Core
  const { WebGPUBackend, webgpu_util } = require(folder) as {
    webgpu_util: Layout
    WebGPUBackend: new (device: Device, info: AdapterInfo) => Backend
  }
  // Small tensors would go to kernels in JavaScript: other numbers, depending on where an input happens to be.
  core.env().set('WEBGPU_CPU_FORWARD', false)
  return {
    layout: webgpu_util,
    setMatMul: (program) => core.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', program),
    kernel(name) {
      const found = core.getKernel(name, 'webgpu')
      if (!found) throw new TypeError(`tfjs-backend-webgpu ${version} has no kernel ${name}`)
      return found.kernelFunc
    },
    newBackend: (device, info, gpu) => withNavigator(gpu, () => new WebGPUBackend(device, info)),
  }
}

/** The constructor looks for `navigator.gpu`; as a lasting global it would keep the process alive. */
function withNavigator<T>(gpu: Gpu, call: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  try {
    return call()
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before)
    else delete (globalThis as { navigator?: unknown }).navigator
  }
}
