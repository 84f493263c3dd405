import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bankVariant,
  drawTransform,
  drawVariant,
  NO_AUGMENTATION,
  type Augmentation,
  type Transform,
} from '../../../src/data/augmentation/augmentation.ts'
import { readGolden } from '../../support/golden.ts'

interface Drawn {
  readonly augmentation: Partial<Augmentation>
  readonly meanDeviationLeastGreatest: Readonly<
    Record<keyof Transform, readonly [number, number, number, number]>
  >
}

const { count, draws } = readGolden<{ count: number; draws: readonly Drawn[] }>('augmentation')
const SIZE = [100, 100] as const

const ALL: Augmentation = {
  rotationRange: 40,
  widthShiftRange: 0.2,
  heightShiftRange: 3,
  shearRange: 5,
  zoomRange: [0.7, 1.4],
  horizontalFlip: true,
  verticalFlip: true,
  brightnessRange: [0.5, 1.5],
  channelShiftRange: 30,
  fillMode: 'nearest',
  cval: 0,
}

function many(augmentation: Partial<Augmentation>): Transform[] {
  const whole = { ...NO_AUGMENTATION, ...augmentation }
  return Array.from({ length: count }, (_, i) => drawTransform(whole, SIZE, 7, i % 50, i))
}

function figures(values: readonly number[]): [number, number, number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  const least = values.reduce((a, b) => Math.min(a, b))
  return [mean, Math.sqrt(square), least, values.reduce((a, b) => Math.max(a, b))]
}

describe('draws', () => {
  for (const { augmentation, meanDeviationLeastGreatest } of draws) {
    it(`spread as Keras' do: ${Object.keys(augmentation).join(', ')}`, () => {
      const drawn = many(augmentation)
      for (const [name, theirs] of Object.entries(meanDeviationLeastGreatest)) {
        const ours = figures(drawn.map((one) => Number(one[name as keyof Transform])))
        // Six standard errors of a mean of `count` draws on each side; the others differ by less.
        const within = (12 * theirs[1]) / Math.sqrt(count)
        ours.forEach((value, i) => {
          assert.ok(
            Math.abs(value - theirs[i]!) <= within,
            `${name}: ${ours.join()} ${theirs.join()}`,
          )
        })
      }
    })
  }

  it('of whole pixels are whole, and below the number', () => {
    const shifts = new Set(many({ widthShiftRange: 3 }).map(({ tx }) => tx))
    assert.deepEqual([...shifts].sort(), [-1, -2, 0, 1, 2])
    assert.ok(many({ heightShiftRange: 1 }).every(({ ty }) => ty === 0))
  })

  it('take the width for columns and the height for rows', () => {
    const shift = { ...NO_AUGMENTATION, widthShiftRange: 0.5, heightShiftRange: 0.01 }
    const drawn = Array.from({ length: 500 }, (_, i) => drawTransform(shift, [50, 400], 1, 0, i))
    const most = (values: readonly number[]): number => Math.max(...values.map(Math.abs))
    assert.ok(most(drawn.map(({ tx }) => tx)) > 190 && most(drawn.map(({ tx }) => tx)) <= 200)
    assert.ok(most(drawn.map(({ ty }) => ty)) > 0.45 && most(drawn.map(({ ty }) => ty)) <= 0.5)
  })

  it('depend on no other key that is set', () => {
    const whole = drawTransform(ALL, SIZE, 3, 4, 5)
    const parts: [Partial<Augmentation>, (keyof Transform)[]][] = [
      [{ rotationRange: ALL.rotationRange }, ['theta']],
      [{ widthShiftRange: ALL.widthShiftRange }, ['tx']],
      [{ heightShiftRange: ALL.heightShiftRange }, ['ty']],
      [{ shearRange: ALL.shearRange }, ['shear']],
      [{ zoomRange: ALL.zoomRange }, ['zx', 'zy']],
      [{ horizontalFlip: true }, ['flipHorizontal']],
      [{ verticalFlip: true }, ['flipVertical']],
      [{ channelShiftRange: ALL.channelShiftRange }, ['channelShift']],
      [{ brightnessRange: [0.5, 1.5] }, ['brightness']],
    ]
    for (const [augmentation, names] of parts) {
      const alone = drawTransform({ ...NO_AUGMENTATION, ...augmentation }, SIZE, 3, 4, 5)
      for (const name of names) assert.equal(alone[name], whole[name], name)
    }
    assert.deepEqual(Object.keys(whole).sort(), parts.flatMap(([, names]) => names).sort())
  })

  it('are functions of seed, epoch or variant, and picture', () => {
    const texts = [
      drawTransform(ALL, SIZE, 0, 0, 0),
      drawTransform(ALL, SIZE, 1, 0, 0),
      drawTransform(ALL, SIZE, 0, 1, 0),
      drawTransform(ALL, SIZE, 0, 0, 1),
      drawVariant(ALL, SIZE, 0, 0, 0),
      drawVariant(ALL, SIZE, 0, 1, 0),
      drawVariant(ALL, SIZE, 0, 0, 1),
    ].map((one) => JSON.stringify(one))
    assert.equal(new Set(texts).size, texts.length)
    assert.equal(JSON.stringify(drawTransform(ALL, SIZE, 0, 0, 0)), texts[0])
  })

  it('leave a picture alone where no key is set', () => {
    assert.deepEqual(drawTransform(NO_AUGMENTATION, SIZE, 1, 2, 3), {
      theta: 0,
      tx: 0,
      ty: 0,
      shear: 0,
      zx: 1,
      zy: 1,
      flipHorizontal: false,
      flipVertical: false,
      channelShift: 0,
    })
  })
})

describe('the variant of a bank', () => {
  it('is each of them once in as many epochs, in an order of its own', () => {
    const orders = new Set<string>()
    for (let picture = 0; picture < 20; picture += 1) {
      for (const round of [0, 1, 2]) {
        const taken = [0, 1, 2, 3].map((i) => bankVariant(9, round * 4 + i, picture, 4))
        assert.deepEqual([...taken].sort(), [0, 1, 2, 3])
        orders.add(taken.join())
      }
    }
    assert.ok(orders.size > 12, `${orders.size} orders`)
  })

  it('is the only one of one', () => {
    assert.deepEqual(
      [0, 1, 5].map((epoch) => bankVariant(1, epoch, 3, 1)),
      [0, 0, 0],
    )
  })
})
