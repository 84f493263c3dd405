import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { message } from './bundles.ts'

/** Writers of SavedModels for tests: graphs of TF1 with one signature, true or not. Field numbers are TensorFlow's. */

export interface FakeNode {
  readonly name: string
  readonly op: string
  readonly inputs?: readonly string[]
  readonly attributes?: Readonly<Record<string, Buffer>>
}

const { concat } = Buffer
const text = (number: number, value: string): Buffer => message(number, Buffer.from(value))
const entry = (number: number, key: string, value: Uint8Array): Buffer =>
  message(number, concat([text(1, key), message(2, value)]))

export function shapeProto(dims: readonly number[]): Buffer {
  return concat(dims.map((n) => message(2, message(1, n))))
}

// Values of attributes.
export const type = (dtype: number): Buffer => message(6, dtype)
export const shape = (dims: readonly number[]): Buffer => message(7, shapeProto(dims))
export const func = (name: string): Buffer => message(10, text(1, name))
export const string = (value: string): Buffer => text(2, value)

/** A list of whole numbers. */
export const list = (values: readonly number[]): Buffer =>
  message(1, concat(values.map((value) => message(3, value))))

/** A constant of whole numbers (int32 and int64) or float32; fewer values than the shape has are repeated. */
export function tensor(
  dtype: 1 | 3 | 9,
  dims: readonly number[],
  values: readonly number[],
): Buffer {
  const head = [message(1, dtype), message(2, shapeProto(dims))]
  if (dtype === 1) {
    const bytes = Buffer.from(Float32Array.from(values).buffer)
    return message(8, concat([...head, message(5, bytes)]))
  }
  return message(8, concat([...head, ...values.map((v) => message(dtype === 3 ? 7 : 10, v))]))
}

export function constant(
  name: string,
  dtype: 1 | 3 | 9,
  dims: readonly number[],
  values: readonly number[],
): FakeNode {
  return {
    name,
    op: 'Const',
    attributes: { dtype: type(dtype), value: tensor(dtype, dims, values) },
  }
}

export function node({ name, op, inputs = [], attributes = {} }: FakeNode): Buffer {
  return concat([
    text(1, name),
    text(2, op),
    ...inputs.map((input) => text(3, input)),
    ...Object.entries(attributes).map(([key, value]) => entry(5, key, value)),
  ])
}

/** A function of one float in and out. */
export function functionProto(name: string, nodes: readonly FakeNode[], result: string): Buffer {
  const argument = (as: string) => concat([text(1, as), message(3, 1)])
  return concat([
    message(1, concat([text(1, name), message(2, argument('x')), message(3, argument('y'))])),
    ...nodes.map((n) => message(3, node(n))),
    message(4, concat([text(1, 'y'), text(2, result)])),
  ])
}

export interface FakeModel {
  readonly nodes: readonly FakeNode[]
  readonly functions?: readonly Buffer[]
  /** Of the picture x. */
  readonly input?: readonly number[]
  readonly output?: string
  /** Of the graph's collections, as bytes. */
  readonly collections?: Readonly<Record<string, readonly Buffer[]>>
}

/** saved_model.pb; the picture is `x`, the output `y:0`. */
export function savedModel(fake: FakeModel): Buffer {
  const { nodes, functions = [], input = [-1, 8, 8, 3], output = 'y:0', collections = {} } = fake
  const x: FakeNode = {
    name: 'x',
    op: 'Placeholder',
    attributes: { dtype: type(1), shape: shape(input) },
  }
  const library = concat(functions.map((f) => message(1, f)))
  const graph = concat([...[x, ...nodes].map((n) => message(1, node(n))), message(2, library)])
  const info = (name: string, dims: readonly number[]) =>
    concat([text(1, name), message(2, 1), message(3, shapeProto(dims))])
  const signature = concat([
    entry(1, 'x', info('x:0', input)),
    entry(2, 'y', info(output, [-1, 4])),
  ])
  const lists = Object.entries(collections).map(([name, values]) =>
    entry(4, name, message(2, concat(values.map((v) => message(1, v))))),
  )
  const meta = concat([
    message(1, concat([text(4, 'serve'), text(5, '2.21.0')])),
    message(2, graph),
    ...lists,
    entry(5, 'serving_default', signature),
  ])
  return concat([message(1, 1), message(2, meta)])
}

/** In a new folder; returns it. */
export async function writeSavedModel(bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-saved-model-'))
  await mkdir(join(folder, 'variables'))
  await writeFile(join(folder, 'saved_model.pb'), bytes)
  return folder
}
