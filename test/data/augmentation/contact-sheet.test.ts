import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { writeContactSheet } from '../../../src/data/augmentation/contact-sheet.ts'

let folder = ''
before(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-sheet-'))))
after(() => rmSync(folder, { recursive: true }))

/** Writes a sheet of pictures of one value each, 10, 20, 30 ..., and 100 more (cut at the ends) after; reads it back. */
async function sheet(name: string, shape: [number, number, number, number]) {
  const [count, height, width, channels] = shape
  const size = height * width * channels
  const values = Uint8Array.from(
    { length: count * size },
    (_, i) => (Math.floor(i / size) + 1) * 10,
  )
  const after = Float32Array.from(values, (value) => value * 20 - 250.4)
  const path = join(folder, name)
  await writeContactSheet(path, values, after, shape)
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ]
  return { path, info, at }
}

const grey = (value: number): number[] => [value, value, value]

describe('the contact sheet', () => {
  for (const channels of [1, 3]) {
    it(`has pictures above and their draws below, in frames on white: ${channels} channels`, async () => {
      const { info, at } = await sheet(`${channels}.png`, [10, 20, 30, channels])
      // Eight pairs a row: 30 and a frame and a gap of 14 each; two rows of 20 twice, frames, gaps.
      assert.deepEqual([info.width, info.height], [14 + 8 * 46, 14 + 2 * (2 * 22 + 2 + 14)])
      assert.deepEqual(at(0, 0), grey(255))
      assert.deepEqual(at(14, 14), grey(128))
      assert.deepEqual(at(15, 15), grey(10))
      assert.deepEqual(at(44, 34), grey(10))
      assert.deepEqual(at(45, 35), grey(128))
      assert.deepEqual(at(15, 36), grey(255))
      assert.deepEqual(at(15, 38), grey(128))
      assert.deepEqual(at(15, 39), grey(0))
      assert.deepEqual(at(14 + 46 + 1, 15), grey(20))
      assert.deepEqual(at(14 + 46 + 1, 39), grey(150))
      assert.deepEqual(at(14 + 2 * 46 + 1, 39), grey(255))
      assert.deepEqual(at(14 + 46 + 1, 75), grey(100))
      assert.deepEqual(at(14 + 2 * 46 + 1, 75), grey(255))
    })
  }

  it('shows sixteen at most, is not wider than a screen, and has the same bytes again', async () => {
    const first = await sheet('first.png', [20, 8, 300, 3])
    assert.equal(first.info.width, 1280)
    assert.equal(first.info.height, Math.round(((14 + 2 * (2 * 10 + 16)) * 1280) / (14 + 8 * 316)))
    const again = await sheet('again.png', [20, 8, 300, 3])
    assert.deepEqual(readFileSync(again.path), readFileSync(first.path))
  })
})
