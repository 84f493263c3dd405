import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillUniform, permutation, Philox, stream } from '../../src/util/rng.ts'

test('Philox4x32-10 gives the known answer of Random123 for a zero counter and key', () => {
  const philox = new Philox(0, 0)
  philox.next()
  assert.deepEqual(
    [philox.x0, philox.x1, philox.x2, philox.x3],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  )
})

test('draws depend on the key alone', () => {
  const draw = (...key: (string | number)[]) => {
    const s = stream(...key)
    return [s.uint32(), s.uint32(), s.uniform(), s.normal(), s.below(10)]
  }
  assert.deepEqual(draw(8, 'shuffle', 1), draw(8, 'shuffle', 1))
  const others = [draw(8, 'shuffle', 2), draw(9, 'shuffle', 1), draw('8', 'shuffle', 1)]
  for (const other of others) assert.notDeepEqual(other, draw(8, 'shuffle', 1))
  // The parts are told apart: ('ab', 'c') is not ('a', 'bc').
  assert.notDeepEqual(draw('ab', 'c'), draw('a', 'bc'))
})

test('filling an array gives what the stream gives', () => {
  const filled = fillUniform(new Float32Array(11), 0, 1, 'fill', 3)
  const s = stream('fill', 3)
  assert.deepEqual(
    [...filled],
    Array.from({ length: 11 }, () => s.uniform()),
  )
})

test('normal draws have mean 0 and variance 1', () => {
  const s = stream('normal')
  let sum = 0
  let squares = 0
  const n = 200_000
  for (let i = 0; i < n; i += 1) {
    const x = s.normal()
    sum += x
    squares += x * x
  }
  assert.ok(Math.abs(sum / n) < 0.01)
  assert.ok(Math.abs(squares / n - 1) < 0.02)
})

test('a permutation holds every index once, and every position gets every index', () => {
  assert.deepEqual(
    [...permutation(100, 1)].sort((a, b) => a - b),
    [...Array(100).keys()],
  )
  assert.equal(permutation(0, 1).length, 0)
  const counts = new Float64Array(16)
  for (let i = 0; i < 4000; i += 1) {
    permutation(4, 'p', i).forEach((value, at) => (counts[at * 4 + value]! += 1))
  }
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, `${count}`)
})
