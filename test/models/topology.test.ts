import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { addHead, headLayers } from '../../src/models/head.ts'
import type { Layer } from '../../src/models/layer-graph.ts'
import { sizeOf } from '../../src/program/program.ts'
import { topologyGolden } from './goldens.ts'

const golden = topologyGolden()

for (const { options, model, sha256, parameters, trainableWeights, lines } of golden.models) {
  test(`${JSON.stringify(options)}: layers, order, shapes and weights are Keras'`, () => {
    const graph = buildBaseModel(options)
    const own = graph.layers.map(line)
    assert.deepEqual(own, lines)
    assert.equal(createHash('sha256').update(own.join('\n')).digest('hex'), sha256)
    const weights = graph.layers.flatMap((layer) => layer.weights)
    assert.equal(graph.name, model)
    assert.equal(
      weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      parameters,
    )
    assert.equal(weights.filter((weight) => weight.trainable).length, trainableWeights)
  })
}

test('a head is named and shaped as Keras does behind a built trunk', () => {
  const mobile = buildBaseModel({
    name: 'MobileNetV2',
    inputShape: [96, 96, 3],
    pooling: 'avg',
    alpha: 0.35,
  })
  const first = addHead(
    mobile,
    [
      { Dense: { units: 8, activation: 'relu' } },
      { Dropout: { rate: 0.5 } },
      'BatchNormalization',
      { Activation: { activation: 'relu' } },
      { Dense: { units: 'classes', activation: 'softmax' } },
    ],
    3,
  )
  const nasnet = buildBaseModel({ name: 'NASNetMobile', inputShape: [96, 96, 3] })
  const second = addHead(
    nasnet,
    [
      'GlobalAveragePooling2D',
      { Activation: { activation: 'relu' } },
      'Flatten',
      { Dense: { units: 1 } },
    ],
    2,
  )
  const own = [...headLayers(first, mobile), ...headLayers(second, nasnet)].map(line)
  assert.deepEqual(own, golden.head)
})

/** As test/golden/models.py writes it. */
function line({ name, kind, outputShape, weights }: Layer): string {
  const short = weights.map(
    (w) => `${w.name.split('/').at(-1)!}${w.trainable ? '' : '!'}[${w.shape.join(',')}]`,
  )
  return [name, kind, `[${outputShape.join(',')}]`, ...short].join(' ')
}
