import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createPictureMaker, type PixelParams } from '../../src/data/picture.ts'
import { openPictureReader } from '../../src/data/picture-reader.ts'
import { writePicture } from '../e2e/pictures.ts'

const PARAMS: PixelParams = {
  imageSize: [8, 12],
  resize: 'bilinear',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
}
const ROW = 8 * 12 * 3

describe('a reader of pictures', () => {
  let root = ''
  const usual = process.env['TMPDIR']
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'graft-reader-'))
    process.env['TMPDIR'] = root
    for (const i of Array(20).keys()) await writePicture(join(root, `${i}.png`), 'red', i)
    writeFileSync(join(root, '7.png'), 'no picture')
  })
  after(() => {
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
    rmSync(root, { recursive: true })
  })

  const temporary = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('graft-pictures-')).length

  for (const [where, pictures] of [
    ['in this process', 20],
    ['in processes of its own', 100],
  ] as const) {
    it(`${where}: any batches, several at a time, a bad picture among them`, async () => {
      const maker = await createPictureMaker(PARAMS)
      const wanted = async (i: number) => {
        const row = new Uint8Array(ROW)
        await maker.make(readFileSync(join(root, `${i}.png`)), `${i}`, row)
        return row
      }
      const reader = await openPictureReader(PARAMS, { pictures, workers: 2 })
      const batches = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [19, 3, 3], [7], [11, 7, 12], []]
      const read = batches.map(async (batch) => {
        const into = new Uint8Array(batch.length * ROW).fill(9)
        const named = batch.map((i) => ({ path: join(root, `${i}.png`), name: `picture ${i}` }))
        return { batch, into, problems: await reader.read(named, into) }
      })
      for (const { batch, into, problems } of await Promise.all(read)) {
        for (const [at, i] of batch.entries()) {
          const row = into.subarray(at * ROW, (at + 1) * ROW)
          if (i === 7) {
            assert.match(problems[at]![0]!.message, /^picture 7 is not a picture/)
            assert.ok(row.every((value) => value === 9))
          } else {
            assert.equal(problems[at], undefined)
            assert.deepEqual(row, await wanted(i))
          }
        }
      }
      assert.equal(temporary(), 1)
      await reader.close()
      assert.equal(temporary(), 0)
    })
  }
})
