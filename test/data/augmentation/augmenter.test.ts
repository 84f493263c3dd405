import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FillMode, Transform } from '../../../src/data/augmentation/augmentation.ts'
import {
  augmentPlain,
  createAugmenter,
  type Augment,
} from '../../../src/data/augmentation/augmenter.ts'
import type { Shape } from '../../../src/data/augmentation/warp-plain.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'

interface Case {
  readonly shape: Shape
  readonly transform: Partial<Transform>
  readonly fillMode: FillMode
  readonly cval: number
  readonly out: Packed
}

const goldens = readGolden<{ readonly cases: readonly Case[] }>('augmentation')
const augment = createAugmenter()

const STILL: Transform = {
  theta: 0,
  tx: 0,
  ty: 0,
  shear: 0,
  zx: 1,
  zy: 1,
  flipHorizontal: false,
  flipVertical: false,
  channelShift: 0,
}

/** The noise of test/golden/augmentation.py. */
function noise([height, width, channels]: Shape): Uint8Array {
  const data = new Uint8Array(height * width * channels)
  for (let i = 0; i < data.length; i += 1) data[i] = Math.imul(i, 2654435761) >>> 13
  return data
}

function augmented(
  how: Augment,
  shape: Shape,
  transform: Partial<Transform>,
  fill: { fillMode: FillMode; cval: number } = { fillMode: 'nearest', cval: 0 },
): Float32Array {
  const out = new Float32Array(shape[0] * shape[1] * shape[2]).fill(NaN)
  how(noise(shape), shape, { ...STILL, ...transform }, fill, out)
  return out
}

describe('augmentation equals Keras, given the draws', () => {
  for (const fillMode of ['nearest', 'constant', 'reflect', 'wrap'] as const) {
    const cases = goldens.cases.filter((one) => one.fillMode === fillMode)
    it(`${cases.length} cases that fill with ${fillMode}`, () => {
      for (const one of cases) {
        const theirs = floats(one.out)
        const ours = augmented(augment, one.shape, one.transform, one)
        // Values are 0..255, or up to 900 where cval is.
        const most = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!)))
        assert.ok(most <= 1e-4, `${one.shape.join()} ${JSON.stringify(one.transform)}: ${most}`)
      }
    })
  }
})

describe('the kernels', () => {
  const side = fc.integer({ min: 1, max: 40 })
  const number = (least: number, most: number) =>
    fc.double({ min: least, max: most, noNaN: true, noDefaultInfinity: true })
  const shape = fc.tuple(side, side, fc.constantFrom(1, 3))
  const transform: fc.Arbitrary<Transform> = fc
    .record(
      {
        theta: number(-180, 180),
        tx: fc.oneof(number(-90, 90), fc.integer({ min: -90, max: 90 })),
        ty: fc.oneof(number(-90, 90), fc.integer({ min: -90, max: 90 })),
        shear: number(-60, 60),
        zx: number(0, 4),
        zy: number(0, 4),
        flipHorizontal: fc.boolean(),
        flipVertical: fc.boolean(),
        channelShift: number(-200, 200),
        brightness: number(0, 3),
      },
      { requiredKeys: [] },
    )
    .map((some) => ({ ...STILL, ...some }))
  const fill = fc.record({
    fillMode: fc.constantFrom<FillMode>('nearest', 'constant', 'reflect', 'wrap'),
    cval: fc.oneof(number(0, 255), number(-500, 500)),
  })

  it('give the bits of the plain loops', () => {
    fc.assert(
      fc.property(shape, transform, fill, (one, how, border) => {
        // Zero has no sign here.
        const [plain, fast] = [augmentPlain, augment].map((which) =>
          augmented(which, one, how, border).map((value) => value + 0),
        )
        assert.deepEqual(fast, plain)
      }),
      { numRuns: 600 },
    )
  })

  it('leave the pixels as they are where nothing is to be done', () => {
    fc.assert(
      fc.property(shape, fill, (one, border) => {
        assert.deepEqual(augmented(augment, one, {}, border), Float32Array.from(noise(one)))
      }),
    )
  })

  it('keep values between the least and the greatest of the picture', () => {
    fc.assert(
      fc.property(shape, transform, (one, drawn) => {
        const { brightness: _brightness, ...how } = drawn
        const pixels = noise(one)
        const out = augmented(augment, one, how, { fillMode: 'reflect', cval: 0 })
        assert.ok(Math.min(...out) >= Math.min(...pixels))
        assert.ok(Math.max(...out) <= Math.max(...pixels))
      }),
    )
  })

  it('move nothing but pixels in a flip, and flip what is warped', () => {
    for (const one of [[7, 6, 3] as const, [4, 9, 1] as const]) {
      const [height, width, channels] = one
      for (const geometry of [{}, { theta: 31, tx: 2.2, zy: 1.3 }]) {
        const before = augmented(augment, one, geometry)
        const flip = { ...geometry, flipHorizontal: true, flipVertical: true }
        const after = augmented(augment, one, flip)
        const turned = before.map((_, i) => {
          const pixel = height * width - 1 - Math.floor(i / channels)
          return before[pixel * channels + (i % channels)]!
        })
        assert.deepEqual(after, turned)
      }
    }
  })

  it('refuse what is no picture of that shape', () => {
    const out = new Float32Array(12)
    const fill = { fillMode: 'nearest', cval: 0 } as const
    for (const [bytes, shape] of [
      [11, [2, 2, 3]],
      [12, [2, 3, 2]],
    ] as const) {
      assert.throws(() => augment(new Uint8Array(bytes), shape, STILL, fill, out), RangeError)
    }
  })
})
