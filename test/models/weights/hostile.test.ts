import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHdf5, type Hdf5Group } from '../../../src/models/weights/hdf5.ts'
import { readKerasH5 } from '../../../src/models/weights/keras-h5.ts'
import { readPytorch } from '../../../src/models/weights/pytorch.ts'
import { readSafetensors } from '../../../src/util/safetensors.ts'
import { zipBytes } from '../../support/archives.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { residentBytes } from '../../support/memory.ts'
import { ROOT } from '../../support/paths.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'

const fixture = (name: string) => join(ROOT, 'test/fixtures/weights', name)

/** What test/golden/hostile-h5.py wrote. */
const hostile = <T>(use: (file: Hdf5Group) => T) => withHdf5(fixture('hostile.h5'), 'x.h5', use)

const isBad = (message: RegExp) => (error: unknown) =>
  error instanceof PipelineError &&
  error.diagnostics[0]!.code === 'BAD_WEIGHTS' &&
  message.test(error.message)

/** Reading goes on as before, whatever came before it. */
async function readsOn(): Promise<void> {
  assert.equal((await readKerasH5(fixture('keras2.h5'))).length, 6)
}

test('an .h5 file is not led to other files of this machine', async () => {
  await assert.rejects(
    hostile((file) => file.tensor('outside')),
    isBad(/is not an HDF5 file, or a damaged one/),
  )
  await hostile((file) => {
    const group = file.group('group')!
    for (const name of group.texts('weight_names')!) assert.equal(group.tensor(name), undefined)
    assert.ok(group.group('self/self/self/self'))
  })
})

test('a declared size is not believed', async () => {
  const before = await residentBytes()
  for (const name of ['numbers', 'names']) {
    await assert.rejects(
      hostile((file) => file.tensor(name)),
      isBad(new RegExp(`x\\.h5: ${name} is larger than the file can hold`)),
    )
  }
  assert.ok((await residentBytes()) - before < 256 * 2 ** 20)
})

test('after any damage the next file is read as ever', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'x.h5')
  const bytes = await readFile(fixture('chunked-latest.h5'))
  // Where an object's header says what follows.
  for (let at = 2020; at < 2045; at += 1) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 0xff
    await writeFile(path, flipped)
    await readKerasH5(path).catch((error: unknown) => assert.ok(isBad(/x\.h5/)(error), `${error}`))
    await readsOn()
  }
})

test('a library that does not come to an end is given up', async () => {
  const patience = { milliseconds: -1e6, bytesPerMillisecond: 1 }
  await assert.rejects(
    withHdf5(fixture('keras2.h5'), 'x.h5', (file) => file.keys(), patience),
    isBad(/x\.h5 is not an HDF5 file, or a damaged one/),
  )
  await readsOn()
})

// Opcodes of pickle's protocol 2, by what they do.
const text = (value: string) => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from('X'), uint32(bytes.length), bytes])
}
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const int = (value: number) => Buffer.concat([Buffer.from('J'), uint32(value)])
const global = (name: string) => Buffer.from(`c${name.replace(/\.(?=\w+$)/, '\n')}\n`)
const put = (slot: number) => Buffer.from([0x71, slot])
const get = (slot: number) => Buffer.from([0x68, slot])
const op = (opcodes: string) => Buffer.from(opcodes, 'latin1')
const pickle = (...parts: readonly Buffer[]) => Buffer.concat([op('\x80\x02'), ...parts, op('.')])

/** A list that holds a list twice, and so on: text of it would have 2^60 parts. */
const laughs = () => {
  const level = (n: number) =>
    Buffer.concat([op(']'), put(n), get(n - 1), op('a'), get(n - 1), op('a')])
  return Buffer.concat([op(']'), put(100), ...Array.from({ length: 60 }, (_, i) => level(101 + i))])
}
const tensor = (
  storage: { key?: Buffer; size: number; offset?: number },
  shape: readonly number[],
  stride: readonly number[],
) =>
  Buffer.concat([
    global('torch._utils._rebuild_tensor_v2'),
    op('('),
    ...[
      op('('),
      text('storage'),
      global('torch.FloatStorage'),
      storage.key ?? text('0'),
      text('cpu'),
    ],
    ...[int(storage.size), op('tQ'), int(storage.offset ?? 0)],
    ...[op('('), ...shape.map(int), op('t('), ...stride.map(int), op('t')],
    ...[op('\x89'), global('collections.OrderedDict'), op(')R'), op('tR')],
  ])
const dict = (entries: Readonly<Record<string, Buffer>>) =>
  Buffer.concat([
    op('}'),
    ...Object.entries(entries).flatMap(([name, value]) => [text(name), value, op('s')]),
  ])

/** A file of PyTorch's legacy format over four values. */
function legacy(state: Buffer, keys = Buffer.concat([op(']'), text('0'), op('a')])): Buffer {
  const count = Buffer.alloc(8)
  count.writeBigInt64LE(4n)
  const magic = Buffer.concat([op('\x8a\x0a'), Buffer.from('6cfc9c46f9206aa85019', 'hex')])
  const values = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)
  return Buffer.concat([
    pickle(magic),
    pickle(int(1001)),
    pickle(op('}')),
    pickle(state),
    pickle(keys),
    count,
    values,
  ])
}

/** What comes of a PyTorch file: its tensors as text, or what is said of it; never later than in some seconds. */
async function told(bytes: Buffer): Promise<string> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'x.pth')
  await writeFile(path, bytes)
  const start = performance.now()
  try {
    const state = await readPytorch(path)
    return [...state].map(([name, { shape, data }]) => `${name} [${shape}] ${data}`).join()
  } catch (error) {
    if (!isBad(/x\.pth/)(error)) throw error
    return (error as Error).message.replaceAll(path, 'x.pth')
  } finally {
    assert.ok(performance.now() - start < 5000)
  }
}

const FOUR = { size: 4 }
const NONE = 'BAD_WEIGHTS x.pth holds no tensors by name'
const ENDS = 'BAD_WEIGHTS x.pth ends in the middle of its values'
const UNFILLED = 'BAD_WEIGHTS x.pth holds a tensor that its values do not fill'

test('the pickles of these tests are read as PyTorch would read them', async () => {
  assert.equal(await told(legacy(dict({ w: tensor(FOUR, [2, 2], [1, 2]) }))), 'w [2,2] 1,3,2,4')
  // Lists of any length.
  const long = Buffer.concat([op(']('), ...new Array<Buffer>(300_000).fill(op('N')), op('e')])
  const state = dict({ list: long, w: tensor(FOUR, [1], [1]) })
  assert.equal(await told(legacy(state)), 'w [1] 1')
})

test('pickles that hold themselves, or grow when they are looked at, come to an end', async () => {
  const itself = Buffer.concat([op('}'), put(0), text('state_dict'), get(0), op('s')])
  assert.equal(await told(legacy(itself)), NONE)
  const arguments_ = Buffer.concat([op(']'), put(1), op('R'), put(2), get(1), get(2), op('a0')])
  const call = Buffer.concat([global('torch._utils._rebuild_parameter'), arguments_])
  assert.equal(await told(legacy(dict({ w: call }))), NONE)
  const keys = Buffer.concat([op(']'), laughs(), op('a')])
  assert.equal(await told(legacy(dict({ w: tensor(FOUR, [4], [1]) }), keys)), ENDS)
  const key = tensor({ key: laughs(), size: 4 }, [4], [1])
  assert.equal(await told(legacy(dict({ w: key }))), UNFILLED)
  const name = Buffer.concat([laughs(), laughs(), op('\x93')])
  assert.match(await told(legacy(dict({ w: name }))), /: a name that is no text at byte/)
  const lists = Buffer.alloc(6_000_000, ']')
  assert.match(await told(legacy(lists)), /: more than 5000000 opcodes at byte/)
})

test('tensors of more values than the file has are not made', async () => {
  const before = await residentBytes()
  for (const [shape, stride] of [
    [[2 ** 30], [0]],
    [
      [2 ** 30, 2 ** 30],
      [0, 0],
    ],
    [[5], [1]],
    [[2 ** 31 - 1], [2 ** 31 - 1]],
    [[4], [1, 1]],
  ] as const) {
    assert.equal(await told(legacy(dict({ w: tensor(FOUR, shape, stride) }))), UNFILLED)
  }
  for (const offset of [1, 2 ** 32 - 1]) {
    const moved = tensor({ size: 4, offset }, [4], [1])
    assert.equal(await told(legacy(dict({ w: moved }))), UNFILLED)
  }
  const shared = Buffer.concat([
    op('}'),
    ...[text('w'), tensor(FOUR, [4], [1]), put(0), op('s')],
    ...Array.from({ length: 20_000 }, (_, i) => [text(String(i)), get(0), op('s')]).flat(),
  ])
  const many = await told(legacy(shared))
  assert.match(many, /^w \[4\] 1,2,3,4,0 \[4\] 1,2,3,4/)
  assert.ok((await residentBytes()) - before < 256 * 2 ** 20)
})

test('a zip file whose entries lie on one another is refused', async () => {
  const values = Buffer.alloc(2 ** 20, 1)
  const zip = zipBytes([{ name: 'a/data/000', data: values, stored: true }])
  const start = zip.lastIndexOf('PK\x01\x02', undefined, 'latin1')
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  const entry = zip.subarray(start, end)
  const entries = Array.from({ length: 900 }, (_, i) => {
    const copy = Buffer.from(entry)
    copy.write(String(100 + i), entry.indexOf('000'))
    return copy
  })
  const tail = Buffer.from(zip.subarray(end))
  tail.writeUInt16LE(900, 8)
  tail.writeUInt16LE(900, 10)
  tail.writeUInt32LE(900 * entry.length, 12)
  const bomb = Buffer.concat([zip.subarray(0, start), ...entries, tail])
  const before = await residentBytes()
  assert.equal(await told(bomb), 'BAD_WEIGHTS x.pth is a damaged zip file')
  assert.ok((await residentBytes()) - before < 64 * 2 ** 20)
})

test('a safetensors header that says anything else than places of tensors is an error', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'x.safetensors')
  const read = async (header: unknown) => {
    const json = Buffer.from(JSON.stringify(header))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(json.length))
    await writeFile(path, Buffer.concat([length, json, Buffer.alloc(16)]))
    return readSafetensors(path)
  }
  const good = { dtype: 'F32', shape: [4], data_offsets: [0, 16] }
  assert.deepEqual([...(await read({ a: good })).keys()], ['a'])
  const wrong = [
    null,
    1,
    { a: null },
    { a: [] },
    { a: { ...good, shape: 'four' } },
    { a: { ...good, shape: [-4] } },
    { a: { ...good, shape: [0.5, 8] } },
    { a: { ...good, shape: [2 ** 52, 2 ** 52] } },
    { a: { ...good, data_offsets: [] } },
    { a: { ...good, data_offsets: [-16, 0] } },
    { a: { ...good, data_offsets: ['0', '16'] } },
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [String(i), good])),
  ]
  for (const header of wrong) {
    await assert.rejects(read(header), isBad(/x\.safetensors is not a safetensors file: /))
  }
})
