import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cropBox, fitPicture, padBox } from '../../src/data/fit.ts'
import { createResampler, type Resize } from '../../src/data/resample.ts'
import { convolveByRow, interpolate } from '../../src/data/resample-plain.ts'
import { rowsOf, type RowSource } from '../../src/data/row-source.ts'
import {
  pillowWeights,
  tensorflowLerps,
  verticalFirst,
  type PillowMethod,
} from '../../src/data/resample-filters.ts'
import { ROOT } from '../support/paths.ts'

type Size = readonly [width: number, height: number]
type Case = { from: Size; to: Size } & Record<string, string>

const goldens = JSON.parse(readFileSync(join(ROOT, 'test/golden/resample.json'), 'utf8')) as {
  cases: Case[]
  fits: Case[]
  samples: ({ from: Size; to: Size } & Record<string, number[]>)[]
}
const METHODS = ['nearest', 'box', 'bilinear', 'bicubic', 'lanczos'] as const
const TF_BILINEAR: Resize = { library: 'tensorflow', method: 'bilinear' }
const TF_NEAREST: Resize = { library: 'tensorflow', method: 'nearest' }
const resampler = createResampler()

const sha = (data: NodeJS.ArrayBufferView): string =>
  createHash('sha256').update(data).digest('hex').slice(0, 16)

/** The noise of test/golden/resample.py. */
function noise([width, height]: Size, channels: 1 | 3 = 3): RowSource {
  const data = new Uint8Array(width * height * channels)
  const step = channels === 3 ? 1 : 3
  for (let i = 0; i < data.length; i += 1) data[i] = Math.imul(i * step, 2654435761) >>> 13
  return rowsOf({ width, height, channels, data })
}

function resized(source: RowSource, [width, height]: Size, resize: Resize): Uint8Array {
  const into = new Uint8Array(width * height * source.channels)
  resampler.resample(source, width, height, resize, into)
  return into
}

function floats(source: RowSource, [width, height]: Size): Float32Array {
  const out = new Float32Array(width * height * source.channels)
  const across = tensorflowLerps(source.width, width)
  const down = tensorflowLerps(source.height, height)
  interpolate(source, across, down, (y, row) => out.set(row, y * row.length))
  return out
}

const named = ({ from, to }: { from: Size; to: Size }) => `${from.join('x')} to ${to.join('x')}`

describe('resample equals Pillow', () => {
  for (const method of METHODS) {
    it(`${method}, ${goldens.cases.length} sizes, three channels and one`, () => {
      for (const one of goldens.cases) {
        assert.equal(sha(resized(noise(one.from), one.to, method)), one[method], named(one))
        const grey = resized(noise(one.from, 1), one.to, method)
        assert.equal(sha(grey), one[`${method}Grey`], `${named(one)} grey`)
      }
    })
  }

  it('samples, number for number', () => {
    for (const sample of goldens.samples) {
      for (const method of METHODS) {
        assert.deepEqual([...resized(noise(sample.from), sample.to, method)], sample[method])
      }
    }
  })
})

describe('resample equals TensorFlow', () => {
  it('bilinear in float32, every bit', () => {
    for (const one of goldens.cases) {
      assert.equal(sha(floats(noise(one.from), one.to)), one.tfBilinearFloat, named(one))
    }
    for (const sample of goldens.samples) {
      assert.deepEqual([...floats(noise(sample.from), sample.to)], sample.tfBilinearFloat)
    }
  })

  it('bilinear rounded to uint8, halves to even', () => {
    for (const one of goldens.cases) {
      assert.equal(sha(resized(noise(one.from), one.to, TF_BILINEAR)), one.tfBilinear, named(one))
    }
  })

  it('nearest', () => {
    for (const one of goldens.cases) {
      assert.equal(sha(resized(noise(one.from), one.to, TF_NEAREST)), one.tfNearest, named(one))
    }
  })
})

describe('fit', () => {
  const fitted = (one: Case, resize: Resize, fit: 'crop' | 'pad', channels: 1 | 3 = 3) => {
    const [width, height] = one.to
    const into = new Uint8Array(width * height * channels).fill(77)
    fitPicture(resampler, noise(one.from, channels), { width, height, resize, fit }, into)
    return sha(into)
  }
  for (const one of goldens.fits) {
    it(`crop and pad ${named(one)} as Keras and Pillow do`, () => {
      assert.equal(fitted(one, 'bilinear', 'crop'), one.crop)
      assert.equal(fitted(one, TF_BILINEAR, 'crop'), one.cropTf)
      assert.equal(fitted(one, 'bilinear', 'pad'), one.pad)
      assert.equal(fitted(one, 'bilinear', 'pad', 1), one.padGrey)
    })
  }

  it('pad keeps at least one pixel, where Pillow 13 gives a black picture', () => {
    const into = new Uint8Array(8 * 8 * 3)
    const data = new Uint8Array(300 * 3).fill(200)
    const thin = rowsOf({ width: 1, height: 300, channels: 3, data })
    fitPicture(resampler, thin, { width: 8, height: 8, resize: 'bilinear', fit: 'pad' }, into)
    assert.equal(into.filter((value) => value === 200).length, 8 * 3)
  })

  it('never leaves an empty box, whatever the shape', () => {
    const side = fc.integer({ min: 1, max: 30000 })
    const shape = fc.record({ width: side, height: side })
    fc.assert(
      fc.property(shape, shape, (from, to) => {
        for (const [box, bounds] of [
          [cropBox(from, to), from],
          [padBox(from, to), to],
        ] as const) {
          assert.ok(box.width >= 1 && box.height >= 1 && box.left >= 0 && box.top >= 0)
          assert.ok(box.left + box.width <= bounds.width && box.top + box.height <= bounds.height)
        }
      }),
    )
  })
})

describe('the kernels', () => {
  const side = fc.integer({ min: 1, max: 70 })
  const methods = fc.constantFrom<Exclude<PillowMethod, 'nearest'>>(
    'box',
    'bilinear',
    'bicubic',
    'lanczos',
  )

  it('give the bytes of the plain loops', () => {
    fc.assert(
      fc.property(side, side, side, side, methods, (w, h, width, height, method) => {
        const plain = new Uint8Array(width * height * 3)
        convolveByRow(noise([w, h]), {
          across: pillowWeights(method, w, width),
          down: pillowWeights(method, h, height),
          columnsFirst: verticalFirst({ width: w, height: h }, { width, height }),
          into: plain,
        })
        assert.deepEqual(resized(noise([w, h]), [width, height], method), plain)
      }),
    )
  })

  it("give the bytes of the plain loops for TensorFlow's bilinear", () => {
    fc.assert(
      fc.property(side, side, side, side, (w, h, width, height) => {
        const plain = floats(noise([w, h]), [width, height])
        const rounded = plain.map((v) => {
          const floor = Math.floor(v)
          const up = v - floor > 0.5 || (v - floor === 0.5 && floor % 2 === 1)
          return up ? floor + 1 : floor
        })
        const out = resized(noise([w, h]), [width, height], TF_BILINEAR)
        assert.deepEqual(out, Uint8Array.from(rounded))
        const grey = resized(noise([w, h], 1), [width, height], TF_BILINEAR)
        assert.deepEqual(
          grey,
          out.filter((_, i) => i % 3 === 0),
        )
      }),
    )
  })

  it('are exact where weights are largest: black and white at extreme ratios', () => {
    for (const value of [0, 255]) {
      for (const [from, to] of [
        [
          [2000, 3],
          [3, 200],
        ],
        [
          [1, 1],
          [40, 40],
        ],
        [
          [4, 3000],
          [5, 5],
        ],
      ] as const) {
        const data = new Uint8Array(from[0] * from[1] * 3).fill(value)
        const source = rowsOf({ width: from[0], height: from[1], channels: 3, data })
        for (const method of METHODS) {
          assert.ok(
            resized(source, to, method).every((v) => v === value),
            `${method} ${value}`,
          )
        }
      }
    }
  })

  it('ask for rows from top to bottom, none twice, and no more than needed', () => {
    const source = noise([61, 200])
    for (const resize of [...METHODS, TF_BILINEAR, TF_NEAREST]) {
      let next = 0
      const watched: RowSource = {
        ...source,
        read(first, count, into) {
          assert.ok(first >= next, `row ${first} after ${next - 1}`)
          next = first + count
          assert.ok(next <= source.height)
          source.read(first, count, into)
        },
      }
      const size: Size = [40, 7]
      assert.deepEqual(resized(watched, size, resize), resized(source, size, resize))
    }
  })

  it('refuse a target of another size', () => {
    const wrong = new Uint8Array(5)
    assert.throws(() => resampler.resample(noise([3, 3]), 2, 2, 'box', wrong), RangeError)
  })
})

describe('a picture of a strange shape', () => {
  it('one pixel wide and 2,000,000 high takes little memory', () => {
    const tall: RowSource = {
      width: 1,
      height: 2_000_000,
      channels: 3,
      read(first, count, into) {
        for (let i = 0; i < count * 3; i += 1) into[i] = (first + i) & 255
      },
    }
    const before = process.memoryUsage().rss
    const out = resized(tall, [64, 4], 'bilinear')
    assert.ok(out.every((value) => value > 120 && value < 135))
    assert.ok(process.memoryUsage().rss - before < 150e6)
  })
})
