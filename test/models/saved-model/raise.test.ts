import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LayerGraph, WeightMap } from '../../../src/models/layer-graph.ts'
import { lower } from '../../../src/models/lower.ts'
import { Known } from '../../../src/models/saved-model/raise/known.ts'
import { raiseSavedModels } from '../../../src/models/saved-model/raise/raise.ts'
import { raise } from '../../../src/models/saved-model/raise/rules.ts'
import { readSavedModel, type SavedModelOptions } from '../../../src/models/saved-model/read.ts'
import { rebuildGraph } from '../../../src/models/stored-graph.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import type { Shape, Tensor } from '../../../src/program/program.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'
import { ROOT } from '../../support/paths.ts'
import { constant, savedModel, type, writeSavedModel } from '../../support/saved-models.ts'

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

async function raised(folder: string, options: SavedModelOptions, inputShape: Shape) {
  const { graph, weights } = await readSavedModel(folder, options)
  const network = rebuildGraph(graph, { inputShape })
  return raiseSavedModels({ graph: network, weights, frozen: new Set() })
}

function predicted(graph: LayerGraph, weights: WeightMap, shape: Shape, x: ArrayLike<number>) {
  const b = new Builder()
  const input = b.input('x', shape)
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: input } })
  b.entry('run', { fetches: { output }, updates: [] })
  return evaluate(b.program(), 'run', { x }).fetches['output']!
}

/** The kinds behind the input, in the graph's order; activations by their own name. */
const kinds = ({ layers }: LayerGraph) =>
  layers
    .slice(1)
    .map((layer) =>
      layer.kind === 'Activation'
        ? (layer.config as { activation: string }).activation
        : layer.kind,
    )
    .join(' ')

const KERAS = `Rescaling Conv2D BatchNormalization silu GlobalAveragePooling2D Conv2D sigmoid Multiply LayerNormalization gelu Flatten
Dense softmax`
const HUB = `Rescaling Conv2D BatchNormalization ReLU DepthwiseConv2D silu GlobalAveragePooling2D Dense sigmoid Reshape Multiply Add
GlobalAveragePooling2D Dense`
const TF1 = 'Conv2D BatchNormalization Rescaling silu'

const MODULES: Readonly<Record<string, string>> = {
  'keras-export': KERAS,
  'keras-module': KERAS,
  hub: HUB,
  'hub-condition': HUB,
  'tf1 default': `${TF1} GlobalAveragePooling2D`,
  'tf1 largest': `${TF1} GlobalMaxPooling2D`,
  'arguments default': 'Conv2D Rescaling GlobalAveragePooling2D',
  'arguments logits': 'Conv2D Rescaling GlobalMaxPooling2D',
}

test('modules as layers give what TensorFlow gives', async (t) => {
  const modules = golden.modules
    .filter(({ name }) => name !== 'tf1')
    .map(({ name, output }) => ({ name, output, scale: 1, options: {} as { output?: string } }))
  const cases = [...golden.cases, ...modules]
  const titles = cases.map(({ name, options: { output } }) => (output ? `${name} ${output}` : name))
  assert.deepEqual([...titles].sort(), Object.keys(MODULES).sort())
  for (const [i, { name, options, output: want, scale }] of cases.entries()) {
    await t.test(titles[i]!, async () => {
      const { graph, weights } = await raised(fixture(name), options, [8, 8, 3])
      assert.equal(kinds(graph), MODULES[titles[i]!]!.replaceAll('\n', ' '))
      const pictures = floats(golden.pictures).map((v) => v * scale)
      const got = predicted(graph, weights, golden.pictures.shape, pictures)
      assertClose(got, floats(want), 1e-5, name)
    })
  }
})

/** What each op is as layers, or how it is told that it cannot be. */
const OPS: Readonly<Record<string, string>> = {
  'conv-explicit': 'ZeroPadding2D Conv2D',
  'conv-dilated': 'Conv2D with dilations [2, 2] (PartitionedCall/Conv2D)',
  'conv-groups': 'Conv2D',
  'conv-groups-of-one': 'DepthwiseConv2D',
  'conv-padded-same': 'Conv2D',
  depthwise: 'DepthwiseConv2D',
  'max-pool': 'MaxPooling2D',
  'avg-pool': 'AveragePooling2D',
  'avg-pool-same': 'AveragePooling2D',
  'mirror-pad':
    'MirrorPad along axis 1 (PartitionedCall/MirrorPad); MirrorPad along axis 2 (PartitionedCall/MirrorPad)',
  'symmetric-pad':
    'MirrorPad along axis 1 (PartitionedCall/MirrorPad); MirrorPad along axis 2 (PartitionedCall/MirrorPad)',
  'pad-value': 'PadV2 that is not of zeros around a picture (PartitionedCall/PadV2)',
  mean: 'GlobalAveragePooling2D',
  sum: 'Sum along the axes [1, 3] (PartitionedCall/Sum)',
  max: 'Max along the axes [2] (PartitionedCall/Max)',
  min: 'Rescaling GlobalMaxPooling2D Rescaling',
  softmax: 'softmax',
  'leaky-relu': 'LeakyReLU',
  elu: 'elu',
  'hard-swish': 'hard_silu',
  gelu: 'gelu',
  'gelu-tanh': 'Multiply Rescaling Add Rescaling tanh Rescaling Rescaling Multiply',
  softplus: 'softplus',
  'floor-ceil': 'Ceil (PartitionedCall/Ceil); Floor (PartitionedCall/Floor)',
  'log-exp': 'LeakyReLU Rescaling exponential softplus Rescaling Add',
  differences: 'Rescaling Rescaling ReLU Multiply Rescaling Add LeakyReLU Subtract',
  'add-n': 'Rescaling Add Rescaling Add',
  clip: 'Rescaling ReLU Rescaling Rescaling ReLU Rescaling',
  cast: 'Cast (PartitionedCall/Cast)',
  transpose: 'Transpose of the axes [0, 2, 1, 3] (PartitionedCall/transpose)',
  'reverse-channels': 'Conv2D',
  strided: 'StridedSlice along axis 1 (PartitionedCall/strided_slice)',
  slice: 'Cropping2D Conv2D',
  split: 'ConcatV2 along axis 1 (PartitionedCall/concat)',
  'split-sizes': 'Conv2D',
  stack: 'Pack along axis 2 (PartitionedCall/stack)',
  unstack: 'Conv2D Reshape',
  gather: 'Conv2D',
  tile: 'Tile of pictures as one (PartitionedCall/Tile); Tile (PartitionedCall/Tile)',
  reshape: 'Reshape',
  'shape-arithmetic': 'Flatten',
  fill: 'Rescaling',
  range: 'Rescaling',
  broadcast:
    'Mean along the axes [3] (PartitionedCall/Mean); BroadcastTo (PartitionedCall/BroadcastTo)',
  matmul: 'Flatten Dense',
  'batch-matmul': 'Dense',
  'batch-norm-training':
    'FusedBatchNormV3 by the statistics of the batch (PartitionedCall/FusedBatchNormV3)',
  'big-constant': 'AddV2 with numbers that are not one by channel (PartitionedCall/add)',
  half: 'Rescaling',
}

/** Of which several ops have no layer, by the text's begin. */
const REFUSED = ['log-softmax', 'powers', 'select', 'compare', 'moments']

/** Statistics of a batch are one row for all pictures, which no pipeline takes. */
const NO_ROWS = ['batch-norm-moments', 'batch-norm-averages']

test('every op as layers gives what TensorFlow gives, or is told', async (t) => {
  const names = golden.ops.map(({ name }) => name).sort()
  assert.deepEqual([...Object.keys(OPS), ...REFUSED, ...NO_ROWS].sort(), names)
  for (const { name, output: want } of golden.ops) {
    if (NO_ROWS.includes(name)) continue
    await t.test(name, async () => {
      const { shape } = golden.x
      try {
        const signature = { signature: name }
        const { graph, weights } = await raised(fixture('ops'), signature, shape.slice(1))
        assert.equal(kinds(graph), OPS[name])
        const got = predicted(graph, weights, shape, floats(golden.x))
        // Numbers of 16 bits are computed in 32 here.
        assertClose(got, floats(want), name === 'half' ? 2e-3 : 1e-5, name)
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error
        const [{ code, message }] = error.diagnostics as [PipelineError['diagnostics'][0]]
        assert.equal(code, 'WRONG_VALUE')
        const told = message.replace('keras_layer, a SavedModel, does what no layer does: ', '')
        if (REFUSED.includes(name)) assert.match(told, /^\w+[^;]* \(PartitionedCall\/\w+/)
        else assert.equal(told, OPS[name])
      }
    })
  }
})

test("layers are called as the module's weights are, and hold the run's values", async () => {
  const { graph, weights } = await readSavedModel(fixture('hub'))
  const changed = new Map([...weights].map(([name, data]) => [name, data.map((v) => v + 1)]))
  const network = rebuildGraph(graph, { inputShape: [8, 8, 3] })
  const frozen = new Set(['keras_layer'])
  const raised = raiseSavedModels({ graph: network, weights: changed, frozen })
  const names = raised.graph.layers.filter((l) => l.weights.length > 0).map(({ name }) => name)
  assert.deepEqual(names, ['stem', 'stem/bn', 'depthwise', 'excite', 'head'])
  const specs = raised.graph.layers.flatMap((layer) => layer.weights.map(({ name }) => name))
  for (const name of specs) {
    assert.deepEqual(raised.weights.get(name), changed.get(`keras_layer/${name}`), name)
  }
  assert.equal(raised.weights.size, specs.length)
  for (const name of names) assert.ok(raised.frozen.has(name))
})

test('what no layer does is one error with all of it', async () => {
  const inner = { dtype: type(1) }
  const nodes = [
    { name: 'floor', op: 'Floor', inputs: ['x'] },
    { name: 'again', op: 'Floor', inputs: ['floor'] },
    constant('axes', 3, [2], [1, 2]),
    { name: 'pooled', op: 'Mean', inputs: ['again', 'axes'], attributes: inner },
    { name: 'y', op: 'Sqrt', inputs: ['pooled'] },
  ]
  const folder = await writeSavedModel(savedModel({ nodes }))
  try {
    await assert.rejects(raised(folder, {}, [8, 8, 3]), (error: PipelineError) => {
      assert.equal(error.diagnostics.length, 1)
      const [{ code, message }] = error.diagnostics as [PipelineError['diagnostics'][0]]
      assert.equal(code, 'WRONG_VALUE')
      const list = 'Floor (floor, again); Sqrt (y)'
      assert.equal(message, `keras_layer, a SavedModel, does what no layer does: ${list}`)
      return true
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** A function of a picture [2, 4, 4, 8] as what raises its last op. */
function partOf(build: (b: Builder, x: Tensor, weight: (name: string) => Tensor) => Tensor) {
  const b = new Builder()
  const values = new Map<string, Float32Array>()
  const weight = (name: string) => {
    const value = Float32Array.from({ length: 8 }, (_, c) => 1 + c / 8 + name.length / 16)
    values.set(name, value)
    return b.variable(name, [8], value)
  }
  const t = build(b, b.input('x', [2, 4, 4, 8]), weight)
  const known = new Known(b.nodes, values)
  const takers = b.nodes.flatMap(({ inputs }) => inputs)
  const alone = (of: Tensor) => takers.filter((taken) => taken === of).length === 1
  const raised = raise(t, { known, alone })
  assert.ok(typeof raised === 'object', String(raised))
  return { layers: raised.layers, values }
}

test('a batch normalization is told in every form', () => {
  const root = (b: Builder, v: Tensor) => b.rsqrt(b.add(v, b.scalar(0.01)))
  const forms: Readonly<Record<string, Parameters<typeof partOf>[0]>> = {
    'gamma beta moving_mean moving_variance': (b, x, w) => {
      const scale = b.multiply(w('bn/gamma'), root(b, w('bn/moving_variance')))
      return b.add(b.multiply(b.subtract(x, w('bn/moving_mean')), scale), w('bn/beta'))
    },
    'gamma moving_mean moving_variance': (b, x, w) => {
      const centered = b.subtract(x, w('bn/moving_mean'))
      const variance = b.add(w('bn/moving_variance'), b.scalar(0.01))
      return b.multiply(b.divide(centered, b.sqrt(variance)), w('bn/gamma'))
    },
    'beta moving_mean moving_variance': (b, x, w) => {
      const scale = root(b, w('bn/moving_variance'))
      const shift = b.subtract(w('bn/beta'), b.multiply(w('bn/moving_mean'), scale))
      return b.add(shift, b.multiply(x, scale))
    },
    'moving_mean moving_variance': (b, x, w) => {
      const scale = root(b, w('bn/moving_variance'))
      return b.subtract(b.multiply(scale, x), b.multiply(w('bn/moving_mean'), scale))
    },
  }
  for (const [names, form] of Object.entries(forms)) {
    const { layers, values } = partOf(form)
    assert.deepEqual(
      layers.map(({ kind, name }) => `${kind} ${name}`),
      ['BatchNormalization bn'],
      names,
    )
    assert.equal(Object.keys(layers[0]!.weights).join(' '), names)
    assert.ok(Math.abs((layers[0]!.settings as { epsilon: number }).epsilon - 0.01) < 1e-8)
    for (const [short, data] of Object.entries(layers[0]!.weights)) {
      assert.deepEqual(data, values.get(`bn/${short}`), short)
    }
  }
})

test('factors and offsets that are none are one of mean 0 and variance 1', () => {
  const { layers, values } = partOf((b, x, w) =>
    b.add(b.multiply(x, w('scale/gamma')), b.scalar(2)),
  )
  const [{ kind, name, settings, weights }] = layers as [(typeof layers)[0]]
  assert.deepEqual([kind, name, settings], ['BatchNormalization', 'scale', { epsilon: 0 }])
  assert.deepEqual(weights, {
    gamma: values.get('scale/gamma'),
    beta: new Float32Array(8).fill(2),
    moving_mean: new Float32Array(8),
    moving_variance: new Float32Array(8).fill(1),
  })
})
