import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { readBundle } from '../../../src/models/saved-model/bundle/bundle.ts'
import { crc32c, maskCrc } from '../../../src/util/crc32c.ts'
import { unsnappy } from '../../../src/models/saved-model/bundle/snappy.ts'
import { readGolden, unpack, type Packed } from '../../support/golden.ts'
import { ROOT } from '../../support/paths.ts'

/** What TensorFlow reads from test/fixtures/bundles (test/golden/bundles.py). */
const golden = readGolden<{
  readonly bundles: readonly {
    readonly name: string
    readonly entries: readonly ({ readonly key: string; readonly dtype: string } & (
      | { readonly value: Packed }
      | { readonly shape: readonly number[]; readonly strings: readonly string[] }
    ))[]
  }[]
  readonly snappy: readonly { readonly plain: string; readonly snappy: string }[]
}>('bundles')

const fixture = (name: string) => join(ROOT, 'test/fixtures/bundles', name)

test('crc32c gives the check values of RFC 3720, B.4', () => {
  const vectors: [Uint8Array, number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    [Buffer.from('123456789'), 0xe3069283],
  ]
  for (const [bytes, crc] of vectors) {
    assert.equal(crc32c(bytes), crc)
    // In two parts, cut where the tables of eight do not fit.
    assert.equal(crc32c(bytes.subarray(5), crc32c(bytes.subarray(0, 5))), crc)
  }
  assert.equal(maskCrc(0), 0xa282ead8)
})

test("snappy blocks of TensorFlow's own library are decompressed", () => {
  for (const { plain, snappy } of golden.snappy) {
    const expected = inflateSync(Buffer.from(plain, 'hex'))
    assert.ok(expected.equals(unsnappy(inflateSync(Buffer.from(snappy, 'hex')))))
  }
})

for (const { name, entries } of golden.bundles) {
  test(`every tensor of the checkpoint ${name} is what TensorFlow reads`, async () => {
    const bundle = await readBundle(fixture(name))
    assert.deepEqual(
      [...bundle.entries].map(([key, { dtype }]) => [key, dtype]),
      entries.map(({ key, dtype }) => [key, dtype]),
    )
    for (const entry of entries) {
      const { key } = entry
      if ('strings' in entry) {
        assert.deepEqual(bundle.entries.get(key)!.shape, entry.shape, key)
        const strings = await bundle.readStrings(key)
        assert.deepEqual(
          strings.map((s) => Buffer.from(s).toString('hex')),
          entry.strings,
          key,
        )
        continue
      }
      const { shape, data } = await bundle.read(key)
      assert.deepEqual(shape, entry.value.shape, key)
      assert.deepEqual(data, Float32Array.from(unpack(entry.value)), key)
    }
  })
}

test('raw bytes: of numbers as they lie in the file, of a single string the string', async () => {
  const types = await readBundle(fixture('types'))
  const int64 = new BigInt64Array((await types.readBytes('t/int64')).slice().buffer)
  assert.deepEqual([...int64], [-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n, 100n])
  assert.equal((await types.readBytes('strings/one')).length, 300)
  await assert.rejects(types.readBytes('strings/many'), /strings\/many is not one string/)
  await assert.rejects(types.read('strings/one'), /strings\/one is a tensor of string, not of/)
  await assert.rejects(types.readStrings('scalar'), /scalar is no tensor of strings/)
  await assert.rejects(types.read(''), /types\.index has no tensor/)
  await assert.rejects(types.read('nothing'), /types\.index has no tensor nothing/)
})
