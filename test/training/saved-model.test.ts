import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WeightMap } from '../../src/models/layer-graph.ts'
import { readSavedModel } from '../../src/models/saved-model/read.ts'
import type { StoredGraph } from '../../src/models/stored-graph.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { wholeModel } from '../../src/training/model.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import { assertClose } from '../support/compare.ts'
import { floats, readGolden, type Packed } from '../support/golden.ts'
import { ROOT } from '../support/paths.ts'

/** What test/golden/savedmodels.py wrote: one step of SGD at rate 0.1 by TensorFlow, from the module as it was saved. */
interface Golden {
  readonly pictures: Packed
  readonly labels: readonly number[]
  readonly modules: readonly {
    readonly name: string
    readonly training: Packed
    readonly loss: number
    readonly penalty: number
    readonly after: Readonly<Record<string, Packed>>
  }[]
}

const golden = readGolden<Golden>('savedmodels')
const BATCH = golden.labels.length
const pictures = floats(golden.pictures)
const fixture = (name: string) => join(ROOT, 'test/fixtures/savedmodels', name)

/** The entry train@3 on the golden's pictures; every draw is `draw`. */
function step(
  stored: StoredGraph,
  weights: WeightMap,
  options: { readonly draw?: number; readonly freeze?: 'none' | 'all'; readonly classes: number },
) {
  const { draw = 0.5, freeze = 'none', classes } = options
  const model = wholeModel({
    model: { stored, inputShape: [8, 8, 3] },
    head: [],
    freeze,
    classes,
  })
  const inputs = [{ name: 'pixels', shape: [8, 8, 3], dtype: 'float32' as const }]
  const { program, shape } = trainingProgram({
    model,
    loss: { name: 'SparseCategoricalCrossentropy' },
    weights,
    train: {
      start: { inputs, preprocessing: { mode: 'none' } },
      optimizer: { name: 'SGD', learningRate: 0.1 },
      batches: [BATCH],
    },
  })
  const targets = new Float32Array(BATCH * classes)
  golden.labels.forEach((label, i) => (targets[i * classes + label] = 1))
  const draws = shape.dropouts.map(({ layer, size }) => [
    `dropout/${layer}`,
    new Float32Array(BATCH * size).fill(draw),
  ])
  const feeds = {
    pixels: pictures,
    targets,
    weights: new Float32Array(BATCH).fill(1),
    learningRate: [0.1],
    ...(Object.fromEntries(draws) as Record<string, Float32Array>),
  }
  return { ...evaluate(program, `train@${BATCH}`, feeds), shape }
}

for (const { name, loss, penalty, after } of golden.modules) {
  test(`a step of ${name} by its own training branch is TensorFlow's`, async () => {
    const options = name === 'tf1' ? { output: 'default' } : {}
    const { graph, weights } = await readSavedModel(fixture(name), options)
    const { fetches, variables } = step(graph, weights, { classes: name === 'tf1' ? 4 : 5 })
    assertClose(fetches['loss'], [loss], 1e-5, 'loss')
    assertClose(fetches['penalty'], [penalty], 1e-5, 'penalty')
    let moved = 0
    for (const [variable, want] of Object.entries(after)) {
      const full = `keras_layer/${variable}`
      // what no step touches is no part of the program
      assertClose(variables.get(full) ?? weights.get(full), floats(want), 1e-5, variable)
      if (!floats(want).every((v, i) => v === weights.get(full)![i])) moved += 1
    }
    assert.equal(moved, Object.keys(after).length - (name === 'tf1' ? 0 : 1), 'all but drop_rate')
  })
}

test('what a module draws is fed for each picture, and drops by the rate of its own', async () => {
  const { graph, weights } = await readSavedModel(fixture('hub'))
  const dropping = new Map(weights).set('keras_layer/drop_rate', Float32Array.of(0.5))
  const run = (draw: number) => step(graph, dropping, { draw, classes: 5 })
  const { shape, fetches } = run(0.25)
  assert.deepEqual(
    shape.dropouts.map(({ layer, rate, size }) => [layer.includes('keras_layer/'), rate, size]),
    [
      [true, undefined, 1],
      [true, undefined, 4],
    ],
  )
  // Below the rate all is dropped: only the bias of the head is left, and softmax of it.
  const bias = weights.get('keras_layer/head/bias')!
  const sum = bias.reduce((total, v) => total + Math.exp(v), 0)
  const probabilities = Float32Array.from(
    { length: BATCH * 5 },
    (_, i) => Math.exp(bias[i % 5]!) / sum,
  )
  assertClose(fetches['outputs'], probabilities, 1e-5, 'outputs')
  const kept = run(0.75).fetches['outputs']!
  assert.ok(kept.some((v, i) => Math.abs(v - probabilities[i]!) > 1e-3))
})

test('a module that draws by seeds of its own is fed too', async () => {
  const { graph, weights } = await readSavedModel(fixture('keras-module'))
  const { shape, fetches, variables } = step(graph, weights, { classes: 5 })
  assert.deepEqual(
    shape.dropouts.map(({ rate, size }) => [rate, size]),
    [[undefined, 1]],
  )
  assert.ok(Number.isFinite(fetches['loss']![0]))
  const name = 'keras_layer/batch_normalization/moving_mean'
  assert.notDeepEqual(Array.from(variables.get(name)!), Array.from(weights.get(name)!))
})

test('a frozen module adds nothing to the loss and keeps its averages', async () => {
  const { graph, weights } = await readSavedModel(fixture('hub'))
  const { fetches, variables } = step(graph, weights, { classes: 5, freeze: 'all' })
  assert.equal(fetches['penalty'], undefined)
  assert.equal(variables.size, 0)
})
