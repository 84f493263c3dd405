import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { resolveFreeze } from '../../../src/models/freeze.ts'
import { lower } from '../../../src/models/lower.ts'
import type { WeightMap } from '../../../src/models/layer-graph.ts'
import { rebuildGraph, type StoredGraph } from '../../../src/models/stored-graph.ts'
import {
  describeSavedModel,
  LAYER_NAME,
  readSavedModel,
  readSavedModelGraph,
} from '../../../src/models/saved-model/read.ts'
import { importSavedModel } from '../../../src/models/saved-model/import.ts'
import { HANDLERS, inline } from '../../../src/models/saved-model/inline.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { simplify } from '../../../src/program/simplify.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'
import { ROOT } from '../../support/paths.ts'

/** What test/golden/savedmodels.py wrote. */
interface Golden {
  readonly pictures: Packed
  readonly cases: readonly {
    readonly name: string
    readonly options: { readonly output?: string }
    readonly output: Packed
    /** What pictures in 0..1 are multiplied by. */
    readonly scale: number
  }[]
  readonly modules: readonly { readonly name: string; readonly output: Packed }[]
  readonly x: Packed
  readonly ops: readonly { readonly name: string; readonly output: Packed }[]
}

const golden = readGolden<Golden>('savedmodels')
const fixture = (name: string) => join(ROOT, 'test/fixtures/savedmodels', name)
const pictures = floats(golden.pictures)

/** The stored network, through JSON as stages keep it, on pictures of 8 x 8. */
function predicted(graph: StoredGraph, weights: WeightMap, scale = 1) {
  const plain = JSON.parse(JSON.stringify(graph)) as StoredGraph
  const network = rebuildGraph(plain, { inputShape: [8, 8, 3] })
  const b = new Builder()
  const input = b.input('pictures', golden.pictures.shape)
  const { output } = lower(b, network, { weights, start: { [network.input.name]: input } })
  assert.deepEqual(output.shape.slice(1), network.output.outputShape)
  b.entry('run', { fetches: { output }, updates: [] })
  const program = simplify(b.program())
  const feeds = { pictures: pictures.map((v) => v * scale) }
  return { program, output: evaluate(program, 'run', feeds).fetches['output']! }
}

const cases = [
  ...golden.cases,
  ...golden.modules.map(({ name, output }) => ({
    name,
    output,
    scale: 1,
    options: name === 'tf1' ? { output: 'default' } : {},
  })),
]
for (const { name, options, output: want, scale } of cases) {
  test(`${name} ${JSON.stringify(options)} predicts what TensorFlow predicts`, async () => {
    const { graph, weights } = await readSavedModel(fixture(name), options)
    assertClose(predicted(graph, weights, scale).output, floats(want), 1e-5, name)
  })
}

test('every op of the table is what TensorFlow computes', async (t) => {
  for (const { name, output: want } of golden.ops) {
    await t.test(name, async () => {
      const { config, readWeights } = await importSavedModel(fixture('ops'), { signature: name })
      const weights = await readWeights()
      const b = new Builder()
      const shapes = new Map(config.weights.map((weight) => [weight.name, weight.shape]))
      const output = inline(config.inference, {
        b,
        config,
        inputs: [b.input('x', golden.x.shape)],
        weight: (weight) => b.constant(weights.get(weight)!, shapes.get(weight)!),
      })
      assert.deepEqual(output.shape, want.shape)
      b.entry('run', { fetches: { output }, updates: [] })
      const program = simplify(b.program())
      const { fetches } = evaluate(program, 'run', { x: floats(golden.x) })
      // Numbers of 16 bits are computed in 32 here.
      assertClose(fetches['output'], floats(want), name === 'half' ? 2e-3 : 1e-5, name)
    })
  }
})

test('a frozen module runs like a built-in trunk: normalization is folded, swish is one op', async () => {
  const { graph, weights } = await readSavedModel(fixture('hub'))
  const ops = predicted(graph, weights).program.nodes.map(({ op }) => op)
  assert.equal(ops.filter((op) => op === 'silu').length, 1)
  assert.ok(!ops.includes('rsqrt') && !ops.includes('batchNorm') && !ops.includes('pad'))
  const convolution = ops.indexOf('conv2d')
  assert.equal(ops[ops.indexOf('biasAdd', convolution) + 1], 'relu6')
})

test('the variables are the module’s own, trainable ones first, at any size it takes', async () => {
  const { graph, weights } = await readSavedModel(fixture('hub'))
  assert.deepEqual(
    graph.layers.map(({ name, kind }) => `${name} ${kind}`),
    ['input_layer InputLayer', 'keras_layer SavedModel'],
  )
  assert.deepEqual(graph.layers[0]!.config, { shape: [-1, -1, 3] })
  assert.deepEqual(await readSavedModelGraph(fixture('hub')), graph)
  const { layers } = rebuildGraph(graph, { inputShape: [13, 9, 3] })
  const layer = layers[1]!
  assert.deepEqual(layer.outputShape, [5])
  const names = layer.weights.map(({ name, trainable }) => `${name}${trainable ? '' : ' *'}`)
  assert.deepEqual(names, [
    'keras_layer/stem/kernel',
    'keras_layer/stem/bn/gamma',
    'keras_layer/stem/bn/beta',
    'keras_layer/depthwise/kernel',
    'keras_layer/depthwise/bias',
    'keras_layer/excite/kernel',
    'keras_layer/head/kernel',
    'keras_layer/head/bias',
    'keras_layer/stem/bn/moving_mean *',
    'keras_layer/stem/bn/moving_variance *',
    'keras_layer/drop_rate *',
  ])
  assert.deepEqual([...weights.keys()].toSorted(), layer.weights.map(({ name }) => name).toSorted())
})

test('what there is to choose from is told without reading a value', async () => {
  const hub = await describeSavedModel(fixture('hub'))
  assert.equal(hub.format, 'TF2')
  assert.deepEqual(hub.signatures, [
    {
      name: '__call__',
      inputs: [{ name: 'images', shape: [-1, -1, -1, 3] }],
      outputs: ['default'],
    },
  ])
  assert.ok(hub.ops > 100)
  const tf1 = await describeSavedModel(fixture('tf1'))
  assert.equal(tf1.format, 'TF1')
  assert.deepEqual(tf1.tags, [['train'], []])
  assert.deepEqual(tf1.signatures, [
    {
      name: 'default',
      inputs: [{ name: 'images', shape: [-1, 8, 8, 3] }],
      outputs: ['default', 'largest'],
    },
  ])
})

async function refusal(read: Promise<unknown>): Promise<string> {
  const error = await read.then(
    () => assert.fail('it was read'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PipelineError, String(error))
  const [first] = error.diagnostics
  return `${first!.code} ${first!.message}`
}

test('ops outside the table are one error that lists them all with their nodes', async () => {
  const message = await refusal(readSavedModel(fixture('unknown-ops')))
  assert.match(message, /^BAD_WEIGHTS .*cannot be imported: /)
  for (const op of ['Cumsum (', 'Cumsum_1', 'MatrixInverse (', 'Sin (']) {
    assert.ok(message.includes(op), message)
  }
})

test('a signature, an output, tags and a size that are not there are errors with what is', async () => {
  assert.equal(
    await refusal(readSavedModel(fixture('ops'), { signature: 'men' })),
    `WRONG_VALUE the SavedModel has no signature "men"; it has ${golden.ops
      .map(({ name }) => name)
      .toSorted()
      .join(', ')}`,
  )
  assert.match(
    await refusal(readSavedModel(fixture('ops'))),
    /^WRONG_VALUE the SavedModel has several choices of signature: add-n, /,
  )
  assert.equal(
    await refusal(readSavedModel(fixture('tf1'), { output: 'features' })),
    'WRONG_VALUE the SavedModel has no output "features"; it has default, largest',
  )
  assert.equal(
    await refusal(readSavedModel(fixture('tf1'), { tags: ['serve'] })),
    'WRONG_VALUE the SavedModel has no graph tagged [serve]; it has those tagged [train], []',
  )
  assert.equal(
    await refusal(readSavedModel(fixture('keras-export'), { inputShape: [9, 8, 3] })),
    'WRONG_VALUE the SavedModel takes pictures of [8, 8, 3], got [9, 8, 3]',
  )
})

test('a module without a branch to train by can only be frozen', async () => {
  const { graph, weights } = await readSavedModel(fixture('keras-export'))
  const network = rebuildGraph(graph)
  const b = new Builder()
  const start = { [network.input.name]: b.input('pictures', [1, 8, 8, 3]) }
  const train = () => lower(b, network, { weights, start, trainable: () => true, training: true })
  assert.throws(train, /WRONG_VALUE the SavedModel has no branch to be trained by/)
  assert.throws(
    () => resolveFreeze('none', network),
    /WRONG_VALUE freeze: none trains keras_layer, a SavedModel without a branch to be trained by/,
  )
  assert.equal(resolveFreeze('all', network).size, 2)
  assert.equal(network.output.name, LAYER_NAME)
})

test('docs/models.md lists the ops of the table', () => {
  const page = readFileSync(join(ROOT, 'docs/models.md'), 'utf8')
  const calls = ['Const', 'If', 'PartitionedCall', 'StatefulPartitionedCall', 'StatelessIf']
  const names = [...Object.keys(HANDLERS), ...calls, 'VarHandleOp', 'VariableV2']
  assert.ok(page.includes(`with their nodes: ${names.toSorted().join(', ')}.`), names.join(', '))
})
