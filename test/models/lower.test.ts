import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import { addHead } from '../../src/models/head.ts'
import type { Layer, LayerGraph } from '../../src/models/layer-graph.ts'
import { lower, type LowerOptions } from '../../src/models/lower.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import type { Program, Tensor } from '../../src/program/program.ts'
import { assertClose } from '../support/compare.ts'
import { smallestOfFamilies } from '../support/models.ts'
import { madeUpInput, madeUpWeights } from './made-up.ts'

const small = buildBaseModel({ name: 'MobileNetV2', alpha: 0.35, inputShape: [32, 32, 3] })

test('every frozen batch normalization of the families that has a convolution before it is folded away', () => {
  for (const { name, minSize } of smallestOfFamilies()) {
    const graph = buildBaseModel({ name, inputShape: [minSize, minSize, 3] })
    // ResNetV2 and DenseNet normalize sums and joined channels too
    const normalizations = graph.layers.filter(
      ({ kind, inputs }) => kind === 'BatchNormalization' && /Conv/.test(inputs[0]!.kind),
    )
    const names = new Set(normalizations.map((layer) => layer.name))
    const { nodes } = inference(graph)
    const left = nodes.filter(({ layer, op }) => op !== 'constant' && names.has(layer ?? ''))
    assert.deepEqual(left, [], name)
  }
})

test('strided zero padding becomes padding of the convolution, equal activations one', () => {
  assert.equal(opsOf(inference(small)).get('pad') ?? 0, 0)
  const nasnet = buildBaseModel({ name: 'NASNetMobile', inputShape: [64, 64, 3] })
  const ops = opsOf(inference(nasnet))
  // before the pools of four reduction cells, and where the halves are shifted
  assert.equal(ops.get('pad'), 4 + 4)
  const activations = nasnet.layers.filter((layer) => layer.kind === 'Activation')
  assert.equal(ops.get('relu'), new Set(activations.map((layer) => layer.inputs[0])).size)
})

test('a frozen trunk is a Program without variables', () => {
  const program = inference(small)
  assert.deepEqual(program.variables, [])
  assert.ok(
    program.nodes.every(
      (node) => node.op === 'input' || node.layer !== undefined || node.op === 'constant',
    ),
  )
})

test('what is asked for or shared keeps its own numbers beside a folded normalization', () => {
  const g = new GraphBuilder()
  const input = g.input([4, 4, 3])
  const conv = (name: string) => g.layer('Conv2D', input, { filters: 2, kernelSize: [1, 1] }, name)
  const normalize = (x: Layer, name: string) => g.layer('BatchNormalization', x, {}, name)
  const [a, c, d] = [conv('a'), conv('c'), conv('d')]
  const joined = normalize(g.layer('Concatenate', [a, c], {}, 'join'), 'joined_bn')
  const alone = normalize(d, 'alone_bn')
  const twice = normalize(g.layer('Concatenate', [alone, alone], {}, 'double'), 'twice_bn')
  const both = g.layer('Add', [joined, twice], {})
  const graph = layerGraph('several', input, both)
  const run = (ends: readonly string[]) => {
    const b = new Builder()
    const start = { [input.name]: b.input('x', [1, 4, 4, 3]) }
    const { outputs } = lower(b, graph, { weights: madeUpWeights(graph), start, ends })
    b.entry('run', { fetches: outputs, updates: [] })
    const program = b.program()
    return { ops: opsOf(program), ...evaluate(program, 'run', { x: madeUpInput(0, [1, 4, 4, 3]) }) }
  }
  const folded = run(['add'])
  assert.equal(folded.ops.get('multiply'), 1)
  const all = graph.layers.slice(1).map((layer) => layer.name)
  const seen = run(all)
  assert.equal(seen.ops.get('multiply'), 3)
  assertClose(folded.fetches['add'], seen.fetches['add']!, 1e-6, 'add')
  for (const name of all) assertClose(run([name]).fetches[name], seen.fetches[name]!, 1e-6, name)
})

test('from a frontier on, frozen and trainable layers mix and give the same numbers', () => {
  const graph = addHead(small, ['GlobalAveragePooling2D', { Dense: { units: 3 } }], 3)
  const weights = madeUpWeights(graph)
  const cut = ['block_12_add', 'block_13_project_BN']
  const index = new Map(graph.layers.map((layer, i) => [layer.name, i]))
  const trains = (layer: Layer) => index.get(layer.name)! > index.get('block_14_expand')!
  const whole = new Builder()
  const pictures = whole.input('x', [2, 32, 32, 3])
  const full = lower(whole, graph, {
    weights,
    start: { [graph.input.name]: pictures },
    ends: [...cut, graph.output.name],
  })
  whole.entry('run', { fetches: full.outputs, updates: [] })
  const x = madeUpInput(0, [2, 32, 32, 3])
  const expected = evaluate(whole.program(), 'run', { x }).fetches

  const part = new Builder()
  const start = { block_13_project_BN: part.input('block_13_project_BN', [2, 1, 1, 56]) }
  const lowered = lower(part, graph, { weights, start, trainable: trains })
  part.entry('run', { fetches: { output: lowered.output }, updates: lowered.updates })
  const program = part.program()
  const feed = Float32Array.from(expected['block_13_project_BN']!)
  const got = evaluate(program, 'run', { block_13_project_BN: feed }).fetches
  assertClose(got['output'], expected[graph.output.name]!, 1e-5, 'output')
  assert.equal(lowered.updates.length, 0)
  const names = program.variables.map((variable) => variable.name)
  assert.ok(names.includes('block_14_expand_BN/moving_mean'))
  assert.ok(!names.includes('block_14_expand/kernel'))
  assert.deepEqual(
    lowered.trainable.map(({ spec }) => spec.name),
    graph.layers
      .filter(trains)
      .flatMap((l) => l.weights.filter((w) => w.trainable).map((w) => w.name)),
  )
})

test('training mode: statistics of the batch, moved averages, masks, logits', () => {
  const g = new GraphBuilder()
  const input = g.input([6])
  const features = layerGraph('features', input, input)
  const graph = addHead(
    features,
    [
      'BatchNormalization',
      { Dropout: { rate: 0.25 } },
      { Dense: { units: 1, activation: 'sigmoid' } },
    ],
    2,
  )
  const b = new Builder()
  const asked: string[] = []
  const lowered = lower(b, graph, {
    weights: madeUpWeights(graph),
    start: { [input.name]: b.input('x', [4, 6]) },
    trainable: () => true,
    training: true,
    mask: (layer, shape) => {
      asked.push(`${layer.name} ${shape.join('x')}`)
      return b.input('mask', shape)
    },
  })
  assert.deepEqual(asked, ['dropout 4x6'])
  assert.equal(lowered.logits!.activation, 'sigmoid')
  assert.deepEqual(
    lowered.updates.map((update) => update.variable),
    ['batch_normalization/moving_mean', 'batch_normalization/moving_variance'],
  )
  const fetches = { output: lowered.output, logits: lowered.logits!.tensor }
  b.entry('train', { fetches, updates: lowered.updates })
  const x = madeUpInput(0, [4, 6])
  const zeros = evaluate(b.program(), 'train', { x, mask: new Float32Array(24) })
  const bias = madeUpWeights(graph).get('dense/bias')![0]!
  assertClose(zeros.fetches['logits'], [bias, bias, bias, bias], 1e-9, 'all dropped')
  const mean = (x[0]! + x[6]! + x[12]! + x[18]!) / 4
  const before = madeUpWeights(graph).get('batch_normalization/moving_mean')![0]!
  const moved = zeros.variables.get('batch_normalization/moving_mean')![0]!
  assert.ok(Math.abs(moved - (before * 0.99 + mean * 0.01)) < 1e-7)
})

test('entries of one Builder share constants and variables', () => {
  const graph = addHead(small, ['GlobalAveragePooling2D', { Dense: { units: 2 } }], 2)
  const weights = madeUpWeights(graph)
  const counts = [1, 2].map((entries) => {
    const b = new Builder()
    for (let n = 1; n <= entries; n += 1) {
      const start = { [graph.input.name]: b.input(`x${n}`, [n, 32, 32, 3]) }
      const trainable = (layer: Layer) => layer.kind === 'Dense'
      const { output } = lower(b, graph, { weights, start, trainable })
      b.entry(`infer@${n}`, { fetches: { output }, updates: [] })
    }
    return opsOf(b.program())
  })
  assert.equal(counts[1]!.get('constant'), counts[0]!.get('constant'))
  assert.equal(counts[1]!.get('variable'), 2)
})

test('a missing weight, a missing mask and an unknown end are bugs of the caller', () => {
  const refused = (options: Partial<LowerOptions>, message: RegExp) => {
    const b = new Builder()
    const start = { [small.input.name]: b.input('x', [1, 32, 32, 3]) }
    assert.throws(() => lower(b, small, { weights: new Map(), start, ...options }), message)
  }
  refused({}, /no value for weight/)
  refused({ ends: ['nowhere'] }, /no layer nowhere/)
  const dropping = addHead(small, [{ Dropout: { rate: 0.5 } }], 2)
  const b = new Builder()
  const start = { [small.output.name]: b.input('x', [1, 1, 1, 1280]) }
  const options = { weights: new Map(), start, trainable: () => true, training: true }
  assert.throws(() => lower(b, dropping, options), /no mask for dropout/)
})

function inference(graph: LayerGraph): Program {
  const b = new Builder()
  const [height, width] = graph.input.outputShape as [number, number, number]
  const x: Tensor = b.input('x', [1, height, width, 3])
  const { output } = lower(b, graph, {
    weights: madeUpWeights(graph),
    start: { [graph.input.name]: x },
  })
  b.entry('infer', { fetches: { output }, updates: [] })
  return b.program()
}

function opsOf(program: Program): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { op } of program.nodes) counts.set(op, (counts.get(op) ?? 0) + 1)
  return counts
}
