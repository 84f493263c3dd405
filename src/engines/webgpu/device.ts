import { failure } from '../../util/diagnostic.ts'
import { LIMITS, type Adapter, type Device, type ErrorFilter, type Limits } from './dawn.ts'

const FILTERS: readonly ErrorFilter[] = ['out-of-memory', 'internal', 'validation']

/** A device, whose work is done one piece after another: what is recorded and not yet sent is shared by all sessions. */
export class GpuDevice {
  readonly device: Device
  #last: Promise<unknown> = Promise.resolve()
  #lost: string | undefined
  #closed = false

  private constructor(device: Device) {
    this.device = device
    void device.lost.then(({ message }) => {
      this.#lost = message
    })
  }

  /** With all that the adapter can do, as tfjs wants it. Throws ENGINE_FAILED. */
  static async open(adapter: Adapter): Promise<GpuDevice> {
    const limits = LIMITS.map((name) => [name, adapter.limits[name]])
    try {
      const requiredLimits = Object.fromEntries(limits) as Limits
      return new GpuDevice(await adapter.requestDevice({ requiredLimits }))
    } catch (error) {
      throw failure('ENGINE_FAILED', `WebGPU opens no device: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  /** Bytes that one tensor may have. */
  get tensorBytes(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits
    return Math.min(maxStorageBufferBindingSize, maxBufferSize)
  }

  /** Does `work` after all that was asked for before; throws what the device complained of meanwhile. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#watched(work))
    this.#last = turn.catch(() => {})
    return turn
  }

  close(): void {
    this.#closed = true
    this.device.destroy()
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw failure('ENGINE_FAILED', 'the webgpu engine was closed')
    if (this.#lost !== undefined) throw this.#lostError()
    for (const filter of FILTERS) this.device.pushErrorScope(filter)
    let result: T | undefined
    let failed: unknown
    try {
      result = await work()
    } catch (error) {
      failed = error ?? new Error('unknown')
    }
    const said = await this.#complaints()
    if (this.#lost !== undefined) throw this.#lostError()
    // Only the first is a cause; what follows are its consequences.
    if (said) throw said
    if (failed !== undefined) throw failed
    return result as T
  }

  async #complaints(): Promise<Error | undefined> {
    const errors = new Map<ErrorFilter, string>()
    for (const filter of FILTERS.toReversed()) {
      const error = await this.device.popErrorScope().catch(() => null)
      if (error) errors.set(filter, error.message.split('\n')[0]!)
    }
    if (errors.has('out-of-memory')) {
      const message = `the GPU has no memory left: ${errors.get('out-of-memory')}`
      return failure('OUT_OF_MEMORY', message, {
        hint: 'a smaller training.batchSize needs less',
      })
    }
    const [message] = errors.values()
    return message === undefined ? undefined : failure('ENGINE_FAILED', `WebGPU: ${message}`)
  }

  #lostError(): Error {
    return failure('ENGINE_FAILED', `the GPU was lost: ${this.#lost}`, {
      hint: 'see what the system says of its driver; `engine: wasm` needs no GPU',
    })
  }
}
