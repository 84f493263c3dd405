import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spreadOf, welch } from '../../../src/runs/diff/welch.ts'
import { readGolden } from '../../support/golden.ts'

const { cases } = readGolden<{ cases: { a: number[]; b: number[]; p: number }[] }>('welch')

test("Welch's test is scipy's, for near and far groups of any sizes", () => {
  assert.ok(cases.length > 40)
  for (const { a, b, p } of cases) {
    const ours = welch(spreadOf(a), spreadOf(b))!
    assert.ok(Math.abs(ours - p) <= 1e-9 * p, `${a.length} and ${b.length}: ${ours}, scipy ${p}`)
  }
})

test('one run a side, and groups that do not vary, say nothing', () => {
  assert.equal(welch(spreadOf([0.9]), spreadOf([0.8, 0.9])), undefined)
  assert.equal(welch(spreadOf([0.9, 0.9]), spreadOf([0.8, 0.8])), undefined)
})
