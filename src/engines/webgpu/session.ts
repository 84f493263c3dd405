import { setImmediate } from 'node:timers/promises'
import { expandComposites } from '../../program/expand-composites.ts'
import { expandUpdates } from '../../program/expand-updates.ts'
import type { OpAttributes } from '../../program/ops.ts'
import {
  sizeOf,
  type Program,
  type Tensor,
  type TensorData,
  type TensorType,
} from '../../program/program.ts'
import { simplify } from '../../program/simplify.ts'
import { failure } from '../../util/diagnostic.ts'
import type { CompileOptions, Session } from '../engine.ts'
import type { GpuDevice } from './device.ts'
import { computeHost } from './host.ts'
import type { Kernels } from './kernels.ts'
import { isLasting, plan, type Plan } from './plan.ts'
import { hasKernel } from './table.ts'
import type { Handle } from './tfjs.ts'

/** Gives the event loop a turn this often, in ms: Ctrl-C and the screen keep working while kernels are recorded. */
const TURN = 30

/** Plans the program's entries and puts its constants and variables on the device. */
export async function openSession(
  program: Program,
  kernels: Kernels,
  device: GpuDevice,
  options: CompileOptions & { readonly onClose?: (closed: WebgpuSession) => void } = {},
): Promise<WebgpuSession> {
  const simpler = simplify(expandComposites(expandUpdates(program), hasKernel))
  refuseLarge(simpler, device.tensorBytes)
  const session = new WebgpuSession(simpler, kernels, device, options)
  await session.initialise()
  return session
}

/** See `Session`. A run records its kernels one after another; updates put new tensors in the place of the old. */
export class WebgpuSession implements Session {
  readonly concurrency = 1
  readonly #program: Program
  readonly #kernels: Kernels
  readonly #device: GpuDevice
  readonly #plans = new Map<string, Plan>()
  readonly #constants = new Map<Tensor, Handle>()
  readonly #variables = new Map<string, Handle>()
  readonly #onClose: ((closed: WebgpuSession) => void) | undefined
  #closed = false

  constructor(
    program: Program,
    kernels: Kernels,
    device: GpuDevice,
    { entries = Object.keys(program.entries), onClose }: Parameters<typeof openSession>[3] = {},
  ) {
    this.#onClose = onClose
    this.#program = program
    this.#kernels = kernels
    this.#device = device
    for (const name of entries) {
      const entry = program.entries[name]
      if (!entry) throw new TypeError(`no entry ${name}`)
      this.#plans.set(name, plan(program, entry))
    }
  }

  initialise(): Promise<void> {
    return this.#inTurn(async () => {
      for (const { name, shape, initial } of this.#program.variables) {
        this.#variables.set(name, this.#kernels.upload({ shape, dtype: 'float32' }, initial))
      }
      for (const { op, attributes, outputs } of this.#program.nodes) {
        if (op !== 'constant') continue
        const { data } = attributes as OpAttributes['constant']
        this.#constants.set(outputs[0]!, this.#kernels.upload(outputs[0]!, data))
      }
      await this.#finished()
    })
  }

  async run(
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const p = this.#plans.get(entry)
    if (!p) throw new TypeError(`no entry ${entry}`)
    for (const [name, type] of p.feeds) check(`feed ${name}`, type, feeds[name])
    return this.#inTurn(() => this.#run(p, feeds))
  }

  async read(
    names: readonly string[] = [...this.#variables.keys()],
  ): Promise<Map<string, Float32Array>> {
    return this.#inTurn(async () => {
      const handles = names.map((name) => this.#variable(name))
      const data = await Promise.all(handles.map((h) => this.#kernels.read(h, 'float32')))
      return new Map(names.map((name, i) => [name, data[i] as Float32Array]))
    })
  }

  async write(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.#inTurn(async () => {
      for (const [name, value] of values) {
        const { shape } = this.#variable(name)
        check(`variable ${name}`, { shape, dtype: 'float32' }, value)
      }
      for (const [name, value] of values) {
        const type = { shape: this.#variable(name).shape, dtype: 'float32' } as const
        this.#replace(name, this.#kernels.upload(type, value))
      }
      await this.#finished()
    })
  }

  /** Waits for what is running. */
  async close(): Promise<void> {
    if (this.#closed) return
    await this.#device
      .inTurn(async () => {
        for (const handle of this.#constants.values()) this.#kernels.free(handle)
        for (const handle of this.#variables.values()) this.#kernels.free(handle)
        this.#kernels.shrink()
      })
      .catch(() => {
        // A device that is lost holds nothing.
      })
    this.#closed = true
    this.#onClose?.(this)
    this.#constants.clear()
    this.#variables.clear()
    this.#plans.clear()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#device.inTurn(() => {
      if (this.#closed) throw failure('ENGINE_FAILED', 'the webgpu session was closed')
      return work()
    })
  }

  async #run(
    p: Plan,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const live = new Map<Tensor, Handle>()
    try {
      const fed = (t: Tensor) => feeds[(t.node.attributes as OpAttributes['input']).name]!
      const numbers = computeHost(p.host, fed)
      for (const t of p.uploads) live.set(t, this.#kernels.upload(t, numbers.get(t) ?? fed(t)))
      await this.#compute(p, live)
      const data = await Promise.all(
        p.fetches.map(([, t]) => this.#kernels.read(this.#handle(t, live), t.dtype)),
      )
      const fresh = p.updates.map(({ value }) => this.#kernels.view(this.#handle(value, live)))
      p.updates.forEach(({ variable }, i) => this.#replace(variable, fresh[i]!))
      if (p.fetches.length === 0) await this.#finished()
      return Object.fromEntries(p.fetches.map(([name], i) => [name, data[i]!]))
    } finally {
      for (const handle of live.values()) this.#kernels.free(handle)
    }
  }

  async #compute(p: Plan, live: Map<Tensor, Handle>): Promise<void> {
    let turn = performance.now() + TURN
    for (const step of p.steps) {
      const inputs = step.inputs.map((t) => this.#handle(t, live))
      live.set(step.output, step.record(this.#kernels, inputs))
      for (const tensor of step.last) {
        this.#kernels.free(live.get(tensor)!)
        live.delete(tensor)
      }
      if (performance.now() < turn) continue
      await setImmediate()
      turn = performance.now() + TURN
    }
  }

  #handle(tensor: Tensor, live: ReadonlyMap<Tensor, Handle>): Handle {
    if (!isLasting(tensor)) return live.get(tensor)!
    if (tensor.node.op === 'constant') return this.#constants.get(tensor)!
    return this.#variable((tensor.node.attributes as OpAttributes['variable']).name)
  }

  #variable(name: string): Handle {
    const handle = this.#variables.get(name)
    if (!handle) throw new TypeError(`no variable ${name}`)
    return handle
  }

  #replace(variable: string, handle: Handle): void {
    this.#kernels.free(this.#variable(variable))
    this.#variables.set(variable, handle)
  }

  /** Waits until all that is recorded has been computed: nothing piles up. */
  async #finished(): Promise<void> {
    this.#kernels.flush()
    await this.#device.device.queue.onSubmittedWorkDone()
  }
}

function check(what: string, { dtype, shape }: TensorType, data: TensorData | undefined): void {
  if (data instanceof ARRAYS[dtype] && data.length === sizeOf(shape)) return
  const got = data ? `${data.constructor.name} of ${data.length}` : 'nothing'
  throw new TypeError(`${what} must be ${dtype} of [${shape}], got ${got}`)
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const

/** Throws OUT_OF_MEMORY with the layer of a tensor that no buffer of the device can hold. */
function refuseLarge(program: Program, most: number): void {
  for (const { outputs, layer } of program.nodes) {
    for (const { shape } of outputs) {
      const bytes = sizeOf(shape) * 4
      if (bytes <= most) continue
      const where = layer === undefined ? '' : ` in layer ${layer}`
      const what = `a tensor of [${shape}]${where} takes ${bytes} bytes, this GPU allows ${most}`
      throw failure('OUT_OF_MEMORY', what, {
        hint: 'a smaller training.batchSize, or a pooling before a Dense layer, needs less',
      })
    }
  }
}
