import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import sharp from 'sharp'
import { checkPicture, FORMATS, hasPictureExtension } from '../../src/data/formats/table.ts'
import { pngBytes, pngChunk } from '../support/pictures.ts'
import type { PictureFormat } from '../../src/data/formats/format.ts'

/** One real file of each format, 37 x 23, by an encoder that is not ours (BMP: by hand, sharp has none). */
async function samples(): Promise<{ name: PictureFormat; label: string; bytes: Buffer }[]> {
  const raw = Buffer.from(Array.from({ length: 37 * 23 * 3 }, (_, i) => (i * i * 31) % 251))
  const image = () => sharp(raw, { raw: { width: 37, height: 23, channels: 3 } })
  return [
    { name: 'jpeg', label: 'baseline', bytes: await image().jpeg().toBuffer() },
    {
      name: 'jpeg',
      label: 'progressive',
      bytes: await image().jpeg({ progressive: true }).toBuffer(),
    },
    { name: 'png', label: 'plain', bytes: await image().png().toBuffer() },
    { name: 'png', label: 'palette', bytes: await image().png({ palette: true }).toBuffer() },
    { name: 'webp', label: 'lossy', bytes: await image().webp().toBuffer() },
    { name: 'webp', label: 'lossless', bytes: await image().webp({ lossless: true }).toBuffer() },
    { name: 'webp', label: 'alpha', bytes: await image().ensureAlpha(0.5).webp().toBuffer() },
    { name: 'gif', label: 'plain', bytes: await image().gif().toBuffer() },
    { name: 'tiff', label: 'plain', bytes: await image().tiff({ compression: 'none' }).toBuffer() },
    {
      name: 'tiff',
      label: 'tiles',
      bytes: await image().tiff({ tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    },
    { name: 'tiff', label: 'big', bytes: await image().tiff({ bigtiff: true }).toBuffer() },
    { name: 'bmp', label: '24 bits', bytes: bmp(37, 23) },
  ]
}

function bmp(width: number, height: number): Buffer {
  const stride = 4 * Math.ceil((width * 3) / 4)
  const bytes = Buffer.alloc(54 + stride * height, 7)
  bytes.write('BM')
  bytes.writeUInt32LE(bytes.length, 2)
  bytes.writeUInt32LE(54, 10)
  bytes.writeUInt32LE(40, 14)
  bytes.writeInt32LE(width, 18)
  bytes.writeInt32LE(-height, 22)
  bytes.writeUInt16LE(1, 26)
  bytes.writeUInt16LE(24, 28)
  bytes.writeUInt32LE(0, 30)
  return bytes
}

test('every format is known by its bytes, with its size', async () => {
  const all = await samples()
  assert.deepEqual(new Set(all.map((s) => s.name)), new Set(FORMATS.map((f) => f.format)))
  for (const { name, label, bytes } of all) {
    const expected = { format: name, width: 37, height: 23 }
    assert.deepEqual(checkPicture(bytes), expected, `${name} ${label}`)
  }
})

test('a file cut anywhere is found', async () => {
  for (const { name, label, bytes } of await samples()) {
    // A BMP may lack the padding of its last row: decoders do not need it.
    const whole = name === 'bmp' ? bytes.length - 1 : bytes.length
    for (let length = 0; length < whole; length += length < 100 ? 1 : 7) {
      const check = checkPicture(bytes.subarray(0, length))
      assert.ok('problem' in check, `${name} ${label} cut to ${length} of ${bytes.length}`)
    }
    const check = checkPicture(bytes.subarray(0, Math.floor(bytes.length * 0.8)))
    assert.match('problem' in check ? check.problem : '', /^truncated: /, `${name} ${label}`)
  }
})

test('bytes after a picture do not matter, and a thumbnail inside does not end it', async () => {
  const jpeg = (await samples())[0]!.bytes
  assert.ok('format' in checkPicture(Buffer.concat([jpeg, Buffer.from('trailing')])))
  const app = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), jpeg])
  app.writeUInt16BE(jpeg.length + 2, 2)
  const nested = Buffer.concat([jpeg.subarray(0, 2), app, jpeg.subarray(2)])
  assert.deepEqual(checkPicture(nested), { format: 'jpeg', width: 37, height: 23 })
  const cut = checkPicture(nested.subarray(0, -2))
  assert.deepEqual(cut, { problem: 'truncated: no end-of-image marker' })
})

test('no bytes make a check throw or run on', async () => {
  const all = await samples()
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      ({ bytes }, edits) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value] of edits) damaged[at % damaged.length] = value
        checkPicture(damaged)
      },
    ),
    { numRuns: 3000 },
  )
})

test('what is no picture says what it is', () => {
  const cases: [string | Buffer, RegExp][] = [
    ['', /^an empty file$/],
    ['<!DOCTYPE html><html>404', /HTML/],
    ['<?xml version="1.0"?><svg xmlns="x">', /SVG/],
    ['MZ\x90\0', /not a picture/],
    ['BM', /truncated/],
    [Buffer.concat([pngBytes(1).subarray(0, 8), pngChunk('IDAT', Buffer.alloc(3))]), /header/],
    [damagedPng(), /wrong checksum/],
    [lossless(), /lossless/],
  ]
  for (const [bytes, problem] of cases) {
    const check = checkPicture(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    assert.match('problem' in check ? check.problem : 'good', problem)
  }
})

function damagedPng(): Buffer {
  const png = pngBytes(3)
  png[png.length - 20]! ^= 1
  return png
}

function lossless(): Buffer {
  const frame = Buffer.from('ffd8ffc3000b08000a000a01011100', 'hex')
  return Buffer.concat([frame, Buffer.from('ffd9', 'hex')])
}

test('extensions are taken in any case', () => {
  const names = ['a.JPG', 'b.Jpeg', 'c.png', 'd.gif', 'e.webp', 'f.TIF', 'g.tiff', 'h.bmp']
  assert.ok(names.every(hasPictureExtension))
  assert.ok(!['jpg', 'x.txt', 'x.ppm', 'x.svg', 'x.jpg.txt'].some(hasPictureExtension))
})
