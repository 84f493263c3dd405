import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { readBundle } from '../../../src/models/saved-model/bundle/bundle.ts'
import { Cursor } from '../../../src/models/saved-model/bundle/wire.ts'
import { sliceKey } from '../../../src/models/saved-model/bundle/slice-key.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import {
  block,
  ending,
  entry,
  fixed32,
  header,
  message,
  sealed,
  sumOf,
  table,
  varint,
  writeFakeBundle,
  type Rows,
} from '../../support/bundles.ts'
import { ROOT } from '../../support/paths.ts'

const fixture = (name: string) => join(ROOT, 'test/fixtures/bundles', name)

/** Every tensor's bytes by key; throws what reading throws. */
async function readAll(prefix: string): Promise<Map<string, string>> {
  const bundle = await readBundle(prefix)
  const values = new Map<string, string>()
  for (const [key, { dtype, shape }] of bundle.entries) {
    const bytes = dtype === 'string' ? await bundle.readStrings(key) : [await bundle.readBytes(key)]
    const hex = bytes.map((b) => Buffer.from(b).toString('hex')).join(',')
    values.set(key, `${dtype} [${shape}] ${hex}`)
  }
  return values
}

/** The values, or the message of the one error that damage may give. */
async function outcome(prefix: string): Promise<Map<string, string> | string> {
  try {
    return await readAll(prefix)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    assert.deepEqual(
      error.diagnostics.map((d) => d.code),
      ['BAD_WEIGHTS'],
    )
    return error.message
  }
}

async function copyOf(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-bundle-'))
  for (const ending of ['index', 'data-00000-of-00001']) {
    await cp(fixture(`${name}.${ending}`), join(folder, `x.${ending}`))
  }
  return join(folder, 'x')
}

const FILES = [
  // The types are many tensors: there, some places stand for the others.
  { name: 'types', ending: 'index', step: 3 },
  { name: 'types', ending: 'data-00000-of-00001', step: 13 },
  { name: 'model.ckpt', ending: 'index', step: 1 },
  { name: 'model.ckpt', ending: 'data-00000-of-00001', step: 1 },
]
for (const { name, ending, step } of FILES) {
  test(`${name}.${ending} cut at any place is an error`, async () => {
    const prefix = await copyOf(name)
    const bytes = await readFile(`${prefix}.${ending}`)
    for (let length = 0; length < bytes.length; length += step) {
      await writeFile(`${prefix}.${ending}`, bytes.subarray(0, length))
      const result = await outcome(prefix)
      assert.ok(typeof result === 'string', `${length} bytes are read as a whole checkpoint`)
      assert.ok(result.includes(`${prefix}.`), result)
    }
    await rm(dirname(prefix), { recursive: true })
  })

  test(`a flipped bit anywhere in ${name}.${ending} is an error, or changes nothing`, async () => {
    const prefix = await copyOf(name)
    const whole = await readAll(prefix)
    const bytes = await readFile(`${prefix}.${ending}`)
    let unnoticed = 0
    for (let at = 0; at < bytes.length; at += step) {
      const bit = 1 << (at % 8)
      bytes[at]! ^= bit
      await writeFile(`${prefix}.${ending}`, bytes)
      const result = await outcome(prefix)
      bytes[at]! ^= bit
      if (typeof result === 'string') continue
      unnoticed += 1
      assert.deepEqual(result, whole, `byte ${at} is not noticed`)
    }
    // Of the footer's 40 bytes of places, most are filling.
    assert.ok(unnoticed <= (ending === 'index' ? 36 : 0), `${unnoticed} unnoticed`)
    await rm(dirname(prefix), { recursive: true })
  })
}

test('any bytes under right checksums are an error for people, or a checkpoint', async () => {
  const index = await readFile(fixture('types.index'))
  const data = await readFile(fixture('types.data-00000-of-00001'))
  // The footer starts with where the only data block, and its trailer, end.
  const content = index.subarray(0, new Cursor(index, index.length - 48).varint() - 5)
  const change = fc.record({
    at: fc.nat(content.length - 1),
    byte: fc.integer({ min: 0, max: 255 }),
  })
  const prefix = await writeFakeBundle(table([{ key: 'z', block: sealed(content) }]), data)
  assert.deepEqual(await readAll(prefix), await readAll(fixture('types')))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      const changed = Buffer.from(content)
      for (const { at, byte } of changes) changed[at] = byte
      await writeFile(`${prefix}.index`, table([{ key: 'z', block: sealed(changed) }]))
      await outcome(prefix)
    }),
    { numRuns: 300 },
  )
  await rm(dirname(prefix), { recursive: true })
})

const FOUR = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)
const fits = { shape: [4], size: 16, crc: sumOf(FOUR) }

/** A checkpoint of these rows, over 16 bytes of values: what reading all of it says. */
async function told(rows: Rows | Uint8Array, data: Uint8Array = FOUR): Promise<string> {
  const prefix = await writeFakeBundle(rows, data)
  const result = await outcome(prefix)
  await rm(dirname(prefix), { recursive: true })
  return typeof result === 'string' ? result.replaceAll(prefix, 'V') : [...result.values()].join()
}

const rows = (...entries: Rows): Rows => [['', header()], ...entries]
const NOT = 'BAD_WEIGHTS V.index is not the index of a checkpoint, or is damaged: '

test('what the writers of these tests write is read', async () => {
  assert.equal(await told(rows(['a', entry(fits)])), `float32 [4] ${FOUR.toString('hex')}`)
})

test('entries that point anywhere else than to their own bytes are errors that name them', async () => {
  const cases: [string, Rows, string][] = [
    [
      'beyond the file',
      rows(['a', entry({ ...fits, offset: 4 })]),
      'BAD_WEIGHTS V.data-00000-of-00001 has 16 bytes, and a is 16 bytes at 4',
    ],
    ['before it', rows(['a', entry({ ...fits, offset: -4 })]), `${NOT}a is 16 bytes at -4`],
    [
      'past every file',
      rows(['a', entry({ ...fits, offset: 2n ** 62n })]),
      `${NOT}a: a number that is too large`,
    ],
    [
      'on other values',
      rows(['a', entry(fits)], ['b', entry({ shape: [1], size: 4, offset: 8 })]),
      `${NOT}b lies on bytes of another tensor`,
    ],
    [
      'fewer bytes than the shape',
      rows(['a', entry({ ...fits, shape: [2 ** 20, 2 ** 20] })]),
      `${NOT}a of [1048576,1048576] float32 has 16 bytes`,
    ],
    [
      'more numbers than can be counted',
      rows(['a', entry({ ...fits, shape: new Array<number>(250).fill(2 ** 50) })]),
      `${NOT}a of [${new Array<number>(250).fill(2 ** 50)}] float32 has 16 bytes`,
    ],
    [
      'a shape as large as its size says, and no such file',
      rows(['a', entry({ shape: [2 ** 40], size: 2 ** 42 })]),
      `BAD_WEIGHTS V.data-00000-of-00001 has 16 bytes, and a is ${2 ** 42} bytes at 0`,
    ],
    ['a negative axis', rows(['a', entry({ ...fits, shape: [-4] })]), `${NOT}a: an axis of -4`],
    [
      'too many axes',
      rows(['a', entry({ ...fits, shape: new Array<number>(300).fill(1) })]),
      `${NOT}a: 300 axes`,
    ],
    [
      'a file that there is not',
      rows(['a', entry({ ...fits, shard: 1 })]),
      `${NOT}a is in file 1 of 1`,
    ],
    [
      'a file that is not there',
      [
        ['', header(2)],
        ['a', entry({ ...fits, shard: 1 })],
      ],
      'BAD_WEIGHTS cannot read V.data-00001-of-00002',
    ],
    [
      'other values',
      rows(['a', entry({ ...fits, crc: fits.crc ^ 1 })]),
      'BAD_WEIGHTS V.data-00000-of-00001: the values of a do not have their checksum',
    ],
    [
      'more strings than bytes',
      rows(['a', entry({ dtype: 7, shape: [2 ** 40], size: 16 })]),
      `BAD_WEIGHTS V.data-00000-of-00001: a of [${2 ** 40}] strings has 16 bytes`,
    ],
  ]
  for (const [what, entries, message] of cases) assert.equal(await told(entries), message, what)
})

test('strings longer than their bytes, or without their checksums, are errors', async () => {
  const strings = (data: Buffer, crc = sumOf(data)) =>
    told(rows(['a', entry({ dtype: 7, shape: [1], size: data.length, crc })]), data)
  const at = 'BAD_WEIGHTS V.data-00000-of-00001: '
  const sum = sumOf(fixed32(2))
  const fixed = Buffer.concat([fixed32(2), fixed32(sum), Buffer.from('hi')])
  const right = Buffer.concat([varint(2), fixed32(sum), Buffer.from('hi')])
  assert.equal(await strings(right, sumOf(fixed)), 'string [1] 6869')
  const no = `${at}the values of a do not have their checksum`
  assert.equal(await strings(right), no)
  assert.equal(await strings(Buffer.concat([varint(3), fixed32(sum), Buffer.from('hi')])), no)
  assert.equal(await strings(varint(2 ** 50)), `${at}a has a string of ${2 ** 50} bytes`)
  const cut = Buffer.concat([varint(9), fixed32(sumOf(fixed32(9))), Buffer.from('hihi')])
  assert.equal(await strings(cut), `${at}a is damaged: it ends in the middle of a value`)
})

test('headers of other formats are errors', async () => {
  const of = (value: Uint8Array) => told([['', value]])
  assert.equal(await of(header(1, 1)), `${NOT}it was written by a big-endian machine`)
  assert.equal(await of(header(0)), `${NOT}it has 0 files of values`)
  assert.equal(await of(header(2 ** 31)), `${NOT}it has ${2 ** 31} files of values`)
  const newer = `${NOT}its format is of version 2, and 1 is the newest known`
  assert.equal(await of(header(1, 0, 2)), newer)
  assert.equal(await told([['a', entry(fits)]]), `${NOT}it has no header`)
  const deep = Buffer.from([0x0b])
  assert.equal(await told(rows(['a', deep])), `${NOT}a: wire type 3`)
})

test('slices that do not fill their tensor, each place once, are errors', async () => {
  const part = (start: number, more = {}) =>
    [
      sliceKey('v', [{ start, length: 2 }]),
      entry({
        shape: [2],
        size: 8,
        offset: 4 * start,
        crc: sumOf(FOUR.subarray(4 * start, 4 * start + 8)),
        ...more,
      }),
    ] as const
  const whole = (shape: readonly number[], ...starts: readonly (readonly [number, number])[]) =>
    ['v', entry({ shape, slices: starts.map((s) => [s]) })] as const
  const of = (...parts: Rows) => told(rows(...parts))
  const v = 'BAD_WEIGHTS V.index: v of'

  const both = [part(0), part(2)] as const
  assert.equal(await of(...both, whole([4], [0, 2], [2, 2])), `float32 [4] ${FOUR.toString('hex')}`)
  assert.equal(
    await of(...both, whole([5], [0, 2], [2, 2])),
    `${v} [5] is not filled by its slices`,
  )
  assert.equal(
    await of(...both, whole([4], [0, 2], [0, 2])),
    `${v} [4] is not filled by its slices`,
  )
  assert.equal(
    await of(...both, whole([3], [0, 2], [2, 2])),
    `${v} [3] has a slice that is not in it`,
  )
  assert.equal(await of(part(0), whole([4], [0, 2], [2, 2])), `${v} [4] lacks its slice 2 of 2`)
  const huge = whole([2 ** 40], [0, 2 ** 39], [2 ** 39, 2 ** 39])
  assert.equal(await of(huge), `${v} [${2 ** 40}] lacks its slice 1 of 2`)
  const int = part(2, { dtype: 3 })
  const another = `${v} [4] has a slice 2 of another shape or type`
  assert.equal(await of(part(0), int, whole([4], [0, 2], [2, 2])), another)
  const many = Array.from({ length: 5000 }, () => [0, 1] as const)
  assert.equal(await of(whole([4], ...many)), `${v} [4] has 5000 slices`)
})

test('tables that lie about themselves are errors, soon and in little memory', async () => {
  const good = block(rows(['a', entry(fits)]))
  const index = (pointer: Uint8Array) => {
    const pointers = block([['a', pointer]])
    return Buffer.concat([
      good,
      pointers,
      ending({ offset: good.length, size: pointers.length - 5 }),
    ])
  }
  const size = index(Buffer.concat([varint(0), varint(good.length - 5)])).length
  const cases: [string, Uint8Array | Rows, string][] = [
    ['no table', Buffer.alloc(100), 'its last eight bytes are not those of a table'],
    ['nothing', Buffer.alloc(0), 'it has 0 bytes'],
    [
      'a block outside',
      index(Buffer.concat([varint(size), varint(9)])),
      `a block of 9 bytes at ${size} is not in the file`,
    ],
    [
      'a block of any size',
      index(Buffer.concat([varint(0), varint(2 ** 50)])),
      `a block of ${2 ** 50} bytes at 0 is not in the file`,
    ],
    ['an empty pointer', index(Buffer.alloc(0)), 'it ends in the middle of a value'],
    [
      'restarts',
      table([{ key: 'a', block: sealed(fixed32(2 ** 31)) }]),
      `a block of 4 bytes with ${2 ** 31} restarts`,
    ],
    [
      'keys out of order',
      rows(['b', entry(fits)], ['a', entry(fits)]),
      'its keys are out of order',
    ],
    ['keys twice', rows(['a', entry(fits)], ['a', entry(fits)]), 'its keys are out of order'],
    [
      'a key that shares what there is not',
      table([
        {
          key: 'a',
          block: sealed(
            Buffer.concat([varint(9), varint(0), varint(0), Buffer.alloc(4), fixed32(1)]),
          ),
        },
      ]),
      'a key shares more than there is',
    ],
    [
      'zstd',
      table([{ key: 'a', block: sealed(Buffer.alloc(8), 2) }]),
      'compression 2 of a block, which is not known',
    ],
    [
      'snappy that says it has gigabytes',
      table([{ key: 'a', block: sealed(varint(2 ** 33), 1) }]),
      `a compressed block of 5 bytes says it has ${2 ** 33}`,
    ],
    [
      'snappy that copies from before its start',
      table([{ key: 'a', block: sealed(Buffer.from([8, 0, 65, 0x0d, 9]), 1) }]),
      'a compressed block copies what is not there',
    ],
    [
      'snappy that ends early',
      table([{ key: 'a', block: sealed(Buffer.from([8, 0, 65]), 1) }]),
      'a compressed block is shorter than it says',
    ],
  ]
  for (const [what, bytes, message] of cases) {
    assert.equal(await told(bytes), `${NOT}${message}`, what)
  }
})

test('a block that the index names again and again is read once', async () => {
  const empty = sealed(Buffer.concat([Buffer.alloc(2 ** 20), fixed32(2 ** 18)]))
  const pointer = Buffer.concat([varint(0), varint(empty.length - 5)])
  const names = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(6, '0'))
  const pointers = block(names.map((name) => [name, pointer]))
  const file = Buffer.concat([
    empty,
    pointers,
    ending({ offset: empty.length, size: pointers.length - 5 }),
  ])
  assert.equal(await told(file), `${NOT}its blocks are out of order`)
})

test('keys that share a very long beginning do not fill the memory', async () => {
  const first = [varint(0), varint(2 ** 20), varint(2), Buffer.alloc(2 ** 20, 'k'), message(1, 1)]
  const next = Array.from({ length: 5000 }, (_, i) =>
    Buffer.concat([
      varint(2 ** 20 - 4),
      varint(4),
      varint(2),
      Buffer.from(`z${100 + i}`),
      message(1, 1),
    ]),
  )
  const long = sealed(Buffer.concat([...first, ...next, Buffer.alloc(4), fixed32(1)]))
  const start = block(rows())
  const result = await told(
    table([
      { key: '', block: start },
      { key: 'z', block: long },
    ]),
  )
  assert.equal(result, `${NOT}its keys have more than 67108864 bytes`)
})
