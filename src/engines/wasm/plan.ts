import type { OpAttributes } from '../../program/ops.ts'
import type { DType, Entry, Program, Shape, Tensor } from '../../program/program.ts'
import { Arena } from './arena.ts'
import type { Step } from './emit.ts'
import { fuse, type Instruction } from '../fuse.ts'
import { bytesOf, type Kernels, type Operand } from './kernels.ts'
import { emitterOf } from './table.ts'

/** One entry, ready to run: feeds go to their places, the steps run in order, fetches lie in theirs. */
export interface Plan {
  readonly feeds: ReadonlyMap<string, Operand>
  readonly steps: readonly Step[]
  readonly fetches: ReadonlyMap<string, Operand>
  readonly updates: readonly {
    readonly variable: string
    readonly value: Operand
    /** The value is itself a variable: to be read before any is written. */
    readonly early: boolean
  }[]
  /** Bytes of scratch memory; all plans of a session share one block. */
  readonly bytes: number
  /** Gives everything its final address. */
  place(base: number): void
}

/** What outlives a run: constants by their tensor, variables by name. */
export interface Lasting {
  readonly constants: ReadonlyMap<Tensor, Operand>
  readonly variables: ReadonlyMap<string, Operand>
  integers(values: readonly number[]): number
  newId(): number
}

export function plan(program: Program, entry: Entry, kernels: Kernels, lasting: Lasting): Plan {
  return new Planner(entry, fuse(program, entry), kernels, lasting).plan()
}

/** Walks the instructions once, taking room for each output and giving it back after its last reader. */
class Planner {
  readonly #entry: Entry
  readonly #instructions: readonly Instruction[]
  readonly #kernels: Kernels
  readonly #lasting: Lasting
  readonly #arena = new Arena()
  readonly #places: { operand: Operand; offset: number }[] = []
  readonly #operands = new Map<Tensor, Operand>()
  readonly #offsets = new Map<Tensor, number>()

  constructor(
    entry: Entry,
    instructions: readonly Instruction[],
    kernels: Kernels,
    lasting: Lasting,
  ) {
    this.#entry = entry
    this.#instructions = instructions
    this.#kernels = kernels
    this.#lasting = lasting
  }

  plan(): Plan {
    const feeds = new Map<string, Operand>()
    for (const [name, tensor] of Object.entries(this.#entry.feeds)) {
      feeds.set(name, this.#output(tensor))
    }
    const lastReader = this.#lastReaders()
    const steps: Step[] = []
    this.#instructions.forEach((instruction, i) => {
      const step = this.#emit(instruction)
      if (step) steps.push(step)
      for (const tensor of lastReader.get(i) ?? []) {
        this.#arena.free(this.#offsets.get(tensor)!)
      }
    })
    const { fetches, updates } = this.#entry
    return {
      feeds,
      steps,
      fetches: new Map(Object.entries(fetches).map(([name, t]) => [name, this.#operand(t)])),
      updates: updates.map((u) => {
        if (u.kind === 'rule') throw new TypeError('rule updates are expanded first')
        const early = source(u.value).node.op === 'variable'
        return { variable: u.variable, value: this.#operand(u.value), early }
      }),
      bytes: this.#arena.bytes,
      place: (base) => {
        for (const { operand, offset } of this.#places) {
          operand.address = base + offset
          this.#kernels.register(operand)
        }
      },
    }
  }

  #emit({ op, attributes, inputs, output, finite, ...fused }: Instruction): Step | undefined {
    if (op === 'input' || op === 'constant' || op === 'variable' || op === 'reshape')
      return undefined
    const temporaries: number[] = []
    const step = emitterOf(op)({
      kernels: this.#kernels,
      inputs: inputs.map((t) => this.#operand(t)),
      output: this.#output(output),
      attributes,
      finite,
      fused: { ...fused, bias: fused.bias && this.#operand(fused.bias) },
      temporary: (shape, dtype = 'float32') => {
        const { operand, offset } = this.#take(shape, dtype)
        temporaries.push(offset)
        return operand
      },
      integers: (values) => this.#lasting.integers(values),
    })
    for (const offset of temporaries) this.#arena.free(offset)
    return step
  }

  /** Where a tensor's values are; a reshape's are where its input's are. */
  #operand(tensor: Tensor): Operand {
    const known = this.#operands.get(tensor)
    if (known) return known
    const { op, attributes } = tensor.node
    if (op === 'constant') return this.#lasting.constants.get(tensor)!
    if (op === 'variable') {
      return this.#lasting.variables.get((attributes as OpAttributes['variable']).name)!
    }
    if (op !== 'reshape') throw new TypeError(`${op} is read before it is computed`)
    const seen = this.#seenAs(this.#operand(tensor.node.inputs[0]!), tensor.shape)
    this.#operands.set(tensor, seen)
    return seen
  }

  /**
   * The same place under an id of its own (the kernels keep packed matrices by id, whatever the shape); what is
   * packed under it does not last, as nobody would know to drop it when a variable changes.
   */
  #seenAs(operand: Operand, shape: Shape): Operand {
    const { dtype } = operand
    const seen = {
      id: this.#lasting.newId(),
      shape,
      dtype,
      address: operand.address,
      lasting: false,
    }
    const place = this.#places.find((p) => p.operand === operand)
    if (place) this.#places.push({ operand: seen, offset: place.offset })
    else this.#kernels.register(seen)
    return seen
  }

  #output(tensor: Tensor): Operand {
    const known = this.#operands.get(tensor)
    if (known) return known
    const { operand, offset } = this.#take(tensor.shape, tensor.dtype)
    this.#operands.set(tensor, operand)
    this.#offsets.set(tensor, offset)
    return operand
  }

  #take(shape: Shape, dtype: DType): { operand: Operand; offset: number } {
    const offset = this.#arena.take(bytesOf({ shape, dtype }))
    const operand = { id: this.#lasting.newId(), shape, dtype, address: 0, lasting: false }
    this.#places.push({ operand, offset })
    return { operand, offset }
  }

  /** For each instruction, the scratch tensors that nobody reads after it. */
  #lastReaders(): Map<number, Tensor[]> {
    const last = new Map<Tensor, number>()
    this.#instructions.forEach(({ op, inputs, bias, output }, i) => {
      // A reshape reads nothing; its readers read its source.
      if (op === 'reshape') return
      for (const t of bias ? [...inputs, bias] : inputs) last.set(source(t), i)
      if (!last.has(output)) last.set(output, i)
    })
    const { fetches, updates } = this.#entry
    for (const t of Object.values(fetches)) last.delete(source(t))
    for (const u of updates) if (u.kind === 'assign') last.delete(source(u.value))
    const result = new Map<number, Tensor[]>()
    for (const [tensor, i] of last) {
      if (tensor.node.op === 'constant' || tensor.node.op === 'variable') continue
      const tensors = result.get(i)
      if (tensors) tensors.push(tensor)
      else result.set(i, [tensor])
    }
    return result
  }
}

function source(tensor: Tensor): Tensor {
  return tensor.node.op === 'reshape' ? source(tensor.node.inputs[0]!) : tensor
}
