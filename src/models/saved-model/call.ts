import type { Builder } from '../../program/builder.ts'
import { sizeOf, type Shape, type Tensor } from '../../program/program.ts'
import type { StoredConstant, StoredNode, ValueType } from './stored.ts'
import { host, Malformed, traced, Unsupported, type Host, type Value } from './values.ts'

/** What ops may do beside computing. */
export interface Surroundings {
  readonly b: Builder
  /** The value of a weight when the step began, by its short name. */
  readonly weight: (name: string) => Tensor
  /** Draws on [0, 1), one a picture along the first axis; undefined: none are to be had (inference). */
  readonly uniform?: ((key: string, shape: Shape) => Tensor) | undefined
  readonly changed: Map<string, Tensor>
  /** Weights of whole numbers. */
  readonly integers: ReadonlySet<string>
  /** Notes that a float variable would become what cannot be imported. */
  readonly lost: () => void
  readonly limits: Limits
}

/** The networks of keras.applications have up to 20,000. */
const MOST_NODES = 2 ** 17
const MOST_INPUTS = 2 ** 18

/** What an import may take in all, so that a small hostile file cannot ask for much. */
export class Limits {
  #nodes = MOST_NODES
  #inputs = MOST_INPUTS
  #numbers = 2 ** 26

  node(inputs: number): void {
    this.#nodes -= 1
    this.#inputs -= inputs
    const over = this.#nodes < 0 ? `${MOST_NODES} ops` : `${MOST_INPUTS} inputs of ops`
    if (this.#nodes < 0 || this.#inputs < 0) {
      throw new Malformed(`more than ${over} once its functions are inlined`)
    }
  }

  numbers(count: number): void {
    this.#numbers -= count
    if (!(this.#numbers >= 0)) throw new Malformed('constants of more than 67108864 numbers')
  }
}

/** A tensor of more numbers than this fits no machine that a picture network is meant for. */
const LARGEST = 2 ** 31

/** Known values of more numbers become tensors. */
const KNOWN = 2 ** 16

/** One node with its inputs' values, and how its attributes are read. */
export class Call {
  readonly node: StoredNode
  readonly inputs: readonly Value[]
  readonly around: Surroundings

  constructor(node: StoredNode, inputs: readonly Value[], around: Surroundings) {
    this.node = node
    this.inputs = inputs
    this.around = around
  }

  get b(): Builder {
    return this.around.b
  }

  input(i: number): Value {
    const value = this.inputs[i]
    if (!value) throw new Malformed(`it has ${this.inputs.length} inputs`)
    return value
  }

  /** As a tensor of the Program. */
  tensor(i: number): Tensor {
    return this.toTensor(this.input(i))
  }

  tensors(): Tensor[] {
    return this.inputs.map((value) => this.toTensor(value))
  }

  toTensor(value: Value): Tensor {
    switch (value.kind) {
      case 'traced':
        return value.tensor
      case 'weight':
        return this.around.weight(value.name)
      case 'host':
        this.around.limits.numbers(value.data.length)
        return this.b.constant(Float32Array.from(value.data), value.shape)
      case 'dead':
      case 'unknown':
        throw new Malformed(`it takes a value that is ${value.kind}`)
    }
  }

  shape(i: number): Shape {
    return shapeOf(this, this.input(i))
  }

  type(i: number): ValueType {
    const value = this.input(i)
    return 'type' in value ? value.type : 'float'
  }

  /** A value that must be known. */
  host(i: number): Host {
    const value = this.input(i)
    if (value.kind !== 'host') throw new Unsupported(`whose input ${i} is known only while it runs`)
    return value
  }

  hostOrNot(i: number): Host | undefined {
    const value = this.input(i)
    return value.kind === 'host' ? value : undefined
  }

  ints(i: number): number[] {
    return Array.from(this.host(i).data)
  }

  int(i: number): number {
    const { data } = this.host(i)
    if (data.length !== 1) throw new Malformed(`one number as input ${i}, got ${data.length}`)
    return data[0]!
  }

  /** An axis as input or attribute, counted from the front. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis
    if (!(Number.isInteger(positive) && positive >= 0 && positive < rank)) {
      throw new Malformed(`axis ${axis} of ${rank}`)
    }
    return positive
  }

  number(name: string, otherwise: number): number {
    const value = this.node.attributes?.[name]
    return typeof value === 'number' ? value : otherwise
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.node.attributes?.[name]
    return typeof value === 'boolean' ? value : otherwise
  }

  text(name: string, otherwise: string): string {
    const value = this.node.attributes?.[name]
    return typeof value === 'string' ? value : otherwise
  }

  list(name: string, otherwise: readonly number[]): readonly number[] {
    const value = this.node.attributes?.[name]
    return Array.isArray(value) && value.length > 0 ? (value as number[]) : otherwise
  }

  constant({ type, shape, values }: StoredConstant): Value {
    return this.filled(type, shape, values.map(Number))
  }

  /** As many values as the shape has, or one that stands for all. */
  filled(type: ValueType, shape: Shape, values: ArrayLike<number>): Value {
    const size = checkedSize(shape)
    if (size <= KNOWN || values.length === size) {
      this.around.limits.numbers(size)
      const all = values.length === size ? values : new Float64Array(size).fill(values[0]!)
      return host(type, shape, all)
    }
    return traced(type, this.b.broadcastTo(this.b.scalar(values[0]!), shape))
  }
}

export function shapeOf(call: Call, value: Value): Shape {
  if (value.kind === 'host') return value.shape
  return call.toTensor(value).shape
}

export function checkedSize(shape: Shape): number {
  const size = sizeOf(shape)
  const fits = shape.every((n) => Number.isInteger(n) && n >= 0) && size <= LARGEST
  if (!fits) throw new Malformed(`a tensor of [${shape.join(', ')}]`)
  return size
}

export type Handler = (call: Call) => Value | readonly Value[]
export type Handlers = Readonly<Record<string, Handler>>
