import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Domain } from '../../../src/sweeps/domain.ts'
import { axisOf } from '../../../src/sweeps/samplers/kernels.ts'
import { parzen, recencyWeights } from '../../../src/sweeps/samplers/parzen.ts'
import type { Json } from '../../../src/util/json.ts'
import { stream } from '../../../src/util/rng.ts'
import { readGolden } from '../../support/golden.ts'

interface Case {
  readonly domains: readonly Domain[]
  readonly observed: readonly (readonly Json[])[]
  readonly points: readonly (readonly Json[])[]
  readonly logDensities: readonly number[]
}

const golden = readGolden<{ estimators: readonly Case[]; normal: readonly Case[] }>('tpe')

function made({ domains, observed }: Case) {
  const axes = domains.map((domain) => axisOf(domain))
  const coordinates = (row: readonly Json[]) => row.map((v, i) => axes[i]!.toCoordinate(v)!)
  return { axes, coordinates, estimator: parzen(axes, observed.map(coordinates)) }
}

test('densities are those of Optuna, for each kind of domain, several at once, and up to 60 observations', () => {
  assert.equal(golden.estimators.length, 31)
  for (const one of [...golden.estimators, ...golden.normal]) {
    const { coordinates, estimator } = made(one)
    one.points.forEach((point, i) => {
      const ours = estimator.logDensity(coordinates(point))
      const theirs = one.logDensities[i]!
      const what = `${one.domains.map(({ type }) => type).join()} after ${one.observed.length}`
      assert.ok(Math.abs(ours - theirs) <= 1e-9 * Math.max(1, Math.abs(theirs)), what)
    })
  }
})

test('draws follow the density', () => {
  for (const one of golden.estimators.filter(({ domains }) => domains.length === 1)) {
    const domain = one.domains[0]!
    if (one.observed.length !== 9) continue
    const { axes, estimator } = made(one)
    const random = stream('draws')
    const draws = Array.from({ length: 20_000 }, () => estimator.draw(random)[0]!)
    // Eight parts of the range, or each of the values; their mass by the density.
    const { parts, mass } = partition(domain, (x) => Math.exp(estimator.logDensity([x])))
    const met = parts.map((isIn) => draws.filter((x) => isIn(x)).length / draws.length)
    met.forEach((share, i) => {
      const expected = mass[i]!
      const slack = 5 * Math.sqrt((expected * (1 - expected)) / draws.length) + 1e-3
      assert.ok(Math.abs(share - expected) < slack, `${domain.type} ${i}: ${share} ${expected}`)
    })
    assert.ok(Math.abs(met.reduce((a, b) => a + b) - 1) < 1e-9)
    for (const x of draws.slice(0, 200)) assert.notEqual(axes[0]!.toValue(x), undefined)
  }
})

/** The density summed over whole numbers or steps, else integrated by the midpoint rule. */
function partition(domain: Domain, density: (x: number) => number) {
  if (domain.type === 'values') {
    return {
      parts: domain.values.map((_, i) => (x: number) => x === i),
      mass: domain.values.map((_, i) => density(i)),
    }
  }
  if (domain.type === 'normal') throw new TypeError('unbounded')
  const { min, max } = domain
  const isLog = domain.type === 'logUniform'
  const step = domain.q ?? (domain.type === 'intUniform' ? 1 : 0)
  const inward = (v: number) => (isLog ? Math.log(v) : v)
  const low = inward(min - step / 2)
  const edges = Array.from({ length: 9 }, (_, i) => low + (i / 8) * (inward(max + step / 2) - low))
  const parts = edges
    .slice(1)
    .map((edge, i) => (x: number) => x >= edges[i]! && (x < edge || (i === 7 && x <= edge)))
  if (step > 0) {
    const steps = Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) =>
      inward(min + i * step),
    )
    return {
      parts,
      mass: parts.map((isIn) => steps.filter(isIn).reduce((sum, x) => sum + density(x), 0)),
    }
  }
  const slices = 400
  const mass = edges.slice(1).map((edge, i) => {
    const width = (edge - edges[i]!) / slices
    let sum = 0
    for (let k = 0; k < slices; k += 1) sum += width * density(edges[i]! + (k + 0.5) * width)
    return sum
  })
  return { parts, mass }
}

test('the last 25 observations count in full, older ones less', () => {
  assert.deepEqual(recencyWeights(3), [1, 1, 1])
  assert.deepEqual(recencyWeights(26).slice(0, 2), [1 / 26, 1])
  const weights = recencyWeights(30)
  assert.deepEqual(weights.slice(4), new Array(26).fill(1))
  assert.ok(Math.abs(weights[2]! - (1 / 30 + 1) / 2) < 1e-12)
})

test('a value that the domain does not have is no observation', () => {
  assert.equal(axisOf({ type: 'values', values: ['a', 2] }).toCoordinate('2'), undefined)
  assert.equal(axisOf({ type: 'values', values: ['a', 2] }).toCoordinate(2), 1)
  assert.equal(axisOf({ type: 'uniform', min: 0, max: 1 }).toCoordinate(1.5), undefined)
  assert.equal(axisOf({ type: 'logUniform', min: 1, max: 2 }).toCoordinate(-1), undefined)
  assert.equal(axisOf({ type: 'intUniform', min: 1, max: 2 }).toCoordinate('1'), undefined)
  assert.equal(axisOf({ type: 'uniform', min: 3, max: 3 }).toCoordinate(3), 0)
})
