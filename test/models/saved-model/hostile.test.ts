import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { unpackArchive } from '../../../src/data/archives/unpack.ts'
import { lower } from '../../../src/models/lower.ts'
import { describeSavedModel, readSavedModel } from '../../../src/models/saved-model/read.ts'
import { rebuildGraph } from '../../../src/models/stored-graph.ts'
import { Builder } from '../../../src/program/builder.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { tarBytes, type MadeTarEntry } from '../../support/archives.ts'
import { message } from '../../support/bundles.ts'
import { residentBytes } from '../../support/memory.ts'
import { ROOT } from '../../support/paths.ts'
import {
  constant,
  func,
  functionProto,
  list,
  savedModel,
  string,
  type,
  writeSavedModel,
  type FakeModel,
  type FakeNode,
} from '../../support/saved-models.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'

const HUB = join(ROOT, 'test/fixtures/savedmodels/hub')

/** All that a pipeline does with a SavedModel before it computes; the shape that comes of one picture. */
async function imported(folder: string): Promise<readonly number[]> {
  await describeSavedModel(folder)
  const { graph, weights } = await readSavedModel(folder)
  const network = rebuildGraph(graph, { inputShape: [8, 8, 3] })
  const b = new Builder()
  const input = b.input('pictures', [1, ...network.input.outputShape])
  const start = { [network.input.name]: input }
  return lower(b, network, { weights, start }).output.shape
}

/** The shape, or what is said of the model; anything thrown but an error for people fails. */
async function outcome(folder: string): Promise<string> {
  try {
    return `[${await imported(folder)}]`
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    assert.match(error.diagnostics[0]!.code, /^(BAD_WEIGHTS|WRONG_VALUE)$/)
    return error.message.replaceAll(folder, 'FOLDER')
  }
}

/** The same of a made-up model; it must come soon and in little memory. */
async function told(model: FakeModel | Buffer): Promise<string> {
  const folder = await writeSavedModel(Buffer.isBuffer(model) ? model : savedModel(model))
  const before = await residentBytes()
  const start = performance.now()
  const result = await outcome(folder)
  assert.ok(performance.now() - start < 30_000, 'it takes too long')
  assert.ok((await residentBytes()) - before < 2 ** 29, 'it takes too much memory')
  await rm(folder, { recursive: true })
  return result
}

const relu = (name: string, ...inputs: string[]): FakeNode => ({ name, op: 'Relu', inputs })
const call = (name: string, callee: string, input = 'x'): FakeNode => ({
  name,
  op: 'PartitionedCall',
  inputs: [input],
  attributes: { f: func(callee) },
})
const numbers = (n: number) => Array.from({ length: n }, (_, i) => i)
const FLAT = [
  constant('flat', 3, [2], [-1, 192]),
  { name: 'y', op: 'Reshape', inputs: ['x', 'flat'] },
]

test('what the writers of these tests write is imported', async () => {
  assert.equal(await told({ nodes: FLAT }), '[1,192]')
  const functions = [functionProto('f', [relu('a', 'x')], 'a:activations:0')]
  const nodes = [constant('flat', 3, [2], [-1, 192]), call('c', 'f')]
  const y = { name: 'y', op: 'Reshape', inputs: ['c', 'flat'] }
  assert.equal(await told({ functions, nodes: [...nodes, y] }), '[1,192]')
})

test('functions and graphs that go round in circles are errors that show the circle', async () => {
  const functions = [
    functionProto('f', [call('a', 'g')], 'a:output:0'),
    functionProto('g', [call('a', 'f')], 'a:output:0'),
  ]
  assert.match(
    await told({ functions, nodes: [call('y', 'f')] }),
    /functions that call themselves: f -> g -> f$/,
  )
  const circle = [relu('a', 'b'), relu('b', 'a'), relu('y', 'b')]
  assert.match(await told({ nodes: circle }), /graph goes round in a circle at b$/)
  assert.match(await told({ nodes: [relu('y', 'y')] }), /graph goes round in a circle at y$/)
  const loop = {
    name: 'y',
    op: 'While',
    inputs: ['x'],
    attributes: { cond: func('f'), body: func('f') },
  }
  assert.match(await told({ functions: functions.slice(1), nodes: [loop] }), /While \(y\)/)
})

test('functions that call others twice, forty deep, are not all written out', async () => {
  const functions = numbers(40).map((i) =>
    functionProto(
      `f${i}`,
      [call('a', `f${i + 1}`), call('b', `f${i + 1}`, 'a:output:0')],
      'b:output:0',
    ),
  )
  functions.push(functionProto('f40', [relu('a', 'x')], 'a:activations:0'))
  const result = await told({ functions, nodes: [call('y', 'f0')] })
  assert.match(result, /more than 131072 ops once its functions are inlined$/)
  const deep = numbers(300).map((i) =>
    functionProto(`f${i}`, [call('a', `f${(i + 1) % 300}`)], 'a:output:0'),
  )
  assert.match(await told({ functions: deep, nodes: [call('y', 'f0')] }), /each other 200 deep$/)
})

test('a size that a few bytes declare is not made', async () => {
  const one = constant('one', 1, [1], [1])
  const vector = (name: string, ...values: number[]) => constant(name, 3, [values.length], values)
  const strides = (...values: number[]) => ({ strides: list(values), padding: string('SAME') })
  const cases: [string, readonly FakeNode[], RegExp][] = [
    ['a constant', [constant('y', 1, [1e6, 1e6], [1])], /a tensor of \[1000000, 1000000\]$/],
    ['one of some values', [constant('y', 1, [2 ** 25], [1, 2])], /values of which 2 are there$/],
    [
      'Fill',
      [
        vector('d', 1e6, 1e6),
        constant('v', 1, [], [1]),
        { name: 'y', op: 'Fill', inputs: ['d', 'v'] },
      ],
      /y \(Fill\): a tensor of \[1000000, 1000000\]$/,
    ],
    [
      'Tile',
      [one, vector('d', 2e9), { name: 'y', op: 'Tile', inputs: ['one', 'd'] }],
      /y \(Tile\): known values of \[2000000000\]$/,
    ],
    [
      'BroadcastTo',
      [one, vector('d', 1e5, 1e5, 1e5), { name: 'y', op: 'BroadcastTo', inputs: ['one', 'd'] }],
      /y \(BroadcastTo\): a tensor of \[100000, 100000, 100000\]$/,
    ],
    [
      'Range',
      [
        ...[constant('a', 3, [], [0]), constant('b', 3, [], [2e9]), constant('c', 3, [], [1])],
        { name: 'y', op: 'Range', inputs: ['a', 'b', 'c'] },
      ],
      /y \(Range\): constants of more than 67108864 numbers$/,
    ],
    [
      'numbers that are spread over one another',
      [
        ...[constant('a', 3, [30000, 1], [1]), constant('b', 3, [1, 60000], [1])],
        { name: 'y', op: 'Mul', inputs: ['a', 'b'] },
      ],
      /y \(Mul\): known values of \[30000, 60000\]$/,
    ],
    [
      'Pad',
      [
        constant('p', 3, [4, 2], [0, 0, 1e6, 1e6, 1e6, 1e6, 0, 0]),
        { name: 'y', op: 'Pad', inputs: ['x', 'p'] },
      ],
      /y \(Pad\): a tensor of \[1, 2000008, 2000008, 3\]$/,
    ],
    [
      'Pack',
      [
        constant('a', 3, [60000], [1]),
        { name: 'y', op: 'Pack', inputs: new Array<string>(100_000).fill('a') },
      ],
      /y \(Pack\): a tensor of \[100000, 60000\]$/,
    ],
    [
      'strides of nothing',
      [
        constant('k', 1, [3, 3, 3, 5], [1]),
        { name: 'y', op: 'Conv2D', inputs: ['x', 'k'], attributes: strides(1, 0, 0, 1) },
      ],
      /y \(Conv2D\): steps or sizes of \[1, 0, 0, 1\]$/,
    ],
  ]
  for (const [what, nodes, expected] of cases) assert.match(await told({ nodes }), expected, what)
  assert.match(
    await told({ input: [-1, 2 ** 40, 2 ** 40, 3], nodes: FLAT }),
    /takes pictures of \[1099511627776, 1099511627776, 3\]$/,
  )
})

test('many messages and many inputs come to an end', async () => {
  const many = (bytes: Buffer) => Buffer.alloc(2_200_000, bytes)
  const nodes = message(2, message(2, many(Buffer.from([0x0a, 0]))))
  assert.match(await told(nodes), /more than 1048576 messages$/)
  assert.match(await told(many(Buffer.from([0x12, 0]))), /more than 1048576 messages$/)
  const wide = { name: 'y', op: 'AddN', inputs: new Array<string>(300_000).fill('x') }
  assert.match(await told({ nodes: [wide] }), /more than 262144 inputs of ops once/)
  const deep = numbers(2000).reduce<Buffer>(
    (inner) => message(51, message(1, inner)),
    Buffer.alloc(0),
  )
  const specs = message(
    7,
    message(2, Buffer.concat([message(1, Buffer.from('f')), message(2, message(3, deep))])),
  )
  assert.match(await told(message(2, specs)), /messages nested more than 100 deep$/)
})

test('names that mean something to JavaScript mean nothing here', async () => {
  const functions = [functionProto('__proto__', [relu('a', 'x')], 'a:activations:0')]
  const proto = await told({ functions, nodes: [call('y', '__proto__')] })
  assert.match(proto, /graph calls __proto__, which is not there$/)
  const nodes = [relu('__proto__', 'x'), relu('constructor', '__proto__')]
  const y = { name: 'y', op: 'toString', inputs: ['constructor'] }
  assert.match(await told({ nodes: [...nodes, y] }), /cannot be imported: toString \(y\)$/)
})

test('names of assets are not followed', async () => {
  const outside = '../../../../../../../../../etc/passwd'
  const path = message(8, Buffer.concat([message(1, 7), message(8, Buffer.from(outside))]))
  const name = { name: 'f', op: 'Const', attributes: { dtype: type(7), value: path } }
  const read = { name: 'r', op: 'ReadFile', inputs: ['f'] }
  const y = { name: 'y', op: 'DecodeRaw', inputs: ['r'] }
  const said = await told({ nodes: [name, read, y] })
  assert.match(said, /ops that cannot be imported: ReadFile \(r\)/)
  const collections = { saved_model_assets: [Buffer.concat([message(2, Buffer.from(outside))])] }
  assert.equal(await told({ nodes: FLAT, collections }), '[1,192]')
})

test("a real module's graph, cut or with bytes changed, is an error or a module", async () => {
  await using folder = await temporaryFolder()
  const copy = join(folder.path, 'hub')
  await cp(HUB, copy, { recursive: true })
  const file = join(copy, 'saved_model.pb')
  const bytes = await readFile(file)
  for (let length = 0; length < bytes.length; length += 4001) {
    await writeFile(file, bytes.subarray(0, length))
    assert.match(await outcome(copy), /^(BAD_WEIGHTS|WRONG_VALUE) /)
  }
  let errors = 0
  for (let at = 0; at < bytes.length; at += 1021) {
    const changed = Buffer.from(bytes)
    changed[at] = [0, 127, 128, 255][at % 4]!
    await writeFile(file, changed)
    if (!(await outcome(copy)).startsWith('[')) errors += 1
  }
  assert.ok(errors > 5)
})

/** A module as the archive that Hub sends, with more in it; what comes of unpacking and importing it. */
async function archived(
  more: readonly MadeTarEntry[],
  change: Readonly<Record<string, Buffer>> = {},
) {
  await using folder = await temporaryFolder()
  const entries: MadeTarEntry[] = []
  for (const name of await readdir(HUB, { recursive: true })) {
    const data = await readFile(join(HUB, name)).catch(() => undefined)
    if (data) entries.push({ name: `./${name}`, data: change[name] ?? data })
  }
  const archive = join(folder.path, 'module.tar.gz')
  await writeFile(archive, gzipSync(tarBytes([...more, ...entries])))
  const files = join(folder.path, 'files')
  const { signal } = new AbortController()
  try {
    await unpackArchive(archive, files, { signal })
    return await outcome(files)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    assert.deepEqual(await readdir(folder.path), ['files', 'module.tar.gz'])
    return error.message
  }
}

test('archives whose names or links lead out of them are refused', async () => {
  assert.equal(await archived([]), '[1,5]')
  const cases: [MadeTarEntry, RegExp][] = [
    [{ name: '../saved_model.pb', data: 'x' }, /^UNSAFE_ARCHIVE .* leads out of the archive$/],
    [{ name: 'assets/../../../x', data: 'x' }, /^UNSAFE_ARCHIVE .* leads out of the archive$/],
    [{ name: '/etc/x', data: 'x' }, /^UNSAFE_ARCHIVE .* has an absolute path$/],
    [{ name: 'variables', type: '2', link: '/etc' }, /^UNSAFE_ARCHIVE .* is a link$/],
    [{ name: 'assets/x', type: '1', link: 'saved_model.pb' }, /^UNSAFE_ARCHIVE .* is a link$/],
    [{ name: 'saved_model.pb', data: 'x' }, /^UNSAFE_ARCHIVE .* is there twice$/],
    [{ name: 'Variables/variables.index', data: 'x' }, /^UNSAFE_ARCHIVE .* clashes with "/],
  ]
  for (const [entry, expected] of cases) assert.match(await archived([entry]), expected, entry.name)
})

test('an archive whose values are damaged, cut or not there is an error that names the file', async () => {
  const shard = 'variables/variables.data-00001-of-00002'
  const values = await readFile(join(HUB, shard))
  const flipped = Buffer.from(values)
  flipped[7]! ^= 1
  assert.match(
    await archived([], { [shard]: flipped }),
    /^BAD_WEIGHTS FOLDER\/variables\/variables\.data-00001-of-00002: the values of \S+ do not have their checksum$/,
  )
  const cut = await archived([], { [shard]: values.subarray(0, 9) })
  assert.match(
    cut,
    /^BAD_WEIGHTS FOLDER\/variables\/variables\.data-00001-of-00002 has 9 bytes, and/,
  )
  const index = 'variables/variables.index'
  const broken = await archived([], { [index]: (await readFile(join(HUB, index))).subarray(3) })
  assert.match(
    broken,
    /^BAD_WEIGHTS FOLDER\/variables\/variables\.index is not the index of a check/,
  )
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'hub'))
  await cp(join(HUB, 'saved_model.pb'), join(folder.path, 'hub/saved_model.pb'))
  assert.match(await outcome(join(folder.path, 'hub')), /^BAD_WEIGHTS FOLDER/)
})
