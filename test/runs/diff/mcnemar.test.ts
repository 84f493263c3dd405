import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mcnemar } from '../../../src/runs/diff/mcnemar.ts'
import { readGolden } from '../../support/golden.ts'

const { cases } = readGolden<{ cases: { lost: number; won: number; p: number }[] }>('mcnemar')

test("McNemar's exact test is scipy's binomial test, for few and for many pictures", () => {
  assert.ok(cases.length > 50)
  for (const { lost, won, p } of cases) {
    const ours = mcnemar(lost, won)
    assert.ok(Math.abs(ours - p) <= 1e-10 * p, `${lost} ${won}: ${ours}, scipy ${p}`)
  }
})
