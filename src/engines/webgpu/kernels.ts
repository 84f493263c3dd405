import type { DType, Shape, TensorData, TensorType } from '../../program/program.ts'
import { mapProgram, type MapCode } from './map.ts'
import { sumProgram, sumSteps } from './sums.ts'
import type { Backend, Handle, Inputs, Kernel, Tfjs } from './tfjs.ts'

/** tfjs' kernels on one device, and who holds what there. */
export class Kernels {
  readonly #tfjs: Tfjs
  readonly #backend: Backend
  readonly #known = new Map<string, Kernel>()
  readonly #scalars = new Map<number, Handle>()

  constructor(tfjs: Tfjs, backend: Backend) {
    this.#tfjs = tfjs
    this.#backend = backend
  }

  /** Records one kernel; what it returns is the caller's to free. */
  run(name: string, inputs: Inputs, attrs: Readonly<Record<string, unknown>> = {}): Handle {
    let kernel = this.#known.get(name)
    if (!kernel) this.#known.set(name, (kernel = this.#tfjs.kernel(name)))
    return kernel({ inputs, attrs, backend: this.#backend })
  }

  /** Records a kernel of our own; gives float32 of the shape of the inputs that are whole, or of `shape`. */
  map(code: MapCode, inputs: readonly Handle[], shape: Shape = inputs[0]!.shape): Handle {
    const program = mapProgram(this.#tfjs.layout, code, shape)
    return this.#backend.runWebGPUProgram(program, inputs, 'float32')
  }

  /** Records sums (divided by `divisor`) along the middle of [outer, count, inner]; gives [outer, 1, inner]. */
  sum(x: Handle, shape: readonly [number, number, number], divisor: number): Handle {
    const [outer, , inner] = shape
    let from = this.view(x, shape)
    for (const step of sumSteps(shape, divisor)) {
      const program = sumProgram(this.#tfjs.layout, [outer, step.parts, inner])
      const uniforms = [{ type: 'float32', data: [step.divisor] }] as const
      const to = this.#backend.runWebGPUProgram(program, [from], 'float32', uniforms)
      this.free(from)
      from = to
    }
    return from
  }

  /** Records with one of tfjs' programs for matrix products, see `matmul.ts`. */
  withMatMul(program: number | undefined, record: () => Handle): Handle {
    if (program === undefined) return record()
    this.#tfjs.setMatMul(program)
    try {
      return record()
    } finally {
      this.#tfjs.setMatMul(-1)
    }
  }

  /** A copy of the data on the device. */
  upload({ shape, dtype }: TensorType, data: TensorData): Handle {
    const values = data instanceof Uint8Array ? Int32Array.from(data) : data
    const handle = this.#backend.makeTensorInfo([...shape], deviceType(dtype), values)
    this.#backend.uploadToGPU(handle.dataId)
    return handle
  }

  /** The same place once more, under another shape of the same size. */
  view({ dataId, dtype, shape: old }: Handle, shape: Shape = old): Handle {
    this.#backend.incRef(dataId)
    return { dataId, dtype, shape: [...shape] }
  }

  free({ dataId }: Handle): void {
    this.#backend.disposeData(dataId)
  }

  /** A number that stays on the device. */
  scalar(value: number): Handle {
    let handle = this.#scalars.get(value)
    if (!handle) {
      handle = this.upload({ shape: [], dtype: 'float32' }, Float32Array.of(value))
      this.#scalars.set(value, handle)
    }
    return handle
  }

  /** A fresh array with what the handle holds, once everything recorded before has been computed. */
  async read({ dataId }: Handle, dtype: DType): Promise<TensorData> {
    const data = await this.#backend.read(dataId)
    // tfjs keeps what it has read: it would be there twice, and be handed out again.
    this.#backend.tensorMap.get(dataId).values = null
    if (dtype === 'uint8') return Uint8Array.from(data)
    return data
  }

  /** Sends what is recorded. */
  flush(): void {
    if (this.#backend.commandEncoder === null) return
    this.#backend.endComputePassEncoder()
    this.#backend.submitQueue()
  }

  /** How many places are held. */
  get held(): number {
    return this.#backend.numDataIds()
  }

  /** In buffers, those that are free and kept included. */
  get bytes(): number {
    return this.#backend.bufferManager.numBytesAllocated
  }

  /** Gives back what is free and only kept for the next of its size. */
  shrink(): void {
    this.flush()
    const pool = this.#backend.bufferManager
    for (const buffers of pool.freeBuffers.values()) {
      for (const buffer of buffers.splice(0)) {
        pool.numFreeBuffers -= 1
        pool.numBytesAllocated -= buffer.size
        buffer.destroy()
      }
    }
  }

  close(): void {
    this.#backend.dispose()
  }
}

export function deviceType(dtype: DType): Handle['dtype'] {
  return dtype === 'float32' ? 'float32' : 'int32'
}
