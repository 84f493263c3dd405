import { failure } from '../../util/diagnostic.ts'
import type { Json, JsonObject } from '../../util/json.ts'
import type { Layer, LayerConfigs } from '../layer-graph.ts'
import { KERAS_ROWS, type KerasKind, type KerasRow } from './rows.ts'
import { Settings } from './settings.ts'
import { serialized, type KerasFormat } from './values.ts'

/** One layer as Keras' JSON has it, keys in snake case. */
export interface KerasLayer {
  readonly class_name: string
  readonly config: JsonObject
  /** Keras 3: where the class stands. */
  readonly module?: string | null
  readonly registered_name?: string | null
}

/** A kind with its settings. */
export type KindConfig = {
  readonly [Kind in KerasKind]: { readonly kind: Kind; readonly config: LayerConfigs[Kind] }
}[KerasKind]

export type FromKeras = KindConfig & {
  /** Settings that would change numbers and are not done here: `groups must be 1 here, got 2`. */
  readonly problems: readonly string[]
  /** Settings that only training would feel, and that are left out: `kernel_constraint`. */
  readonly untrained: readonly string[]
}

type Read = (settings: Settings) => KindConfig

/** Layers that give their input as it is unless the model is trained; here also then, which is noted. */
const IN_TRAINING_ONLY = [
  ...['RandomFlip', 'RandomRotation', 'RandomZoom', 'RandomTranslation', 'RandomShear'],
  ...['RandomContrast', 'RandomBrightness', 'RandomHue', 'RandomSaturation', 'RandomColorJitter'],
  ...['GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'ActivityRegularization'],
] as const

const LINEAR: KindConfig = { kind: 'Activation', config: { activation: 'linear' } }

/** Classes that are another kind here. */
const OTHER_CLASSES: Readonly<Record<string, Read>> = {
  Softmax: (s) => {
    s.lastAxis()
    return { kind: 'Activation', config: { activation: 'softmax' } }
  },
  /** With a slope below 0 and no bound it is a LeakyReLU. */
  ReLU: (s) => {
    const negativeSlope = s.number('negative_slope', 0)
    if (negativeSlope === 0 || s.raw('max_value') !== null) {
      return { kind: 'ReLU', config: rowOf('ReLU').read(s) }
    }
    s.only('threshold', 0)
    return { kind: 'LeakyReLU', config: { negativeSlope } }
  },
  BatchNormalizationV1: (s) => batchNormalization(s),
  BatchNormalizationV2: (s) => batchNormalization(s),
  SyncBatchNormalization: (s) => batchNormalization(s),
  Identity: () => LINEAR,
  SpatialDropout2D: (s) => {
    s.only('data_format', 'channels_last')
    return { kind: 'Dropout', config: { rate: s.number('rate'), noiseShape: [null, 1, 1, null] } }
  },
  ...Object.fromEntries(
    IN_TRAINING_ONLY.map((name) => [
      name,
      (s: Settings) => {
        s.ignoreAll(name)
        return LINEAR
      },
    ]),
  ),
}

function batchNormalization(s: Settings): KindConfig {
  return { kind: 'BatchNormalization', config: rowOf('BatchNormalization').read(s) }
}

/** All that `fromKeras` knows. */
export const KERAS_CLASSES: ReadonlySet<string> = new Set([
  ...Object.keys(KERAS_ROWS),
  ...Object.keys(OTHER_CLASSES),
])

/**
 * A layer of a model file as ours. `axes`: of its input, the batch's included, for settings that count axes.
 * Undefined for a class that there is no layer for.
 */
export function fromKeras(
  layer: KerasLayer,
  format: KerasFormat,
  axes?: number,
): FromKeras | undefined {
  const read = readerOf(layer)
  if (!read) return undefined
  const settings = new Settings(layer.config, format, axes)
  const { kind, config } = read(settings)
  settings.finish()
  const { problems, untrained } = settings
  return { kind, config, problems, untrained } as FromKeras
}

function readerOf(layer: KerasLayer): Read | undefined {
  if (!isKeras(layer)) return undefined
  // Keras 2 registers InceptionResNetV2's own layer
  const name = layer.class_name.replace(/^Custom>(?=CustomScaleLayer$)/, '')
  if (Object.hasOwn(OTHER_CLASSES, name)) return OTHER_CLASSES[name]
  if (!Object.hasOwn(KERAS_ROWS, name)) return undefined
  const kind = name as KerasKind
  const { read } = rowOf(kind)
  return (settings) => ({ kind, config: read(settings) }) as KindConfig
}

/** A class of the same name in somebody's own module is another class. */
function isKeras({ module, class_name, registered_name }: KerasLayer): boolean {
  if (module) return /^(tf_)?keras(\.|$)/.test(module) && !module.startsWith('keras.src.ops')
  return !registered_name?.includes('>') || registered_name.endsWith(`keras>${class_name}`)
}

/** A layer as Keras writes it into a model's config, without `inbound_nodes`. Throws CONFLICT for a SavedModel. */
export function toKeras(
  layer: Pick<Layer, 'name' | 'kind' | 'config'>,
  format: KerasFormat,
): KerasLayer {
  if (layer.kind === 'SavedModel') {
    throw failure(
      'CONFLICT',
      `${layer.name} is a SavedModel, which is no layer of Keras to write`,
      {
        hint: "export a run whose base model is one of Keras' own",
      },
    )
  }
  const { write, module = 'keras.layers' } = rowOf(layer.kind)
  const common =
    layer.kind === 'InputLayer' ? { dtype: 'float32' } : { trainable: true, dtype: dtypeOf(format) }
  const config = {
    name: layer.name,
    ...common,
    ...write(layer.config as LayerConfigs[KerasKind], format),
  }
  const own = module === 'keras.layers' ? null : layer.kind
  return format === 'keras2'
    ? { class_name: layer.kind, config }
    : { module, class_name: layer.kind, config, registered_name: own }
}

function dtypeOf(format: KerasFormat): Json {
  const policy = { name: 'float32' }
  return format === 'keras2' ? policy.name : serialized('keras', 'DTypePolicy', policy, format)
}

function rowOf<Kind extends KerasKind>(kind: Kind): KerasRow<Kind> {
  return KERAS_ROWS[kind] as unknown as KerasRow<Kind>
}
