import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { freezeReport } from '../../src/models/freeze-report.ts'
import { describeFreeze, resolveFreeze, type FreezePolicy } from '../../src/models/freeze.ts'
import { cheapestCut, frontierOf } from '../../src/models/frontier.ts'
import { addHead } from '../../src/models/head.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { topologyGoldens } from './goldens.ts'

const mobile = buildBaseModel({ name: 'MobileNetV2' })
const nasnet = buildBaseModel({ name: 'NASNetMobile' })

for (const { options, frozenFirst } of topologyGoldens().models) {
  for (const golden of frozenFirst ?? []) {
    test(`${options.name}, first ${golden.first}: as many weights are trained as in Keras`, () => {
      const report = freezeReport(buildBaseModel(options), { first: golden.first })
      assert.equal(report.tensors.trainable, golden.trainableWeights)
      assert.equal(report.parameters.trainable, golden.trainableParameters)
      assert.equal(report.parameters.total, golden.parameters)
    })
  }
}

test('the known cuts: NASNetMobile at 600, MobileNetV2 at 100', () => {
  const report = freezeReport(nasnet, { first: 600 })
  assert.equal(report.tensors.trainable, 176)
  assert.equal(report.parameters.trainable, 2_381_456)
  assert.equal(report.layers[599]!.name, 'separable_conv_1_normal_left1_9')
  assert.equal(report.frontier.length, 8)
  assert.equal(report.frontierBytes, 4 * 49 * (7 * 176 + 704))
  const other = freezeReport(mobile, { first: 100 })
  assert.equal(other.tensors.trainable, 54)
  assert.equal(other.layers[100]!.name, 'block_11_expand_relu')
  assert.deepEqual(
    other.frontier.map(({ layer }) => layer),
    ['block_10_project_BN', 'block_11_expand_BN'],
  )
  const modes = other.layers.flatMap((layer) => layer.batchNorm ?? [])
  assert.equal(modes.filter((mode) => mode === 'inference').length, 34)
  assert.equal(modes.filter((mode) => mode === 'training').length, 18)
})

test('the cheapest cut keeps no copy twice, and pooled features where the head pools', () => {
  const names = (layers: readonly { name: string }[]) => layers.map(({ name }) => name)
  assert.deepEqual(names(cheapestCut(nasnet, resolveFreeze({ first: 600 }, nasnet))), [
    'reduction_concat_reduce_8',
    'adjust_bn_9',
    'normal_bn_1_9',
    'separable_conv_1_normal_left1_9',
  ])
  const all = resolveFreeze('all', mobile)
  const pooled = addHead(mobile, ['GlobalAveragePooling2D', { Dense: { units: 'classes' } }], 2)
  assert.deepEqual(names(cheapestCut(pooled, all)), ['global_average_pooling2d'])
  assert.deepEqual(names(frontierOf(pooled, all)), ['out_relu'])
  const flat = addHead(mobile, ['Flatten', { Dense: { units: 1 } }], 2)
  assert.deepEqual(names(cheapestCut(flat, all)), ['out_relu'])
  const dropped = addHead(mobile, [{ Dropout: { rate: 0.5 } }, 'GlobalAveragePooling2D'], 2)
  assert.deepEqual(names(frontierOf(dropped, all)), ['out_relu'])
  assert.deepEqual(names(cheapestCut(mobile, resolveFreeze('none', mobile))), ['input_layer'])
  assert.deepEqual(names(frontierOf(mobile, resolveFreeze('none', mobile))), ['input_layer'])
  assert.deepEqual(names(frontierOf(mobile, all)), ['out_relu'])
})

test('a frozen layer behind a trained one is in no frontier', () => {
  const frozen = resolveFreeze({ except: ['block_3_*'] }, mobile)
  assert.deepEqual(
    frontierOf(mobile, frozen).map(({ name }) => name),
    ['block_2_add'],
  )
  // Conv1_relu stands between frozen layers and has nothing to train: flagged or not, it is run once
  const named = resolveFreeze({ layers: ['Conv1', 'bn_Conv1', 'expanded_conv_*'] }, mobile)
  assert.deepEqual(
    frontierOf(mobile, named).map(({ name }) => name),
    ['expanded_conv_project_BN'],
  )
})

test('policies are resolved over the trunk in Keras order', () => {
  assert.equal(resolveFreeze('all', mobile).size, 154)
  assert.equal(resolveFreeze('none', mobile).size, 0)
  assert.equal(resolveFreeze({ upTo: 'block_11_expand_BN' }, mobile).size, 100)
  assert.equal(resolveFreeze({ first: 154 }, mobile).size, 154)
  const some = resolveFreeze({ layers: ['Conv1', 'block_?_add'] }, mobile)
  assert.deepEqual(
    [...some],
    [
      'Conv1',
      'block_2_add',
      'block_4_add',
      'block_5_add',
      'block_7_add',
      'block_8_add',
      'block_9_add',
    ],
  )
  const rest = resolveFreeze({ except: ['Conv1', 'block_?_add'] }, mobile)
  assert.equal(rest.size, 154 - some.size)
  assert.equal(describeFreeze({ layers: ['a*', 'b'] }), '{layers: [a*, b]}')
  assert.equal(describeFreeze({ first: 3 }), '{first: 3}')
  assert.equal(describeFreeze('all'), 'all')
})

const errors: readonly [FreezePolicy, string, string | undefined][] = [
  [{ first: 0 }, 'freeze.first is 0', 'write freeze: none to freeze nothing'],
  [{ first: 1.5 }, 'freeze.first is no number of layers, got 1.5', undefined],
  [
    { first: 155 },
    'freeze.first is 155, but mobilenetv2_1.00_224 has 154 layers',
    'write freeze: all to freeze the whole trunk; the head is always trained',
  ],
  [
    { upTo: 'block_11_expand_relo' },
    'freeze: mobilenetv2_1.00_224 has no layer "block_11_expand_relo"',
    'did you mean "block_11_expand_relu"?',
  ],
  [
    { layers: ['conv9*'] },
    'freeze: "conv9*" matches no layer of mobilenetv2_1.00_224',
    'its layers are called like Conv1, block_8_project, Conv_1_bn',
  ],
  [
    { except: ['dense'] },
    'freeze: "dense" is a layer of the head, which is always trained',
    'name layers of the trunk only',
  ],
  [
    { layers: ['den*'] },
    'freeze: "den*" matches "dense", a layer of the head, which is always trained',
    'name layers of the trunk only',
  ],
]

for (const [policy, message, hint] of errors) {
  test(`${describeFreeze(policy)} is refused`, () => {
    assert.throws(
      () => resolveFreeze(policy, mobile, ['dense']),
      (error) => {
        assert.ok(error instanceof PipelineError)
        const [diagnostic] = error.diagnostics
        assert.equal(diagnostic!.code, 'WRONG_VALUE')
        assert.equal(diagnostic!.message, message)
        assert.equal(diagnostic!.hint, hint)
        return true
      },
    )
  })
}
