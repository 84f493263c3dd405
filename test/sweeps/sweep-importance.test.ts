import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SweepBlock } from '../../src/pipeline/sweep-block.ts'
import type { SweepResults } from '../../src/sweeps/results.ts'
import { sweepImportance } from '../../src/sweeps/sweep-importance.ts'

const RATES = [1e-4, 1e-3, 1e-2, 1e-1]
const UNITS = [32, 64, 128]

/** A grid whose figure is mostly the learning rate's doing. */
function swept(count: number): { block: SweepBlock; results: SweepResults } {
  const grid = RATES.flatMap((rate) => UNITS.map((units) => ({ rate, units }))).slice(0, count)
  const groups = grid.map(({ rate, units }) => ({
    parameters: { 'optimizer.learningRate': rate, 'head.0.Dense.units': units },
    trials: [{ status: 'done' }],
    mean: Math.log10(rate) + units / 1000,
  }))
  const parameters = new Map([
    ['optimizer.learningRate', { values: RATES }],
    ['head.0.Dense.units', { values: UNITS }],
  ])
  const block = { parameters, zip: [], when: [], exclude: [], repeat: new Map() }
  return {
    block: block as unknown as SweepBlock,
    results: { groups } as unknown as SweepResults,
  }
}

test('the parameter that matters most comes first, with its direction', () => {
  const { block, results } = swept(12)
  const [first, second] = sweepImportance(block, results)
  assert.equal(first!.name, 'optimizer.learningRate')
  assert.ok(first!.share > 0.7, String(first!.share))
  assert.ok(first!.correlation! > 0.9)
  assert.equal(second!.name, 'head.0.Dense.units')
})

test('a few trials tell nothing, nor do those of one parameter', () => {
  const few = swept(5)
  assert.deepEqual(sweepImportance(few.block, few.results), [])
  const { block, results } = swept(12)
  const groups = results.groups.filter(({ parameters }) => parameters['head.0.Dense.units'] === 32)
  const more = [...groups, ...groups]
  assert.deepEqual(sweepImportance(block, { ...results, groups: more }), [])
})
