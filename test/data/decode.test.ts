import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { before, describe, it } from 'node:test'
import { decodeImage, DEFAULT_DECODE, type DecodeOptions } from '../../src/data/decode.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { pngFile } from '../support/png.ts'
import { ROOT } from '../support/paths.ts'

interface Golden {
  readonly size: [number, number]
  readonly exifSize: [number, number]
  readonly rgb: string
  readonly rgbWhite: string
  readonly grey: string
  readonly greyWhite: string
  readonly exif: string
}

const FOLDER = join(ROOT, 'test/fixtures/images')
const goldens = JSON.parse(readFileSync(join(ROOT, 'test/golden/images.json'), 'utf8')) as {
  files: Record<string, Golden>
}
const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const options = (more: Partial<DecodeOptions>): DecodeOptions => ({ ...DEFAULT_DECODE, ...more })
const FORMS: Record<'rgb' | 'rgbWhite' | 'grey' | 'greyWhite' | 'exif', DecodeOptions> = {
  rgb: options({ transparency: 'drop' }),
  rgbWhite: options({}),
  grey: options({ colorMode: 'grayscale', transparency: 'drop' }),
  greyWhite: options({ colorMode: 'grayscale' }),
  exif: options({ transparency: 'drop', exif: true }),
}

describe('decodeImage gives the bytes of Pillow', () => {
  for (const [file, golden] of Object.entries(goldens.files)) {
    it(file, async () => {
      for (const form of Object.keys(FORMS) as (keyof typeof FORMS)[]) {
        const picture = await decodeImage(join(FOLDER, file), FORMS[form])
        const size = form === 'exif' ? golden.exifSize : golden.size
        assert.deepEqual([picture.width, picture.height], size, form)
        assert.equal(picture.channels, form.startsWith('grey') ? 1 : 3)
        assert.equal(sha(picture.data), golden[form], form)
      }
    })
  }

  it('reads bytes as well as a path', async () => {
    const bytes = readFileSync(join(FOLDER, 'png-rgb.png'))
    const picture = await decodeImage(bytes)
    assert.equal(sha(picture.data), goldens.files['png-rgb.png']!.rgb)
    assert.equal(picture.format, 'png')
  })
})

async function refusal(source: string | Uint8Array, name?: string, pixelLimit?: number) {
  const given = pixelLimit === undefined ? DEFAULT_DECODE : options({ pixelLimit })
  const error = await decodeImage(source, given, name).then(
    () => assert.fail('decoded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PipelineError, String(error))
  assert.equal(error.diagnostics[0]!.code, 'BAD_IMAGE')
  assert.match(error.diagnostics[0]!.hint ?? '', /badImages/)
  return error.diagnostics[0]!.message
}

describe('decodeImage refuses', () => {
  const truncated: Record<string, RegExp> = {
    'jpeg-420.jpg': /premature end/,
    'jpeg-progressive.jpg': /premature end/,
    'png-rgb.png': /cannot be decoded/,
    'webp-lossy.webp': /cannot be decoded/,
    'gif.gif': /truncated/,
    'tiff-rgb.tif': /cannot be decoded .*Read error/,
    'tiff-lzw.tif': /damaged or truncated/,
    'bmp-24.bmp': /truncated/,
  }
  for (const [file, message] of Object.entries(truncated)) {
    it(`a truncated ${file}`, async () => {
      const bytes = readFileSync(join(FOLDER, file))
      for (const part of [0.5, 0.9]) {
        const cut = bytes.subarray(0, Math.floor(bytes.length * part))
        const said = await refusal(cut, `cats/${file}`)
        assert.match(said, message)
        assert.ok(said.startsWith(`cats/${file} is a bad picture: `))
      }
    })
  }

  const strangers: [string, string, string][] = [
    ['page.jpg', '<!DOCTYPE html><html><body>404</body></html>', 'an HTML page'],
    ['drawing.png', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'an SVG'],
    ['paper.jpg', '%PDF-1.7\n', 'a PDF document'],
    ['empty.jpg', '', 'an empty file'],
    [
      'pointer.jpg',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
      'a Git LFS pointer',
    ],
    ['note.jpg', 'hello\n', 'plain text'],
    ['photo.jpg', '\0\0\0\x1cftypavif', 'an AVIF picture'],
    ['photo.heic.jpg', '\0\0\0\x1cftypheic', 'a HEIC picture'],
    ['clip.jpg', '\0\0\0\x1cftypisom', 'a video'],
    ['map.png', 'P6\n1 1\n255\nabc', 'a PNM picture'],
    ['bytes.png', '\x01\x02\x03\x04', 'not a picture'],
    ['archive.jpg', 'PK\x03\x04', 'a zip archive'],
  ]
  for (const [name, content, what] of strangers) {
    it(`${name}: ${what}`, async () => {
      const said = await refusal(Buffer.from(content, 'latin1'), name)
      assert.ok(said.startsWith(`${name} is not a picture: it is ${what}`), said)
    })
  }

  it('a run-length coded BMP', async () => {
    assert.match(await refusal(join(FOLDER, 'bmp-rle8.bmp')), /run-length coded BMP/)
  })

  it('a missing file and a folder', async () => {
    assert.match(await refusal(join(FOLDER, 'absent.jpg')), /is missing/)
    assert.match(await refusal(FOLDER), /cannot be read/)
  })

  it('more pixels than the limit, naming both sizes', async () => {
    for (const file of ['jpeg-420.jpg', 'png-rgb.png', 'gif.gif', 'bmp-24.bmp', 'tiff-lzw.tif']) {
      assert.match(await refusal(join(FOLDER, file), file, 1000), /83 x 61 .* limit of 1000/)
    }
  })
})

describe('a 16,000 x 16,000 PNG', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-decode-'))
  })
  it('is refused by its header, without memory for its pixels', async () => {
    const rows = deflateSync(Buffer.alloc(16000 * (1 + 16000 / 8)))
    const big = pngFile(16000, 16000, 1, 0, rows)
    assert.ok(big.length < 100_000)
    const path = join(folder, 'bomb.png')
    await writeFile(path, big)
    assert.match(await refusal(path), /16000 x 16000 .* limit of 100000000/)
    await rm(folder, { recursive: true })
  })
})
