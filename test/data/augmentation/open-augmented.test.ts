import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  drawTransform,
  drawVariant,
  type Transform,
} from '../../../src/data/augmentation/augmentation.ts'
import { augmentPlain } from '../../../src/data/augmentation/augmenter.ts'
import { openAugmentedPixels } from '../../../src/data/augmentation/open-augmented.ts'
import { createPack } from '../../../src/data/pack.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { LIVELY, picture, writePack } from './packs.ts'

const SHAPE = [13, 10, 3] as const
const WIDTH = 13 * 10 * 3
const COUNT = 40
const SEED = 12
let folder = ''
let path = ''
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-augmented-'))
  path = await writePack(folder, COUNT, SHAPE)
})
after(() => rmSync(folder, { recursive: true }))

const open = (workers?: number, at = path) =>
  openAugmentedPixels({
    path: at,
    augmentation: LIVELY,
    seed: SEED,
    ...(workers === undefined ? {} : { workers }),
  })

/** What must come out, by the plain loops. */
function expected(rows: readonly number[], draw: (row: number, i: number) => Transform) {
  const out = new Float32Array(rows.length * WIDTH)
  rows.forEach((row, i) => {
    const part = out.subarray(i * WIDTH, (i + 1) * WIDTH)
    augmentPlain(picture(row, SHAPE), SHAPE, draw(row, i), LIVELY, part)
  })
  return out
}
const inEpoch = (epoch: number) => (row: number) =>
  drawTransform(LIVELY, [SHAPE[0], SHAPE[1]], SEED, epoch, row)

const ALL = Array.from({ length: COUNT }, (_, i) => (i * 17 + 3) % COUNT)

describe('augmented pixels', () => {
  for (const workers of [1, 3, undefined]) {
    it(`are the same for any batches in any order: ${workers ?? 'as many'} threads`, async () => {
      const pixels = await open(workers)
      assert.equal(pixels.pictures, COUNT)
      assert.deepEqual(pixels.shape, SHAPE)
      const batches = [1, 2, 7, 30].map((size, i) => {
        const start = [0, 1, 3, 10][i]!
        const rows = ALL.slice(start, start + size)
        return { rows, out: pixels.allocate(size) }
      })
      // All at once.
      await Promise.all(
        batches.map(({ rows, out }) => pixels.gather(Uint32Array.from(rows), 4, out)),
      )
      const got = batches.flatMap(({ out }) => [...out])
      assert.deepEqual(Float32Array.from(got), expected(ALL, inEpoch(4)))
      await pixels.close()
    })
  }

  it('differ from epoch to epoch, and come into a part of any memory', async () => {
    const pixels = await open(2)
    const rows = [5, 5, 0]
    for (const make of [
      () => new Float32Array(4 * WIDTH).subarray(1),
      () => pixels.allocate(5).subarray(WIDTH),
    ]) {
      const [first, second] = [make().fill(-1), make().fill(-1)]
      await pixels.gather(Uint32Array.from(rows), 0, first)
      await pixels.gather(Uint32Array.from(rows), 1, second)
      const used = rows.length * WIDTH
      assert.deepEqual(first.slice(0, used), expected(rows, inEpoch(0)))
      assert.deepEqual(second.slice(0, used), expected(rows, inEpoch(1)))
      assert.notDeepEqual(first.slice(0, used), second.slice(0, used))
      assert.ok(first.subarray(used).every((value) => value === -1))
    }
    await pixels.close()
  })

  it('are variants of a bank where those are asked for', async () => {
    const pixels = await open(2)
    const [rows, variants] = [
      [3, 3, 9, 8, 3],
      [0, 1, 1, 7, 2],
    ]
    const out = pixels.allocate(rows.length)
    await pixels.gatherVariants(Uint32Array.from(rows), Uint32Array.from(variants), out)
    const draw = (row: number, i: number) =>
      drawVariant(LIVELY, [SHAPE[0], SHAPE[1]], SEED, variants[i]!, row)
    assert.deepEqual(Float32Array.from(out), expected(rows, draw))
    await pixels.close()
  })

  it('need rows that there are, and room', async () => {
    const pixels = await open(1)
    const one = pixels.allocate(1)
    const two = Uint32Array.of(1, 2)
    await assert.rejects(pixels.gather(Uint32Array.of(COUNT), 0, one), /^RangeError: row 40 of /)
    await assert.rejects(pixels.gather(two, 0, one), RangeError)
    const few = pixels.gatherVariants(two, Uint32Array.of(1), pixels.allocate(2))
    await assert.rejects(few, RangeError)
    await pixels.gather(new Uint32Array(0), 0, one)
    await pixels.close()
  })

  it('refuse a pack that holds no pictures', async () => {
    const index = { dtype: 'float32', shape: [1, 2], byteOrder: 'little' } as const
    const pack = await createPack(join(folder, 'features'), index)
    await pack.write(0, new Float32Array(2))
    await pack.finish()
    await assert.rejects(open(1, join(folder, 'features.pack')), /holds float32 \[2\], no pictures/)
  })

  it('name the file where one becomes shorter, and go on with what is there', async () => {
    const other = mkdtempSync(join(tmpdir(), 'graft-augmented-'))
    const pixels = await open(2, await writePack(other, 20, SHAPE))
    // Threads open the file for themselves; now they have.
    await pixels.gather(
      Uint32Array.from({ length: 16 }, (_, i) => i),
      0,
      pixels.allocate(16),
    )
    truncateSync(join(other, 'train.pack'), 10 * WIDTH)
    const out = pixels.allocate(20)
    const failed = await pixels
      .gather(
        Uint32Array.from({ length: 20 }, (_, i) => i),
        0,
        out,
      )
      .catch((error: unknown) => error)
    assert.ok(failed instanceof PipelineError, String(failed))
    assert.equal(failed.diagnostics[0]!.code, 'STORE_DAMAGED')
    assert.ok(failed.message.includes(join(other, 'train.pack')), failed.message)
    const rest = pixels.allocate(2)
    await pixels.gather(Uint32Array.of(2, 9), 0, rest)
    assert.deepEqual(Float32Array.from(rest), expected([2, 9], inEpoch(0)))
    await pixels.close()
    rmSync(other, { recursive: true })
  })

  it('end with their threads, and reject what is under way', async () => {
    const pixels = await open(2)
    const under = pixels.gather(Uint32Array.from(ALL), 0, pixels.allocate(COUNT))
    const rejected = assert.rejects(under, /the augmented pixels of .*train.pack are closed/)
    await pixels.close()
    await rejected
    await assert.rejects(pixels.gather(Uint32Array.of(1), 0, pixels.allocate(1)), /are closed/)
    await pixels.close()
  })

  it('let go of the file', { skip: !existsSync('/proc/self/fd') }, async () => {
    const pixels = await open(2)
    await pixels.gather(Uint32Array.from(ALL), 0, pixels.allocate(COUNT))
    assert.equal(timesOpen(), 2)
    await pixels.close()
    assert.equal(timesOpen(), 0)
  })

  it('keep a process alive while it waits for them, and no longer', async () => {
    const child = fileURLToPath(new URL('./idle-child.js', import.meta.url))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, path], {
      timeout: 20_000,
    })
    assert.equal(stdout, 'the last value is there\n')
    assert.equal(stderr, '')
  })
})

/** How often this process has the pack open. */
function timesOpen(): number {
  const files = readdirSync('/proc/self/fd').map((fd) => target(`/proc/self/fd/${fd}`))
  return files.filter((file) => file === realpathSync(path)).length
}

/** Empty for what was open only while the folder was read. */
function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
