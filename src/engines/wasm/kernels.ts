import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { failure } from '../../util/diagnostic.ts'
import { sizeOf, type DType, type Shape } from '../../program/program.ts'

/**
 * One instance of the tfjs WebAssembly kernels, with its own memory. The kernels (XNNPACK convolutions and so on)
 * are called by their C signatures, which are those of @tensorflow/tfjs-backend-wasm 4.22 (its dist/kernels/*.js);
 * tfjs-core, its global engine and its book-keeping stay out: the Program is static, so every buffer has its
 * place before the first run, and an instance is as easy to drop as any object.
 */
export interface Kernels {
  readonly version: string
  readonly c: CFunctions
  /** The memory as it is now: it moves when it grows, so never keep a view across a kernel call. */
  f32(): Float32Array
  i32(): Int32Array
  u8(): Uint8Array
  /** Bytes of memory, 64-byte aligned; throws OUT_OF_MEMORY. */
  allocate(bytes: number): number
  /** Lets the kernels know a tensor; `release` also forgets what they packed for it. */
  register(operand: Operand): void
  release(operand: Operand): void
  /**
   * Runs one step. Throws ENGINE_FAILED where a kernel complained (it would go on with garbage), OUT_OF_MEMORY where
   * it found no room for what it packs.
   */
  guard(step: () => void): void
}

/** A tensor's place in the memory of one instance. */
export interface Operand {
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  /** Bytes from the start of the memory; known when the plan of the whole program is. */
  address: number
  /** A constant or a variable: its values outlast a run, and kernels may keep a packed copy of them. */
  readonly lasting: boolean
}

export const BYTES: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 }

export function bytesOf({ shape, dtype }: { shape: Shape; dtype: DType }): number {
  return sizeOf(shape) * BYTES[dtype]
}

/** The C functions in use; a tensor is a number (its id), a shape a pointer to 32-bit integers and a length. */
export interface CFunctions {
  _FusedConv2D(...numbers: number[]): void
  _FusedDepthwiseConv2D(...numbers: number[]): void
  __FusedMatMul(...numbers: number[]): void
  _MaxPool(...numbers: number[]): void
  _AvgPool(...numbers: number[]): void
  _Transpose(...numbers: number[]): void
  _Softmax(x: number, out: number, channels: number, rows: number): void
  _Sigmoid(x: number, out: number): void
  _Relu: Unary
  _Relu6: Unary
  _Exp: Unary
  _Log: Unary
  _Tanh: Unary
  _Sqrt: Unary
  _Rsqrt: Unary
  _Square: Unary
  _Neg: Unary
  _Add: Binary
  _Sub: Binary
  _Multiply: Binary
  _RealDiv: Binary
  _Maximum: Binary
  _Minimum: Binary
}
type Unary = (x: number, dtype: number, out: number) => void
type Binary = (
  a: number,
  aShape: number,
  aRank: number,
  b: number,
  bShape: number,
  bRank: number,
  dtype: number,
  out: number,
) => void

/** dtype codes of the C functions. */
export const FLOAT32 = 0

interface Emscripten extends CFunctions {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _init(): void
  _register_tensor(id: number, size: number, address: number): void
  _dispose_data(id: number): void
}
type Factory = (options: {
  print(line: string): void
  printErr(line: string): void
  instantiateWasm(imports: object, done: (instance: object) => void): object
}) => Promise<Emscripten>

/** The part of the global that is used here; neither lib.es2023 nor @types/node declares it. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    validate(bytes: Uint8Array): boolean
    Module: new (bytes: Uint8Array) => object
    Instance: new (code: object, imports: object) => { readonly exports: object }
    RuntimeError: new () => Error
  }
}

/** Code, not state: compiled once a process and shared by all instances. */
let compiled: Promise<{ factory: Factory; code: object; version: string }> | undefined

/** Throws ENGINE_FAILED where the package's files cannot be read or run. */
export async function loadKernels(): Promise<Kernels> {
  const { factory, code, version } = await (compiled ??= compile())
  const complaints: string[] = []
  const module = await withoutListeners(() =>
    factory({
      print: () => {},
      printErr: (line) => complaints.push(line),
      instantiateWasm: (imports, done) => {
        // Not the asynchronous form: while a promise of WebAssembly is all that is pending, Node 20 sees an empty
        // event loop and may wait for its compiler threads, which may wait for this thread to collect garbage.
        const instance = new WebAssembly.Instance(code, imports)
        done(instance)
        return instance.exports
      },
    }),
  )
  module._init()
  return wrap(module, version, complaints)
}

async function compile() {
  try {
    const require = createRequire(import.meta.url)
    const home = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))
    const { version } = require(join(home, 'package.json')) as { version: string }
    // One glue fits both binaries; the plain one is for processors without SIMD (before 2008).
    const factory = require(join(home, 'wasm-out/tfjs-backend-wasm.js')) as Factory
    const simd = await readFile(join(home, 'dist/tfjs-backend-wasm-simd.wasm'))
    const code = new WebAssembly.Module(
      WebAssembly.validate(simd) ? simd : await readFile(join(home, 'dist/tfjs-backend-wasm.wasm')),
    )
    return { factory, code, version }
  } catch (cause) {
    compiled = undefined
    throw failure(
      'ENGINE_FAILED',
      'the wasm kernels of @tensorflow/tfjs-backend-wasm do not load',
      {
        hint: 'run `npm ci` again',
        cause,
      },
    )
  }
}

/** The glue hangs process-wide listeners that rethrow every error of the program; take them off again. */
async function withoutListeners<T>(start: () => Promise<T>): Promise<T> {
  const names = ['uncaughtException', 'unhandledRejection'] as const
  const before = names.map((name) => new Set<unknown>(process.rawListeners(name)))
  const started = start()
  names.forEach((name, i) => {
    for (const listener of process.rawListeners(name)) {
      if (!before[i]!.has(listener)) process.removeListener(name, listener as () => void)
    }
  })
  return started
}

function wrap(module: Emscripten, version: string, complaints: string[]): Kernels {
  let bytes = module.HEAPU8
  let floats = new Float32Array(bytes.buffer)
  let integers = new Int32Array(bytes.buffer)
  const renew = (): void => {
    bytes = module.HEAPU8
    floats = new Float32Array(bytes.buffer)
    integers = new Int32Array(bytes.buffer)
  }
  return {
    version,
    c: module,
    f32: () => (module.HEAPU8 === bytes || renew(), floats),
    i32: () => (module.HEAPU8 === bytes || renew(), integers),
    u8: () => module.HEAPU8,
    allocate(wanted) {
      // XNNPACK reads up to 16 bytes past the end of its inputs.
      const address = wanted + 128 < 2 ** 32 ? module._malloc(wanted + 128) >>> 0 : 0
      if (address === 0) throw outOfMemory(wanted)
      return Math.ceil(address / 64) * 64
    },
    register: ({ id, shape, address }) => module._register_tensor(id, sizeOf(shape), address),
    release: ({ id }) => module._dispose_data(id),
    guard(step) {
      try {
        step()
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error
        complaints.length = 0
        throw module.HEAPU8.length > FULL ? outOfMemory(0, error) : failed(String(error), error)
      }
      if (complaints.length > 0) throw failed(complaints.splice(0).join(' '))
    },
  }
}

/** Bytes of memory from which on an abort of a kernel means that there was no more. */
const FULL = 2 ** 32 - 2 ** 29

function failed(said: string, cause?: unknown): Error {
  return failure('ENGINE_FAILED', `a wasm kernel failed: ${said.trim()}`, { cause })
}

function outOfMemory(wanted: number, cause?: unknown): Error {
  const more = wanted === 0 ? 'more memory' : `${Math.round(wanted / 2 ** 20)} MiB more`
  return failure('OUT_OF_MEMORY', `the wasm engine cannot have ${more} (it holds at most 4 GiB)`, {
    hint: 'a smaller batchSize, or `pipeline engine install` for the native engine',
    cause,
  })
}
