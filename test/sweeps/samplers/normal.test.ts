import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logMass } from '../../../src/sweeps/samplers/normal.ts'
import { readGolden } from '../../support/golden.ts'

test("the normal's mass between two ends, far out too, as mpmath has it with 400 digits", () => {
  const { masses } = readGolden<{ masses: { a: number | null; b: number; log: number }[] }>('tpe')
  for (const { a, b, log } of masses) {
    const ours = logMass(a ?? -Infinity, b)
    assert.ok(Math.abs(ours - log) <= 1e-10 * Math.max(1, Math.abs(log)), `${a} ${b}: ${ours}`)
    if (a !== null) assert.equal(logMass(-b, -a), ours)
  }
})
