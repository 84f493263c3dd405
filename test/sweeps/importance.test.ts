import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dimension } from '../../src/sweeps/domain.ts'
import { growTree, predict, type Samples } from '../../src/sweeps/forest.ts'
import { importances } from '../../src/sweeps/importance.ts'
import { rankCorrelation } from '../../src/sweeps/rank-correlation.ts'
import type { Observation } from '../../src/sweeps/samplers/tpe.ts'
import type { Json } from '../../src/util/json.ts'
import { readGolden } from '../support/golden.ts'

interface Golden {
  readonly correlations: readonly {
    readonly x: readonly number[]
    readonly y: readonly number[]
    readonly correlation: number | null
  }[]
  readonly sweeps: readonly {
    readonly columns: Readonly<Record<string, readonly Json[]>>
    readonly metric: readonly number[]
    readonly shares: Readonly<Record<string, number>>
    readonly spread: number
  }[]
}

const golden = readGolden<Golden>('importance')

test('rank correlations are those of scipy, with ties and without', () => {
  for (const { x, y, correlation } of golden.correlations) {
    const ours = rankCorrelation(x, y)
    if (correlation === null) assert.equal(ours, undefined)
    else assert.ok(Math.abs(ours! - correlation) < 1e-12, `${ours} ${correlation}`)
  }
  assert.equal(rankCorrelation([1, 2], [1, 2]), undefined)
})

/** What the dimensions are drawn from says nothing about the importance. */
const dimensionsOf = (names: readonly string[]): Dimension[] =>
  names.map((name) => ({ name, domain: { type: 'values', values: [0] } }))

function sweepOf({ columns, metric }: Golden['sweeps'][number]): Observation[] {
  return metric.map((value, i) => ({
    point: Object.fromEntries(Object.entries(columns).map(([name, v]) => [name, v[i]!])),
    state: 'done',
    value,
  }))
}

test("parameters stand in scikit-learn's order, with shares near its own", () => {
  for (const sweep of golden.sweeps) {
    const names = Object.keys(sweep.columns)
    const ours = importances(dimensionsOf(names), sweepOf(sweep))
    const order = (share: (name: string) => number) =>
      names.toSorted((a, b) => share(b) - share(a)).join()
    const share = (name: string) => ours.find((one) => one.name === name)!.share
    assert.equal(
      order(share),
      order((name) => sweep.shares[name]!),
    )
    for (const name of names) {
      const apart = Math.abs(share(name) - sweep.shares[name]!)
      assert.ok(apart < 0.02 + 2 * sweep.spread, `${name} ${share(name)} ${sweep.shares[name]}`)
    }
    assert.ok(Math.abs(ours.reduce((sum, one) => sum + one.share, 0) - 1) < 1e-9)
    assert.deepEqual(importances(dimensionsOf(names), sweepOf(sweep)), ours)
  }
})

test('the sign of a correlation is told for numbers, not for kinds', () => {
  const history = Array.from({ length: 30 }, (_, i): Observation => {
    return { point: { up: i, kind: `k${i % 2}` }, state: 'done', value: -(i ** 3) }
  })
  const [up, kind] = importances(dimensionsOf(['up', 'kind']), history)
  assert.equal(up!.correlation, -1)
  assert.ok(!('correlation' in kind!))
  assert.ok(up!.share > 0.95)
})

test('a parameter that some trials lack: that it is lacking counts, its correlation is over those that have it', () => {
  const history = Array.from({ length: 40 }, (_, i): Observation => {
    const hasRate = i % 2 === 0
    return {
      point: { frozen: !hasRate, ...(hasRate && { rate: i }), idle: (i * 7) % 40 },
      state: 'done',
      value: hasRate ? 10 + i : 1,
    }
  })
  const [frozen, rate, idle] = importances(dimensionsOf(['frozen', 'rate', 'idle']), history)
  assert.ok(Math.abs(rate!.correlation! - 1) < 1e-12)
  assert.ok(rate!.share > 0.3)
  assert.ok(frozen!.share + rate!.share > 0.9 && idle!.share < 0.1)
})

test('trials that failed, run or have no number are not asked; too few say nothing', () => {
  const point = { x: 1 }
  const history: Observation[] = [
    { point, state: 'failed', value: 1 },
    { point, state: 'pending' },
    { point, state: 'stopped', value: 1 },
    { point, state: 'done', value: NaN },
    { point: { x: 2 }, state: 'done', value: 1 },
    { point: { x: 3 }, state: 'done', value: 2 },
  ]
  assert.deepEqual(importances(dimensionsOf(['x']), history), [{ name: 'x', share: 0 }])
  assert.deepEqual(importances(dimensionsOf(['x']), []), [{ name: 'x', share: 0 }])
})

test('a whole tree predicts each row that is unlike the others exactly', () => {
  const row = fc.tuple(fc.double({ noNaN: true }), fc.nat(3), fc.integer({ min: 0, max: 1000 }))
  const rows = fc.uniqueArray(row, {
    minLength: 1,
    maxLength: 40,
    selector: ([x, kind]) => `${x + 0} ${kind}`,
  })
  fc.assert(
    fc.property(rows, (list) => {
      const samples: Samples = {
        features: list.map(([x, kind]) => Float64Array.of(x, kind)),
        isCategory: [false, true],
        targets: Float64Array.from(list, ([, , target]) => target),
      }
      const tree = growTree(
        samples,
        list.map((_, i) => i),
      )
      list.forEach(([, , target], i) => {
        assert.ok(Math.abs(predict(tree, samples.features[i]!) - target) < 1e-6)
      })
    }),
  )
})
