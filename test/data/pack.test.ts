import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createPack, openPack, type PackIndex } from '../../src/data/pack.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { permutation } from '../../src/util/rng.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-pack-'))
})
after(() => rm(folder, { recursive: true }))

const index = (dtype: PackIndex['dtype'], ...shape: number[]): PackIndex => ({
  dtype,
  shape,
  byteOrder: 'little',
})

describe('pack', () => {
  for (const dtype of ['uint8', 'float32', 'float16'] as const) {
    for (const item of [[3], [97, 211, 3]]) {
      it(`${dtype} rows of ${item.join('x')} come back whatever the order of writing`, async () => {
        const width = item.reduce((a, b) => a * b)
        const count = 9
        const path = join(folder, `${dtype}-${width}.pack`)
        const row = (r: number) => {
          const values = Array.from({ length: width }, (_, i) => (r * 31 + i * 7) % 251)
          return dtype === 'uint8' ? Uint8Array.from(values) : Float32Array.from(values)
        }
        const writer = await createPack(path, index(dtype, count, ...item))
        await Promise.all(
          [...permutation(count - 2, 1, 'order')].map((r) => writer.write(r, row(r))),
        )
        const two = dtype === 'uint8' ? new Uint8Array(2 * width) : new Float32Array(2 * width)
        two.set(row(7))
        two.set(row(8), width)
        await writer.write(7, two)
        await writer.finish()
        const reader = await openPack(path)
        assert.deepEqual(reader.index, index(dtype, count, ...item))
        assert.deepEqual([reader.count, reader.width], [count, width])
        const wanted = [8, 0, 1, 2, 5, 5, 3]
        const got = await reader.gather(wanted)
        wanted.forEach((r, i) => {
          assert.deepEqual(got.subarray(i * width, (i + 1) * width), row(r))
        })
        assert.deepEqual((await reader.rows(3, 2)).subarray(width), row(4))
        assert.equal((await reader.rows(3, 0)).length, 0)
        const into = dtype === 'uint8' ? new Uint8Array(width * 2) : new Float32Array(width * 2)
        assert.equal(await reader.gather([6], into), into)
        assert.deepEqual(into.subarray(0, width), row(6))
        await assert.rejects(reader.gather([9]), RangeError)
        await assert.rejects(reader.rows(8, 2), RangeError)
        await reader.close()
      })
    }
  }

  it('is plain little-endian data with a JSON index', async () => {
    const writer = await createPack(join(folder, 'plain'), index('float32', 1, 2))
    await writer.write(0, Float32Array.of(1, -2))
    await writer.finish()
    assert.equal((await readFile(join(folder, 'plain.pack'))).toString('hex'), '0000803f000000c0')
    assert.equal(
      await readFile(join(folder, 'plain.json'), 'utf8'),
      '{\n  "byteOrder": "little",\n  "dtype": "float32",\n  "shape": [\n    1,\n    2\n  ]\n}\n',
    )
  })

  it('refuses to finish with a row missing, and rows that do not fit', async () => {
    const writer = await createPack(join(folder, 'hole'), index('uint8', 3, 2))
    await writer.write(0, Uint8Array.of(1, 2))
    await assert.rejects(writer.write(2, Uint8Array.of(1, 2, 3, 4)), RangeError)
    await assert.rejects(writer.write(1, Uint8Array.of(1)), RangeError)
    await assert.rejects(writer.write(1, Float32Array.of(1)), TypeError)
    await assert.rejects(writer.finish(), /row 1 of hole.pack was never written/)
    await writer.close()
  })

  it('of no rows is fine', async () => {
    const writer = await createPack(join(folder, 'empty'), index('uint8', 0, 2, 2))
    await writer.finish()
    const reader = await openPack(join(folder, 'empty'))
    assert.equal(reader.count, 0)
    await reader.close()
  })

  it('of float16 holds what numpy calls float16, and refuses what would become infinite', async () => {
    const path = join(folder, 'half')
    const writer = await createPack(path, index('float16', 2, 3))
    await writer.write(0, Float32Array.of(1 / 3, -65504, 0.1))
    await assert.rejects(
      writer.write(1, Float32Array.of(0, 65520, 0)),
      (error: unknown) =>
        error instanceof PipelineError && error.diagnostics[0]!.code === 'NOT_FINITE',
    )
    await writer.write(1, Float32Array.of(Infinity, -0, 65519))
    await writer.finish()
    const bytes = await readFile(`${path}.pack`)
    // numpy.array([1/3, -65504, 0.1, inf, -0.0, 65519]).astype('<f2').tobytes().hex()
    assert.equal(bytes.toString('hex'), '5535fffb662e007c0080ff7b')
    const reader = await openPack(path)
    const row = (await reader.gather([1, 0])) as Float32Array
    assert.deepEqual([...row], [Infinity, -0, 65504, 0.333251953125, -65504, 0.0999755859375])
    await reader.close()
  })

  const damage: Record<string, (path: string) => Promise<void>> = {
    'a pack that lost bytes': (path) => truncate(`${path}.pack`, 5),
    'a missing pack': (path) => rm(`${path}.pack`),
    'a missing index': (path) => rm(`${path}.json`),
    'an index that is no JSON': (path) => writeFile(`${path}.json`, 'x'),
    'an index of something else': (path) =>
      writeFile(`${path}.json`, '{"dtype":"int7","shape":[1]}'),
  }
  for (const [name, harm] of Object.entries(damage)) {
    it(`open refuses ${name}`, async () => {
      const path = join(folder, name.replaceAll(' ', '-'))
      const writer = await createPack(path, index('uint8', 2, 3))
      await writer.write(0, new Uint8Array(6))
      await writer.finish()
      await harm(path)
      await assert.rejects(openPack(path), (error: unknown) => {
        assert.ok(error instanceof PipelineError)
        assert.equal(error.diagnostics[0]!.code, 'STORE_DAMAGED')
        return true
      })
    })
  }
})
