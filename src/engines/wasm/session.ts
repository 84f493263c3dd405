import { setImmediate } from 'node:timers/promises'
import { failure } from '../../util/diagnostic.ts'
import { expandComposites } from '../../program/expand-composites.ts'
import { expandUpdates } from '../../program/expand-updates.ts'
import type { OpAttributes } from '../../program/ops.ts'
import { simplify } from '../../program/simplify.ts'
import {
  sizeOf,
  type DType,
  type Program,
  type Shape,
  type Tensor,
  type TensorData,
} from '../../program/program.ts'
import type { CompileOptions, Session } from '../engine.ts'
import { start, view } from './emit.ts'
import { bytesOf, loadKernels, type Kernels, type Operand } from './kernels.ts'
import { plan, type Plan } from './plan.ts'
import { hasKernel } from './table.ts'

/** Gives the event loop a turn this often, in ms: Ctrl-C and the screen keep working during a long run. */
const TURN = 30

/** A session that computes in this process, in memory of its own. */
export async function openLocalSession(
  program: Program,
  options: CompileOptions = {},
): Promise<Session> {
  const kernels = await loadKernels()
  return new LocalSession(
    simplify(expandComposites(expandUpdates(program), hasKernel)),
    kernels,
    options.entries,
  )
}

class LocalSession implements Session {
  readonly concurrency = 1
  #kernels: Kernels | undefined
  readonly #variables = new Map<string, Operand>()
  readonly #plans = new Map<string, Plan>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    program: Program,
    kernels: Kernels,
    entries: readonly string[] = Object.keys(program.entries),
  ) {
    this.#kernels = kernels
    const store = new LastingStore(kernels)
    for (const { name, shape, initial } of program.variables) {
      this.#variables.set(name, store.keep(initial, shape, 'float32'))
    }
    const constants = new Map<Tensor, Operand>()
    for (const node of program.nodes) {
      if (node.op !== 'constant') continue
      const { data, shape, dtype } = node.attributes as OpAttributes['constant']
      constants.set(node.outputs[0]!, store.keep(data, shape, dtype))
    }
    const lasting = {
      constants,
      variables: this.#variables,
      integers: (values: readonly number[]) => store.integers(values),
      newId: () => store.newId(),
    }
    for (const name of entries) {
      const entry = program.entries[name]
      if (!entry) throw new TypeError(`no entry ${name}`)
      this.#plans.set(name, plan(program, entry, kernels, lasting))
    }
    const scratch = Math.max(0, ...[...this.#plans.values()].map((p) => p.bytes))
    const base = kernels.allocate(scratch)
    for (const p of this.#plans.values()) p.place(base)
  }

  run(
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    return this.#inTurn((kernels) => this.#run(kernels, entry, feeds))
  }

  async read(
    names: readonly string[] = [...this.#variables.keys()],
  ): Promise<Map<string, Float32Array>> {
    return this.#inTurn((kernels) =>
      Promise.resolve(
        new Map(
          names.map((name) => [name, copyOut(kernels, this.#variable(name)) as Float32Array]),
        ),
      ),
    )
  }

  async write(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.#inTurn((kernels) => {
      for (const [name, value] of values) {
        copyIn(kernels, this.#variable(name), value, `variable ${name}`)
        changed(kernels, this.#variable(name))
      }
      return Promise.resolve()
    })
  }

  close(): Promise<void> {
    // The whole memory goes with the instance.
    this.#kernels = undefined
    this.#plans.clear()
    this.#variables.clear()
    return Promise.resolve()
  }

  /** One at a time: all runs share the memory. */
  #inTurn<T>(work: (kernels: Kernels) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => work(this.#open()))
    this.#last = turn.catch(() => {})
    return turn
  }

  #open(): Kernels {
    if (this.#kernels) return this.#kernels
    throw failure('ENGINE_FAILED', 'the wasm session was closed before the run was over')
  }

  async #run(
    kernels: Kernels,
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const p = this.#plans.get(entry)
    if (!p) throw new TypeError(`no entry ${entry}`)
    for (const [name, operand] of p.feeds) copyIn(kernels, operand, feeds[name], `feed ${name}`)
    let turn = performance.now() + TURN
    for (const step of p.steps) {
      kernels.guard(step)
      if (performance.now() < turn) continue
      await setImmediate()
      this.#open()
      turn = performance.now() + TURN
    }
    const fetched: Record<string, TensorData> = {}
    for (const [name, operand] of p.fetches) fetched[name] = copyOut(kernels, operand)
    this.#update(kernels, p)
    return fetched
  }

  #update(kernels: Kernels, { updates }: Plan): void {
    const values = updates.map(({ value, early }) => (early ? copyOut(kernels, value) : value))
    updates.forEach(({ variable }, i) => {
      const target = this.#variable(variable)
      const value = values[i]!
      if ('id' in value) {
        const n = sizeOf(target.shape)
        kernels.f32().copyWithin(start(target), start(value), start(value) + n)
      } else {
        copyIn(kernels, target, value, `variable ${variable}`)
      }
      changed(kernels, target)
    })
  }

  #variable(name: string): Operand {
    const operand = this.#variables.get(name)
    if (!operand) throw new TypeError(`no variable ${name}`)
    return operand
  }
}

/** Places that are never given back before the instance goes. */
class LastingStore {
  readonly #kernels: Kernels
  readonly #integers = new Map<string, number>()
  #id = 0

  constructor(kernels: Kernels) {
    this.#kernels = kernels
  }

  newId(): number {
    this.#id += 1
    return this.#id
  }

  keep(data: TensorData, shape: Shape, dtype: DType): Operand {
    const address = this.#kernels.allocate(bytesOf({ shape, dtype }))
    const operand: Operand = { id: this.newId(), shape, dtype, address, lasting: true }
    copyIn(this.#kernels, operand, data, 'a constant')
    this.#kernels.register(operand)
    return operand
  }

  integers(values: readonly number[]): number {
    const key = values.join()
    let address = this.#integers.get(key)
    if (address === undefined) {
      address = this.#kernels.allocate(values.length * 4)
      this.#kernels.i32().set(values, address >>> 2)
      this.#integers.set(key, address)
    }
    return address
  }
}

function copyIn(
  kernels: Kernels,
  operand: Operand,
  data: TensorData | undefined,
  what: string,
): void {
  const memory = view(kernels, operand.dtype)
  if (data?.length !== sizeOf(operand.shape) || data.constructor !== memory.constructor) {
    throw new TypeError(
      `${what} must be ${operand.dtype} of [${operand.shape}], got ${data ? `${data.constructor.name} of ${data.length}` : 'nothing'}`,
    )
  }
  memory.set(data, start(operand))
}

function copyOut(kernels: Kernels, operand: Operand): TensorData {
  const from = start(operand)
  return view(kernels, operand.dtype).slice(from, from + sizeOf(operand.shape))
}

/** What kernels packed from a variable's old values must go. */
function changed(kernels: Kernels, operand: Operand): void {
  kernels.release(operand)
  kernels.register(operand)
}
