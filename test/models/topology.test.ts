import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { addHead, headLayers } from '../../src/models/head.ts'
import type { Layer } from '../../src/models/layer-graph.ts'
import { kerasCount } from '../../src/models/listing.ts'
import { imagenetWeights } from '../../src/models/published.ts'
import { sizeOf } from '../../src/program/program.ts'
import { topologyGoldens } from './goldens.ts'

const golden = topologyGoldens()

test('every base model is there', () => {
  const names = new Set(golden.models.map(({ options }) => options.name))
  assert.deepEqual(
    [...names],
    BASE_MODELS.map(({ name }) => name),
  )
})

for (const variant of golden.models) {
  const { options, model, sha256, layers, parameters, trainableWeights, lines } = variant
  const { weights: file } = variant
  test(`${JSON.stringify(options)}: layers, order, shapes and weights are Keras'`, () => {
    const graph = buildBaseModel(options)
    // an operation on tensors is none of Keras' layers
    const own = graph.layers.filter(({ listed }) => listed !== 'nowhere').map(line)
    assert.deepEqual(own, lines)
    assert.equal(createHash('sha256').update(own.join('\n')).digest('hex'), sha256)
    const weights = graph.layers.flatMap((layer) => layer.weights)
    assert.equal(graph.name, model)
    assert.equal(kerasCount(graph), layers)
    assert.equal(
      weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      parameters,
    )
    assert.equal(weights.filter((weight) => weight.trainable).length, trainableWeights)
  })

  if (!file) continue
  test(`${JSON.stringify(options)}: Keras' file of ImageNet's weights`, () => {
    const source = imagenetWeights(options)
    assert.equal(source.format, 'keras-h5')
    const { url, md5, sha256: long } = source
    assert.deepEqual({ url, digest: md5 ?? long ?? null }, file)
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
