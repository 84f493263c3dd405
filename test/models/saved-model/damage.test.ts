import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readSavedModel } from '../../../src/models/saved-model/read.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { message as field, varint } from '../../support/bundles.ts'
import { ROOT } from '../../support/paths.ts'

const folder = await mkdtemp(join(tmpdir(), 'graft-saved-model-'))
after(() => rm(folder, { recursive: true }))

/** What reading says: the code and message of the one error for people, or nothing where it is read. */
async function outcome(at: string, output?: string): Promise<string | undefined> {
  try {
    await readSavedModel(at, { output, inputShape: [8, 8, 3] })
    return undefined
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const [first, ...more] = error.diagnostics
    assert.equal(more.length, 0)
    return `${first!.code} ${first!.message}`
  }
}

const FILES = [
  { name: 'tf1', step: 463, output: 'default' },
  { name: 'hub', step: 997, output: undefined },
]
for (const { name, step, output } of FILES) {
  test(`saved_model.pb of ${name} cut or changed anywhere is an error for people, or a model`, async () => {
    const at = join(folder, name)
    await cp(join(ROOT, 'test/fixtures/savedmodels', name), at, { recursive: true })
    const path = join(at, 'saved_model.pb')
    const bytes = await readFile(path)
    for (let length = 0; length < bytes.length; length += step) {
      await writeFile(path, bytes.subarray(0, length))
      const result = await outcome(at, output)
      assert.match(result ?? 'it was read', /^BAD_WEIGHTS /, `${length} bytes`)
    }
    const codes = new Map<string | undefined, number>()
    for (let place = step; place < bytes.length; place += step) {
      const before = bytes[place]!
      bytes[place] = before ^ (1 << (place % 8))
      await writeFile(path, bytes)
      const code = (await outcome(at, output))?.split(' ')[0]
      assert.ok([undefined, 'BAD_WEIGHTS', 'WRONG_VALUE'].includes(code), code)
      codes.set(code, (codes.get(code) ?? 0) + 1)
      bytes[place] = before
    }
    assert.ok(codes.get('BAD_WEIGHTS')! > 3, 'the graph is checked')
  })
}

// Messages of TensorFlow, written by hand.

type Bytes = Uint8Array
const text = (number: number, value: string): Bytes => field(number, Buffer.from(value))
const group = (number: number, ...parts: readonly Bytes[]): Bytes =>
  field(number, Buffer.concat(parts))
const entry = (number: number, key: string, value: Bytes): Bytes =>
  group(number, text(1, key), field(2, value))
const shape = (dims: readonly (number | bigint)[]): Bytes =>
  Buffer.concat(dims.map((n) => field(2, field(1, n))))

function node(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Bytes>> = {},
): Bytes {
  return Buffer.concat([
    text(1, name),
    text(2, op),
    ...inputs.map((input) => text(3, input)),
    ...Object.entries(attributes).map(([key, value]) => entry(5, key, value)),
  ])
}

const calls = (name: string) => ({ f: group(10, text(1, name)) })
/** A constant of float32, or of the type given. */
const constant = (dims: readonly (number | bigint)[], values: Bytes, type = 1) => ({
  value: group(8, field(1, type), field(2, shape(dims)), values),
})

/** A function of one argument `x` that returns the first output of `returned`. */
function definition(name: string, nodes: readonly Bytes[], returned: string): Bytes {
  const argument = (number: number, of: string) => group(number, text(1, of), field(3, 1))
  return Buffer.concat([
    group(1, text(1, name), argument(2, 'x'), argument(3, 'y')),
    ...nodes.map((bytes) => field(3, bytes)),
    group(4, text(1, 'y'), text(2, `${returned}:output:0`)),
  ])
}

/** A SavedModel of TF1 that feeds `pictures` and fetches `out`. */
async function write(nodes: readonly Bytes[], functions: readonly Bytes[] = []): Promise<string> {
  const at = await mkdtemp(join(folder, 'made-'))
  const info = (name: string) =>
    group(2, text(1, name), field(2, 1), field(3, shape([-1, 8, 8, 3])))
  const signature = Buffer.concat([
    group(1, text(1, 'pictures'), info('pictures:0')),
    group(2, text(1, 'default'), info('out:0')),
  ])
  const graph = Buffer.concat([
    ...[node('pictures', 'Placeholder', []), ...nodes].map((bytes) => field(1, bytes)),
    field(2, Buffer.concat(functions.map((bytes) => field(1, bytes)))),
  ])
  const meta = Buffer.concat([
    group(1, text(4, 'serve')),
    field(2, graph),
    entry(5, 'serving_default', signature),
  ])
  await writeFile(join(at, 'saved_model.pb'), Buffer.concat([field(1, 1), field(2, meta)]))
  return at
}

/** The error that a graph gives, which must come soon. */
async function refused(nodes: readonly Bytes[], functions: readonly Bytes[] = []) {
  const at = await write(nodes, functions)
  const start = performance.now()
  const result = await outcome(at)
  const seconds = (performance.now() - start) / 1000
  assert.ok(seconds < 20, `${seconds} s`)
  return result?.replaceAll(at, 'AT')
}

test('a graph written by hand is read', async () => {
  const twice = definition('twice', [node('sum', 'AddV2', ['x', 'x'])], 'sum')
  assert.equal(
    await refused([node('out', 'PartitionedCall', ['pictures'], calls('twice'))], [twice]),
    undefined,
  )
})

test('functions that call themselves are an error', async () => {
  const call = (name: string, to: string) =>
    definition(name, [node('call', 'PartitionedCall', ['x'], calls(to))], 'call')
  assert.equal(
    await refused(
      [node('out', 'PartitionedCall', ['pictures'], calls('a'))],
      [call('a', 'b'), call('b', 'a')],
    ),
    'BAD_WEIGHTS AT/saved_model.pb is damaged: functions that call themselves: a -> b -> a',
  )
  assert.equal(
    await refused([node('out', 'PartitionedCall', ['pictures'], calls('none'))]),
    'BAD_WEIGHTS AT/saved_model.pb is damaged: graph calls none, which is not there',
  )
})

test('functions that double at each of 64 levels are an error, soon', async () => {
  const levels = Array.from({ length: 64 }, (_, i) =>
    definition(
      `f${i}`,
      i === 63
        ? [node('b', 'AddV2', ['x', 'x'])]
        : [
            node('a', 'PartitionedCall', ['x'], calls(`f${i + 1}`)),
            node('b', 'PartitionedCall', ['a:output:0'], calls(`f${i + 1}`)),
          ],
      'b',
    ),
  )
  assert.match(
    (await refused([node('out', 'PartitionedCall', ['pictures'], calls('f0'))], levels))!,
    /^BAD_WEIGHTS .*more than 131072 ops once its functions are inlined/,
  )
})

test('a loop is an error that says so', async () => {
  const nodes = [node('out', 'AddV2', ['pictures', 'next']), node('next', 'Identity', ['out'])]
  assert.match(
    (await refused(nodes))!,
    /^BAD_WEIGHTS the SavedModel's graph goes round in a circle at /,
  )
})

test('a chain of 20,000 ops is read', async () => {
  const chain = Array.from({ length: 20_000 }, (_, i) =>
    node(`n${i}`, 'Identity', [i === 0 ? 'pictures' : `n${i - 1}`]),
  )
  assert.equal(await refused([...chain, node('out', 'Relu', ['n19999'])]), undefined)
})

test('constants declared huge cost nothing but an error', async () => {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatLE(value)
    return Buffer.concat([varint(5 * 8 + 5), bytes])
  }
  const with_ = (dims: readonly (number | bigint)[], values: Bytes) => [
    node('c', 'Const', [], constant(dims, values)),
    node('out', 'AddV2', ['pictures', 'c']),
  ]
  assert.match(
    (await refused(with_([2 ** 20, 2 ** 20], number(1))))!,
    /^BAD_WEIGHTS the SavedModel's c \(Const\): a tensor of \[1048576, 1048576\]/,
  )
  assert.match(
    (await refused(with_([2n ** 62n, 4], number(1))))!,
    /^BAD_WEIGHTS .*: a tensor of \[/,
  )
  assert.match(
    (await refused(with_([2 ** 28], Buffer.concat([number(1), number(2)]))))!,
    /^BAD_WEIGHTS .* graph, c: a constant of 268435456 values of which 2 are there/,
  )
  assert.match(
    (await refused(with_([-5], number(1))))!,
    /^BAD_WEIGHTS .* graph, c: a constant of unknown shape/,
  )
  assert.match(
    (await refused(with_([2, 3], text(4, 'twelve bytes'))))!,
    /^BAD_WEIGHTS .* graph, c: 12 bytes for a constant of 6 values/,
  )
})

test('thousands of filled constants are counted together', async () => {
  const one = [
    node('zero', 'Const', [], constant([], Buffer.alloc(0))),
    node('shape', 'Const', [], constant([1], field(7, 65_536), 3)),
  ]
  const many = Array.from({ length: 2_000 }, (_, i) => node(`f${i}`, 'Fill', ['shape', 'zero']))
  const sum = node(
    'out',
    'AddN',
    [...many.keys()].map((i) => `f${i}`),
  )
  assert.match(
    (await refused([...one, ...many, sum]))!,
    /^BAD_WEIGHTS .*constants of more than 67108864 numbers/,
  )
})

test('messages nested without end are an error', async () => {
  let nested: Bytes = Buffer.alloc(0)
  for (let i = 0; i < 5_000; i += 1) nested = group(52, group(1, nested))
  const at = await mkdtemp(join(folder, 'deep-'))
  // SavedObjectGraph: a concrete function's input signature.
  const objects = Buffer.concat([field(1, Buffer.alloc(0)), entry(2, 'f', field(3, nested))])
  const meta = field(7, objects)
  await writeFile(join(at, 'saved_model.pb'), Buffer.concat([field(1, 1), field(2, meta)]))
  assert.match((await outcome(at))!, /^BAD_WEIGHTS .*messages nested more than 100 deep/)
})

test('a reshape, a slice and a convolution that cannot be are errors with their node', async () => {
  const ints = (values: readonly number[]) =>
    constant([values.length], Buffer.concat(values.map((n) => field(7, n))), 3)
  const cases: [Bytes[], RegExp][] = [
    [
      [node('s', 'Const', [], ints([1, 2, 3])), node('out', 'Reshape', ['pictures', 's'])],
      /out \(Reshape\): \[1, 8, 8, 3\] as \[1, 2, 3\]/,
    ],
    [
      [node('s', 'Const', [], ints([-1, -1])), node('out', 'Reshape', ['pictures', 's'])],
      /out \(Reshape\): a tensor of \[/,
    ],
    [
      [
        node('b', 'Const', [], ints([0, 0, 0, 0])),
        node('e', 'Const', [], ints([1, 9, 8, 3])),
        node('out', 'Slice', ['pictures', 'b', 'e']),
      ],
      /out \(Slice\): \[1, 9, 8, 3\] at \[0, 0, 0, 0\] of \[1, 8, 8, 3\]/,
    ],
    [
      [
        node('k', 'Const', [], constant([3, 3, 5, 2], Buffer.alloc(0))),
        node('out', 'Conv2D', ['pictures', 'k'], { padding: text(2, 'SAME') }),
      ],
      /out \(Conv2D\)|Conv2D of 0.6 groups \(out\)/,
    ],
    [[node('out', 'Relu', [])], /out \(Relu\): it has 0 inputs/],
  ]
  for (const [nodes, pattern] of cases) {
    const result = await refused(nodes)
    assert.match(result ?? 'it was read', /^BAD_WEIGHTS /)
    assert.match(result!, pattern)
  }
})

test('a folder that is none, and one without its variables, are errors', async () => {
  assert.match((await outcome(join(folder, 'nothing')))!, /^BAD_WEIGHTS .* has no saved_model.pb$/)
  const at = join(folder, 'no-variables')
  await cp(join(ROOT, 'test/fixtures/savedmodels/hub'), at, { recursive: true })
  await rm(join(at, 'variables'), { recursive: true })
  assert.match((await outcome(at))!, /^BAD_WEIGHTS .*variable .* has no values in variables\//)
})
