import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { Builder } from '../../src/program/builder.ts'
import { decodeProgram, encodeProgram } from '../../src/program/serialize.ts'
import { programOf, randomSteps } from '../support/random-program.ts'

test('a program comes back as it was', () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const program = programOf(steps)
      assert.deepEqual(decodeProgram(encodeProgram(program)), program)
    }),
    { numRuns: 100 },
  )
})

test('arrays are viewed in place, at multiples of 16, and stored once', () => {
  const b = new Builder()
  const shared = Float32Array.of(1, 2, 3)
  const sum = b.add(b.constant(shared, [3]), b.variable('v', [3], shared))
  const pixels = b.constant(Uint8Array.of(7), [1])
  b.entry('run', { fetches: { sum, pixels, last: b.constant(Int32Array.of(5), [1]) }, updates: [] })
  const encoded = encodeProgram(b.program())
  assert.equal(encoded.data.length, 3 * 16)
  const { nodes, variables } = decodeProgram(encoded)
  const arrays = nodes.flatMap((n) => ('data' in n.attributes ? [n.attributes.data] : []))
  assert.deepEqual(arrays, [shared, Uint8Array.of(7), Int32Array.of(5)])
  for (const array of [...arrays, variables[0]!.initial]) {
    assert.equal(array.buffer, encoded.data.buffer)
    assert.equal(array.byteOffset % 16, 0)
  }
})

test('data that begins anywhere is copied to where it can be viewed', () => {
  const b = new Builder()
  b.entry('run', { fetches: { c: b.constant(Float32Array.of(1.5, -2), [2]) }, updates: [] })
  const { json, data } = encodeProgram(b.program())
  const moved = new Uint8Array(data.length + 3).subarray(3)
  moved.set(data)
  assert.deepEqual(decodeProgram({ json, data: moved }), b.program())
})
