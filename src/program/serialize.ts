import { OPS, type OpDefinition } from './op-table.ts'
import type { OpAttributes, OpName } from './ops.ts'
import {
  sizeOf,
  type DType,
  type Entry,
  type Node,
  type Program,
  type Shape,
  type Tensor,
  type TensorData,
  type Update,
} from './program.ts'

/** Every array in the data begins at a multiple of this, so that it can be viewed in place. */
const ALIGNMENT = 16

/** A tensor as [number of its node, number of the output]. */
type Reference = readonly [number, number]
type References = Readonly<Record<string, Reference>>
/** An array as the place of its first byte. */
interface Place {
  readonly offset: number
}

interface Encoded {
  readonly nodes: readonly {
    readonly op: OpName
    readonly inputs: readonly Reference[]
    readonly attributes: Readonly<Record<string, unknown>>
    readonly layer?: string
  }[]
  readonly variables: readonly {
    readonly name: string
    readonly shape: Shape
    readonly initial: Place
  }[]
  readonly entries: Readonly<
    Record<string, { feeds: References; fetches: References; updates: readonly EncodedUpdate[] }>
  >
}
type EncodedUpdate =
  | { readonly kind: 'assign'; readonly variable: string; readonly value: Reference }
  | (Omit<Extract<Update, { kind: 'rule' }>, 'gradient' | 'scalars'> & {
      readonly gradient: Reference
      readonly scalars: References
    })

/**
 * A program as JSON and one block of bytes that holds all constants and initial values (little-endian, each at a
 * multiple of 16; an array that occurs twice is stored once): to send to another process or keep.
 */
export function encodeProgram(program: Program): { json: string; data: Uint8Array } {
  const places = new Map<TensorData, Place>()
  let size = 0
  const place = (array: TensorData): Place => {
    const known = places.get(array)
    if (known) return known
    const fresh = { offset: size }
    places.set(array, fresh)
    size += Math.ceil(array.byteLength / ALIGNMENT) * ALIGNMENT
    return fresh
  }
  const nodes = program.nodes.map(({ op, inputs, attributes, layer }) => ({
    op,
    inputs: inputs.map(reference),
    attributes: 'data' in attributes ? { ...attributes, data: place(attributes.data) } : attributes,
    ...(layer === undefined ? {} : { layer }),
  }))
  const variables = program.variables.map((v) => ({ ...v, initial: place(v.initial) }))
  const entries = mapValues(program.entries, ({ feeds, fetches, updates }) => ({
    feeds: mapValues(feeds, reference),
    fetches: mapValues(fetches, reference),
    updates: updates.map(encodeUpdate),
  }))
  const encoded = { nodes, variables, entries } as Encoded
  const data = new Uint8Array(size)
  for (const [array, { offset }] of places) {
    data.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset)
  }
  return { json: JSON.stringify(encoded, writeNumber), data }
}

/** The program again; its arrays are views of `data` where that begins at a multiple of 4, else of a copy. */
export function decodeProgram({ json, data }: { json: string; data: Uint8Array }): Program {
  const encoded = JSON.parse(json, readNumber) as Encoded
  const bytes = data.byteOffset % 4 === 0 ? data : data.slice()
  const nodes: Node[] = []
  const tensor = ([node, output]: Reference): Tensor => nodes[node]!.outputs[output]!
  for (const { op, inputs: references, attributes: given, layer } of encoded.nodes) {
    const inputs = references.map(tensor)
    const attributes =
      op === 'constant' ? constantOf(given, bytes) : (given as OpAttributes[OpName])
    const outputs: Tensor[] = []
    const node = { id: nodes.length, op, inputs, attributes, outputs, layer } as unknown as Node
    const { infer } = OPS[op] as OpDefinition<OpName>
    for (const type of infer(inputs, attributes))
      outputs.push({ ...type, node, index: outputs.length })
    nodes.push(node)
  }
  const variables = encoded.variables.map(({ name, shape, initial }) => ({
    name,
    shape,
    initial: view(bytes, initial, 'float32', shape) as Float32Array,
  }))
  const entries = mapValues(encoded.entries, ({ feeds, fetches, updates }): Entry => ({
    feeds: mapValues(feeds, tensor),
    fetches: mapValues(fetches, tensor),
    updates: updates.map((u) => decodeUpdate(u, tensor)),
  }))
  return { nodes, variables, entries }
}

function reference(t: Tensor): Reference {
  return [t.node.id, t.index]
}

function encodeUpdate(u: Update): EncodedUpdate {
  return u.kind === 'assign'
    ? { ...u, value: reference(u.value) }
    : { ...u, gradient: reference(u.gradient), scalars: mapValues(u.scalars, reference) }
}

function decodeUpdate(u: EncodedUpdate, tensor: (r: Reference) => Tensor): Update {
  return u.kind === 'assign'
    ? { ...u, value: tensor(u.value) }
    : { ...u, gradient: tensor(u.gradient), scalars: mapValues(u.scalars, tensor) }
}

function constantOf(given: Readonly<Record<string, unknown>>, bytes: Uint8Array) {
  const { shape, dtype, data } = given as unknown as { shape: Shape; dtype: DType; data: Place }
  return { data: view(bytes, data, dtype, shape), shape, dtype }
}

function view(bytes: Uint8Array, { offset }: Place, dtype: DType, shape: Shape): TensorData {
  const array = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }[dtype]
  return new array(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, sizeOf(shape))
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))
}

/** For JSON.stringify: JSON has no infinities, NaN or -0, and padding with -Infinity is what a maximum wants. */
export function writeNumber(_: string, value: unknown): unknown {
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value
  return { $number: Object.is(value, -0) ? '-0' : String(value) }
}

function readNumber(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$number' in value)) return value
  return Number(value.$number)
}
