import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fans, INITIALIZERS, initialize } from '../../../src/models/weights/initializers.ts'
import type { Layer } from '../../../src/models/layer-graph.ts'

/**
 * The standard deviation and the largest value that Keras' definitions imply for a kernel of [3, 3, 40, 60]:
 * uniform on +-sqrt(3 s/n) has deviation sqrt(s/n); the normal ones are cut at two deviations and widened so
 * that sqrt(s/n) stays the deviation.
 */
const shape = [3, 3, 40, 60]
const expected: Record<string, [deviation: number, bound: number]> = {
  Zeros: [0, 0],
  Ones: [0, 1],
  Constant: [0, 0],
  RandomUniform: [0.1 / Math.sqrt(12), 0.05],
  RandomNormal: [0.05, Infinity],
  TruncatedNormal: [0.05 * 0.8796, 0.1],
  GlorotUniform: [Math.sqrt(1 / 450), Math.sqrt(3 / 450)],
  GlorotNormal: [Math.sqrt(1 / 450), (2 * Math.sqrt(1 / 450)) / 0.8796],
  HeUniform: [Math.sqrt(2 / 360), Math.sqrt(6 / 360)],
  HeNormal: [Math.sqrt(2 / 360), (2 * Math.sqrt(2 / 360)) / 0.8796],
  LecunUniform: [Math.sqrt(1 / 360), Math.sqrt(3 / 360)],
  LecunNormal: [Math.sqrt(1 / 360), (2 * Math.sqrt(1 / 360)) / 0.8796],
  VarianceScaling: [Math.sqrt(1 / 360), (2 * Math.sqrt(1 / 360)) / 0.8796],
}

for (const [name, fill] of Object.entries(INITIALIZERS)) {
  test(`${name} has Keras' spread and bounds`, () => {
    const values = fill(shape, { name }, [1, 'w'])
    const [deviation, bound] = expected[name]!
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
    assert.ok(Math.abs(Math.sqrt(variance) - deviation) <= 0.02 * deviation + 1e-9)
    assert.ok(values.every((x) => Math.abs(x) <= bound * 1.0001))
    assert.deepEqual(fill(shape, { name }, [1, 'w']), values)
  })
}

test('VarianceScaling takes its scale, fan and distribution', () => {
  const fill = (config: object) =>
    INITIALIZERS['VarianceScaling']!(shape, { name: 'VarianceScaling', ...config }, [1, 'w'])
  const uniform = fill({ scale: 1 / 3, mode: 'fanOut', distribution: 'uniform' })
  const largest = uniform.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  assert.ok(Math.abs(largest - Math.sqrt(1 / 540)) < 1e-4)
  const normal = fill({ scale: 2, mode: 'fanAvg', distribution: 'untruncatedNormal' })
  const variance = normal.reduce((sum, x) => sum + x * x, 0) / normal.length
  assert.ok(Math.abs(variance * 450 - 2) < 0.05)
  assert.throws(() => fill({ mode: 'fan_in' }), TypeError)
})

test('fans are counted as Keras counts them', () => {
  assert.deepEqual(fans([7]), [7, 7])
  assert.deepEqual(fans([5, 6]), [5, 6])
  assert.deepEqual(fans([3, 3, 40, 1]), [360, 9])
})

test('two weights of one shape differ, one seed gives the same twice', () => {
  const layers = ['a', 'b'].map(
    (name) =>
      ({
        name,
        weights: [{ name: `${name}/kernel`, shape: [4, 4], initializer: { name: 'HeNormal' } }],
      }) as unknown as Layer,
  )
  const first = initialize(layers, 3)
  assert.notDeepEqual(first.get('a/kernel'), first.get('b/kernel'))
  assert.deepEqual(initialize(layers, 3), first)
  assert.notDeepEqual(initialize(layers, 4).get('a/kernel'), first.get('a/kernel'))
})
