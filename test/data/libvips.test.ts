import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openLibvips, pixelNumerics } from '../../src/data/libvips.ts'
import { channelsOf, createPictureMaker, type PixelParams } from '../../src/data/picture.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { ROOT } from '../support/paths.ts'

const FOLDER = join(ROOT, 'test/fixtures/images')
const JPEGS = readdirSync(FOLDER).filter((name) => name.endsWith('.jpg'))

const params = (more: Partial<PixelParams> = {}): PixelParams => ({
  imageSize: [40, 48],
  resize: 'bilinear',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
  ...more,
})

/** What both ways make of the bytes: pixels as hex, or the whole error. */
async function bothWays(bytes: Uint8Array, given: PixelParams, limit?: number): Promise<string[]> {
  const made: string[] = []
  // One after the other: libvips has one error text a process.
  for (const direct of [true, false]) {
    const maker = await createPictureMaker(given, direct, limit)
    const into = new Uint8Array(given.imageSize[0] * given.imageSize[1] * channelsOf(given))
    try {
      await maker.make(bytes, 'a.jpg', into)
      made.push(Buffer.from(into).toString('hex'))
    } catch (error) {
      assert.ok(error instanceof PipelineError)
      made.push(JSON.stringify(error.diagnostics))
    }
  }
  return made
}

describe('JPEG straight from libvips', () => {
  it('is available here, or every test below compares sharp with itself', async (t) => {
    const libvips = await openLibvips()
    if (libvips === undefined) t.diagnostic('libvips cannot be called directly on this machine')
    else {
      const rows = libvips.openJpeg(readFileSync(join(FOLDER, 'jpeg-420.jpg')), 1e6)
      assert.deepEqual([rows?.width, rows?.height, rows?.channels], [83, 61, 3])
      rows?.close()
    }
  })

  const variants: Partial<PixelParams>[] = [
    {},
    { resize: 'lanczos', fit: 'crop', imageSize: [13, 50] },
    { resize: 'nearest', fit: 'pad', imageSize: [50, 13] },
    { resize: { library: 'tensorflow', method: 'bilinear' }, imageSize: [9, 7] },
    { colorMode: 'grayscale' },
    { exif: true },
  ]
  for (const variant of variants) {
    it(`gives sharp's bytes: ${JSON.stringify(variant)}`, async () => {
      for (const name of JPEGS) {
        const bytes = readFileSync(join(FOLDER, name))
        const [direct, sharp] = await bothWays(bytes, params(variant))
        assert.equal(direct, sharp, name)
        assert.match(direct!, /^[0-9a-f]+$/, name)
      }
    })
  }

  it('finds a truncated file as sharp does, wherever it ends, also where only upper rows are needed', async () => {
    for (const name of ['jpeg-420.jpg', 'jpeg-progressive.jpg']) {
      const bytes = readFileSync(join(FOLDER, name))
      for (const fit of ['stretch', 'crop'] as const) {
        for (let end = bytes.length - 2; end > 4; end -= 97) {
          const given = params({ fit, imageSize: [2, 60], resize: 'nearest' })
          const [direct, sharp] = await bothWays(bytes.subarray(0, end), given)
          assert.equal(direct, sharp, `${name} up to ${end}`)
          if (end < bytes.length - 40) assert.match(direct!, /BAD_IMAGE/)
        }
      }
    }
  })

  it('refuses above the pixel limit in the same words', async () => {
    const bytes = readFileSync(join(FOLDER, 'jpeg-420.jpg'))
    const [direct, sharp] = await bothWays(bytes, params(), 1000)
    assert.equal(direct, sharp)
    assert.match(direct!, /83 x 61 pixels/)
  })

  it('keeps no memory of pictures', async () => {
    const maker = await createPictureMaker(params({ imageSize: [224, 224] }))
    const bytes = readFileSync(join(FOLDER, 'jpeg-420.jpg'))
    const into = new Uint8Array(224 * 224 * 3)
    const run = async (times: number) => {
      for (let i = 0; i < times; i += 1) await maker.make(bytes, 'a.jpg', into)
      return process.memoryUsage().rss
    }
    const before = await run(300)
    assert.ok((await run(1500)) - before < 30e6)
  })
})

describe('pixelNumerics', () => {
  it('names the versions without loading them', () => {
    const { sharp, libvips, resampler } = pixelNumerics()
    assert.match(sharp, /^\d+\.\d+\.\d+/)
    assert.match(libvips, /^\d+\.\d+\.\d+|of the system/)
    assert.equal(resampler, 1)
  })
})
