import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  fromKeras,
  KERAS_CLASSES,
  toKeras,
  type KerasLayer,
} from '../../../src/models/keras-config/keras-config.ts'
import type { Layer, LayerKind } from '../../../src/models/layer-graph.ts'
import { KERAS_ROWS } from '../../../src/models/keras-config/rows.ts'
import { definitionOf } from '../../../src/models/layers/table.ts'
import type { JsonObject } from '../../../src/util/json.ts'
import { ROOT } from '../../support/paths.ts'

/** What test/golden/keras-configs.py wrote. */
interface Golden {
  readonly version: string
  readonly layers: readonly {
    readonly kind: LayerKind
    readonly settings: JsonObject
    readonly keras: KerasLayer
  }[]
}

const golden = JSON.parse(
  readFileSync(join(ROOT, 'test/golden/keras-configs.json'), 'utf8'),
) as Readonly<Record<'keras' | 'tf_keras', Golden>>

const formats = [
  ['keras3', golden.keras],
  ['keras2', golden.tf_keras],
] as const

/** As JSON has it: without what is undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

for (const [format, { version, layers }] of formats) {
  for (const { kind, settings, keras } of layers) {
    test(`Keras ${version}: ${keras.class_name} ${JSON.stringify(settings)}`, () => {
      const read = fromKeras(keras, format)
      assert.ok(read)
      assert.deepEqual(read.problems, [])
      assert.deepEqual(read.untrained, [])
      assert.equal(read.kind, kind)
      assert.deepEqual(plain(read.config), plain({ ...definitionOf(kind).defaults, ...settings }))

      const layer = { name: 'layer', ...read } as unknown as Layer
      const written = toKeras(layer, format)
      // What is left out of a config stands at Keras' default; what is written must be as Keras writes it.
      if (written.class_name === keras.class_name) {
        for (const [key, value] of Object.entries(written.config)) {
          if (key.endsWith('_initializer') || key.endsWith('_regularizer')) continue
          const theirs = key === 'axis' ? value : (keras.config[key] ?? null)
          assert.deepEqual(plain(value), theirs, key)
        }
        assert.equal(written.module, format === 'keras3' ? keras.module : undefined)
      }
      const again = fromKeras(plain(written) as KerasLayer, format)
      assert.deepEqual(plain(again), plain(read))
    })
  }

  test(`every kind of layer has a case of ${format}`, () => {
    const covered = new Set(layers.map(({ kind }) => kind))
    assert.deepEqual([...covered].toSorted(), Object.keys(KERAS_ROWS).toSorted())
  })
}

const conv = { filters: 2, kernel_size: [3, 3], name: 'c' }
const refused: readonly [string, JsonObject, string][] = [
  ['DepthwiseConv2D', { kernel_size: 3, groups: 2 }, 'groups must be 1 here, got 2'],
  ['Conv2D', { ...conv, dilation_rate: [2, 2] }, 'dilation_rate must be 1 here, got [2,2]'],
  ['Conv2D', { ...conv, padding: 'causal' }, 'padding must be valid or same here, got "causal"'],
  [
    'Conv2D',
    { ...conv, data_format: 'channels_first' },
    'data_format must be channels_last here, got "channels_first"',
  ],
  [
    'Conv2D',
    { ...conv, activation: 'mine>swoosh' },
    'activation must be an activation that is known here, got "mine>swoosh"',
  ],
  [
    'Conv2D',
    { ...conv, kernel_size: [3, -1] },
    'kernel_size must be one or two whole numbers above 0 here, got [3,-1]',
  ],
  ['Conv2D', { ...conv, lora_rank: 4 }, 'lora_rank is not known here, got 4'],
  ['Normalization', { invert: true }, 'invert must be false here, got true'],
  ['Rescaling', { scale: 'half' }, 'scale must be a list of numbers here, got "half"'],
  ['Reshape', { target_shape: [2, 1.5] }, 'target_shape must be a list of sizes here, got [2,1.5]'],
  ['Dropout', { rate: 0.5, noise_shape: 3 }, 'noise_shape must be a list of sizes here, got 3'],
  ['Dense', { units: 'many' }, 'units must be a number here, got "many"'],
  ['BatchNormalization', { axis: 1 }, 'axis must be the last axis here, got 1'],
  ['BatchNormalization', { renorm: true }, 'renorm must be false here, got true'],
  ['InputLayer', { batch_shape: [null, 'x'] }, 'batch_shape must be a list of sizes here, got'],
]
for (const [class_name, config, problem] of refused) {
  test(`${class_name}: ${problem}`, () => {
    const read = fromKeras({ class_name, config }, 'keras3', 4)
    assert.ok(read?.problems[0]?.startsWith(problem), read?.problems.join())
  })
}

test('all that is wrong with a layer is told at once', () => {
  const config = { dilation_rate: 2, padding: 'causal', kernel_size: 3, filters: 1 }
  assert.equal(fromKeras({ class_name: 'Conv2D', config }, 'keras3')?.problems.length, 2)
})

test('what only training would feel is told apart', () => {
  const config = { ...conv, kernel_constraint: { class_name: 'MaxNorm', config: {} } }
  const read = fromKeras({ class_name: 'Conv2D', config }, 'keras3')
  assert.deepEqual(read?.problems, [])
  assert.deepEqual(read?.untrained, ['kernel_constraint'])
})

test('keys may be in camel case, as tfjs writes them', () => {
  const config = { filters: 2, kernelSize: 3, useBias: false, dataFormat: 'channelsLast' }
  const read = fromKeras({ class_name: 'Conv2D', config }, 'keras2')
  assert.deepEqual(read?.problems, [])
  assert.deepEqual((read!.config as { kernelSize: unknown }).kernelSize, [3, 3])
  assert.equal((read!.config as { useBias: unknown }).useBias, false)
})

test('an axis counts from the batch', () => {
  const at = (axis: unknown, axes: number) =>
    fromKeras({ class_name: 'BatchNormalization', config: { axis } as JsonObject }, 'keras2', axes)
      ?.problems
  assert.deepEqual(at([3], 4), [])
  assert.deepEqual(at(1, 2), [])
  assert.equal(at(1, 4)?.length, 1)
})

test('a class that is not known, or that somebody wrote, is no layer here', () => {
  const known = (layer: Partial<KerasLayer>) =>
    fromKeras({ class_name: 'Add', config: {}, ...layer }, 'keras3') !== undefined
  assert.ok(known({}))
  assert.ok(known({ module: 'keras.layers', registered_name: null }))
  assert.ok(!known({ class_name: 'MultiHeadAttention' }))
  assert.ok(!known({ class_name: 'toString' }))
  assert.ok(!known({ module: '__main__', registered_name: 'Add' }))
  assert.ok(!known({ module: 'keras.src.ops.numpy', registered_name: 'Add' }))
  assert.ok(!known({ registered_name: 'mine>Add' }))
})

test('open sizes of an input are written as null again', () => {
  const config = { name: 'in', batch_shape: [null, null, null, 3] }
  const read = fromKeras({ class_name: 'InputLayer', config }, 'keras3')
  assert.deepEqual(read?.config, { shape: [-1, -1, 3] })
  const layer = { name: 'in', kind: 'InputLayer', config: { shape: [-1, -1, 3] } } as const
  assert.deepEqual(toKeras(layer, 'keras2').config['batch_input_shape'], [null, null, null, 3])
})

test('an activation that Keras 2 means otherwise is not taken for that of Keras 3', () => {
  const read = (activation: string, format: 'keras2' | 'keras3') =>
    fromKeras({ class_name: 'Activation', config: { activation } }, format)
  assert.deepEqual(read('hard_sigmoid', 'keras3')?.problems, [])
  assert.equal(read('hard_sigmoid', 'keras2')?.problems.length, 1)
  assert.deepEqual(read('hard_swish', 'keras3')?.config, { activation: 'hard_silu' })
  assert.deepEqual(read('swish', 'keras2')?.config, { activation: 'silu' })
})

test('docs/models.md lists every class that is read, and no other', () => {
  const page = readFileSync(join(ROOT, 'docs/models.md'), 'utf8')
  const listed = [/^Layers: ([^;]*);/m, /at all, which a note tells: ([^.]*)\./].flatMap((list) =>
    list.exec(page)![1]!.split(/,\s+/),
  )
  assert.deepEqual(listed.toSorted(), [...KERAS_CLASSES].toSorted())
})
