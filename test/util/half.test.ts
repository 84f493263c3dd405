import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHalf, toHalf } from '../../src/util/half.ts'
import { digestOf } from '../../src/util/digest.ts'
import { readGolden } from '../support/golden.ts'

/** test/golden/half.py says what the digests are over. */
const golden = readGolden<{
  readonly values: readonly {
    readonly name: string
    readonly bits: number
    readonly half: number
  }[]
  readonly digests: Readonly<Record<'floats' | 'ties' | 'any', string>>
}>('half')

const ALL = Uint16Array.from({ length: 65536 }, (_, half) => half)
const floats = fromHalf(ALL, new Float32Array(ALL.length))

function halvesOf(bits: Uint32Array): Uint16Array {
  return toHalf(new Float32Array(bits.buffer), new Uint16Array(bits.length))
}

function digest(array: Uint16Array | Uint32Array): string {
  return digestOf(new Uint8Array(array.buffer)).slice('sha256:'.length)
}

for (const { name, bits, half } of golden.values) {
  test(`${name} is rounded as numpy rounds it`, () => {
    assert.equal(halvesOf(Uint32Array.of(bits))[0], half)
  })
}

test('every half is the float32 that numpy says', () => {
  const bits = Uint32Array.from(floats, (value, half) => {
    if (Number.isNaN(value)) return half & 0x8000 ? 0xffc00000 : 0x7fc00000
    return new Uint32Array(Float32Array.of(value).buffer)[0]!
  })
  assert.equal(digest(bits), golden.digests.floats)
})

test('every tie, and what is right beside it, is rounded as numpy rounds it', () => {
  const finite = [...floats.subarray(0, 0x7c00), 65536]
  const middles = Float32Array.from(finite.slice(1), (next, i) => (finite[i]! + next) / 2)
  const positive = [...new Uint32Array(middles.buffer)].flatMap((m) => [m - 1, m, m + 1])
  const ties = Uint32Array.from([...positive, ...positive.map((bits) => bits + 2 ** 31)])
  assert.equal(digest(halvesOf(ties)), golden.digests.ties)
})

test('so is any float32', () => {
  const bits = new Uint32Array(2 ** 18)
  let x = 1
  for (let i = 0; i < bits.length; i += 1) {
    bits[i] = x
    x = (Math.imul(1664525, x) + 1013904223) >>> 0
  }
  assert.equal(digest(halvesOf(bits)), golden.digests.any)
})

test('what was rounded once stays as it is', () => {
  const again = toHalf(floats, new Uint16Array(ALL.length))
  const isNan = (half: number) => (half & 0x7fff) > 0x7c00
  assert.deepEqual(
    [...again].filter((half, i) => half !== ALL[i] && !isNan(half)),
    [],
  )
  assert.equal([...again].filter(isNan).length, [...ALL].filter(isNan).length)
})
