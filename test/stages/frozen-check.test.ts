import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WeightMap } from '../../src/models/layer-graph.ts'
import type { Preprocessing } from '../../src/models/preprocessing.ts'
import { FROZEN_FILE, watchFrozen, type FrozenRecord } from '../../src/stages/frozen-check.ts'
import { wholeModel } from '../../src/training/model.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { madeUpWeights } from '../models/made-up.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const model = wholeModel({
  model: { name: 'MobileNetV2', includeTop: false, alpha: 0.35, inputShape: [32, 32, 3] },
  head: ['GlobalAveragePooling2D', { Dense: { units: 'classes', activation: 'softmax' } }],
  freeze: { first: 100 },
  classes: 3,
})

function programOf(weights: WeightMap) {
  const preprocessing: Preprocessing = { mode: 'tf' }
  const start = {
    inputs: [{ name: 'pixels', shape: [32, 32, 3], dtype: 'uint8' }],
    preprocessing,
  } as const
  const train = { start, optimizer: { name: 'SGD', momentum: 0.9 }, batches: [4] } as const
  return trainingProgram({ model, loss: { name: 'CategoricalCrossentropy' }, weights, train })
    .program
}

const isChanged = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PipelineError)
  assert.equal(error.diagnostics[0]!.code, 'FROZEN_CHANGED')
  assert.match(error.diagnostics[0]!.message, pattern)
  return true
}

test('frozen values that stayed are counted and written down, the same each time', async () => {
  await using folder = await temporaryFolder()
  const confirm = async () => {
    const weights = madeUpWeights(model.graph)
    return watchFrozen(model, weights, programOf(weights)).confirm(folder.path)
  }
  const record = await confirm()
  const weights = model.graph.layers
    .filter(({ name }) => model.frozen.has(name))
    .flatMap((layer) => layer.weights)
  assert.equal(record.tensors, weights.length)
  assert.equal(record.tensors, 34 * 5)
  const file = JSON.parse(await readFile(join(folder.path, FROZEN_FILE), 'utf8')) as FrozenRecord
  assert.deepEqual(file, record)
  assert.deepEqual(await confirm(), record)
})

test('one bit of a frozen moving average is a failure that names it', async () => {
  await using folder = await temporaryFolder()
  const weights = madeUpWeights(model.graph)
  const watch = watchFrozen(model, weights, programOf(weights))
  const average = weights.get('block_3_expand_BN/moving_variance')!
  new Uint32Array(average.buffer, average.byteOffset)[5]! ^= 1
  await assert.rejects(
    watch.confirm(folder.path),
    isChanged(/^block_3_expand_BN\/moving_variance is frozen, but training changed it$/),
  )
  weights.get('Conv1/kernel')![0]! += 1
  await assert.rejects(watch.confirm(folder.path), isChanged(/^Conv1\/kernel .* with 1 more$/))
})

test('values of trained layers may change', async () => {
  await using folder = await temporaryFolder()
  const weights = madeUpWeights(model.graph)
  const watch = watchFrozen(model, weights, programOf(weights))
  weights.get('block_16_project_BN/moving_mean')!.fill(0)
  await watch.confirm(folder.path)
})

test('a program that holds a frozen weight as a variable is refused', () => {
  const weights = madeUpWeights(model.graph)
  const program = programOf(weights)
  const [variable] = program.variables
  const variables = [...program.variables, { ...variable!, name: 'bn_Conv1/moving_mean' }]
  assert.throws(
    () => watchFrozen(model, weights, { variables }),
    isChanged(/^bn_Conv1\/moving_mean is frozen, but training may change it$/),
  )
})

test('where kept features stand for the frozen layers, there are none to compare', async () => {
  await using folder = await temporaryFolder()
  const weights = madeUpWeights(model.graph)
  const trained = new Map(
    model.trained.flatMap((layer) => layer.weights.map(({ name }) => [name, weights.get(name)!])),
  )
  const record = await watchFrozen(model, trained, { variables: [] }).confirm(folder.path)
  assert.equal(record.tensors, 0)
  assert.equal(record.values, 0)
})
