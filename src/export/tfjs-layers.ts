import type { Activation, Layer, LayerKind } from '../models/layer-graph.ts'
import type { Shape } from '../program/program.ts'
import type { Json, JsonObject } from '../util/json.ts'

/** A layer as tfjs' `model.json` names it, with its weights. */
export interface TfjsLayer {
  readonly name: string
  readonly className: string
  /** Keras 2's, in snake case, without the name. */
  readonly config: JsonObject
  readonly inputs: readonly string[]
  readonly weights: readonly TfjsWeight[]
}

export interface TfjsWeight {
  /** tfjs' short one, such as `depthwise_kernel`. */
  readonly name: string
  readonly shape: Shape
  readonly data: Float32Array
}

/** What a kind's writer is given: a layer, and a place for what it becomes. */
export interface Writing<Kind extends LayerKind = LayerKind> {
  readonly layer: Layer<Kind>
  /** Its settings as Keras 2 writes them, without initializers. */
  readonly config: JsonObject
  readonly weights: readonly TfjsWeight[]
  /** The layers of the network written so far that stand for its inputs. */
  readonly inputs: readonly string[]
  /** Adds a layer, on the layer's own inputs and without weights if nothing else is said; returns its name. */
  put(
    layer: Pick<TfjsLayer, 'className' | 'name'> & Partial<Omit<TfjsLayer, 'className' | 'name'>>,
  ): string
  /** Says why tfjs cannot have this layer; nothing is then written. */
  refuse(why: string): string
}

/** Adds what a layer becomes in tfjs-layers 4.22 and returns the name of what gives its output. */
type Writer<Kind extends LayerKind> = (writing: Writing<Kind>) => string

/** How each kind of layer is written; a kind that is not here cannot be. */
export const WRITERS: { readonly [Kind in LayerKind]?: Writer<Kind> } = {
  InputLayer: same,
  Conv2D: convolution,
  DepthwiseConv2D: (writing) => activated(renamed(writing, { kernel: 'depthwise_kernel' })),
  SeparableConv2D: activated,
  BatchNormalization: same,
  LayerNormalization: same,
  Normalization: normalization,
  Rescaling: same,
  LayerScale: layerScale,
  // It does nothing outside training.
  StochasticDepth: ({ inputs }) => inputs[0]!,
  ReLU: same,
  LeakyReLU: same,
  PReLU: same,
  ELU: elu,
  Activation: (writing) => {
    const { layer, inputs } = writing
    return activation(writing, layer.config.activation, layer.name, inputs[0]!)
  },
  ZeroPadding2D: same,
  Cropping2D: same,
  MaxPooling2D: same,
  AveragePooling2D: same,
  GlobalAveragePooling2D: globalPool,
  GlobalMaxPooling2D: globalPool,
  Add: same,
  Multiply: same,
  Subtract: subtract,
  Average: same,
  Maximum: same,
  Minimum: same,
  Concatenate: same,
  CustomScaleLayer: customScale,
  Flatten: same,
  Reshape: same,
  Dropout: same,
  Dense: activated,
}

/** tfjs' names of activations. */
const ACTIVATIONS: { readonly [Name in Activation]?: string } = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  elu: 'elu',
  selu: 'selu',
  silu: 'swish',
  gelu: 'gelu',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  tanh: 'tanh',
  softplus: 'softplus',
  softsign: 'softsign',
}

/** A layer that tfjs has too. */
function same({ layer, config, weights, put }: Writing): string {
  return put({ className: layer.kind, name: layer.name, config, weights })
}

function renamed<W extends Writing>(writing: W, names: Readonly<Record<string, string>>): W {
  const weights = writing.weights.map((w) => ({ ...w, name: names[w.name] ?? w.name }))
  return { ...writing, weights }
}

/** A layer that ends in an activation, which is a layer of its own where tfjs has none of that name. */
function activated(
  writing: Writing<'Conv2D' | 'DepthwiseConv2D' | 'SeparableConv2D' | 'Dense'>,
  className: string = writing.layer.kind,
): string {
  const { layer, weights, put } = writing
  const { name, config: settings } = layer
  const native = ACTIVATIONS[settings.activation]
  const config = { ...writing.config, activation: native ?? 'linear' }
  const output = put({ className, name, config, weights })
  if (native !== undefined) return output
  return activation(writing, settings.activation, `${name}_activation`, output)
}

/** The activation of a layer, the last of its layers called `name`. */
function activation(writing: Writing, what: Activation, name: string, input: string): string {
  const { put, refuse } = writing
  const inputs = [input]
  const native = ACTIVATIONS[what]
  if (native) return put({ className: 'Activation', name, config: { activation: native }, inputs })
  switch (what) {
    case 'leaky_relu':
      return put({ className: 'LeakyReLU', name, config: { alpha: 0.2 }, inputs })
    case 'hard_sigmoid':
      return hardSigmoid(writing, name, input)
    case 'hard_silu': {
      const gate = hardSigmoid(writing, `${name}_gate`, input)
      return put({ className: 'Multiply', name, inputs: [input, gate] })
    }
    default:
      return refuse(`tfjs has no activation ${what}`)
  }
}

/** As Keras 3 has it, relu6(x + 3) / 6; tfjs' own is Keras 2's. */
function hardSigmoid({ put }: Writing, name: string, input: string): string {
  const shifted = put({
    className: 'Rescaling',
    name: `${name}_shift`,
    config: { scale: 1, offset: 3 },
    inputs: [input],
  })
  const clipped = put({
    className: 'ReLU',
    name: `${name}_clip`,
    config: { max_value: 6 },
    inputs: [shifted],
  })
  return put({
    className: 'Rescaling',
    name,
    config: { scale: 1 / 6, offset: 0 },
    inputs: [clipped],
  })
}

/** One group of channels for each filter is a depthwise convolution, with the kernel's values as they lie. */
function convolution(writing: Writing<'Conv2D'>): string {
  const { layer, config, refuse } = writing
  const { groups, filters } = layer.config
  const plain = { ...writing, config: { ...config, groups: undefined } }
  if (groups === 1) return activated(plain)
  const [kernel, ...others] = writing.weights
  const [rows, columns, width] = kernel!.shape as [number, number, number, number]
  if (width !== 1) return refuse(`it convolves its channels in ${groups} groups`)
  const each = filters / groups
  const depthwise = { ...kernel!, name: 'depthwise_kernel', shape: [rows, columns, groups, each] }
  return activated(
    {
      ...plain,
      config: { ...plain.config, filters: undefined, depth_multiplier: each },
      weights: [depthwise, ...others],
    },
    'DepthwiseConv2D',
  )
}

/** A Rescaling with the numbers that Keras would compute of mean and variance (keras/src/layers/preprocessing/normalization.py). */
function normalization({ layer, weights, put }: Writing<'Normalization'>): string {
  const stored = (name: string) => [...(weights.find((w) => w.name === name)?.data ?? [])]
  const mean = layer.config.mean ?? stored('mean')
  const variance = layer.config.variance ?? stored('variance')
  const scale = variance.map((v) => 1 / Math.max(Math.sqrt(v), 1e-7))
  const channels = Math.max(mean.length, scale.length)
  const at = (list: readonly number[], c: number) => list[c] ?? list[0]!
  const config = {
    scale: Array.from({ length: channels }, (_, c) => at(scale, c)) as Json,
    offset: Array.from({ length: channels }, (_, c) => -at(mean, c) * at(scale, c)) as Json,
  }
  return put({ className: 'Rescaling', name: layer.name, config })
}

/** A factor by channel is a 1x1 depthwise convolution. */
function layerScale({ layer, weights, put }: Writing<'LayerScale'>): string {
  const [{ data }] = weights as [TfjsWeight]
  const config = { kernel_size: [1, 1], padding: 'valid', use_bias: false, depth_multiplier: 1 }
  const kernel = { name: 'depthwise_kernel', shape: [1, 1, data.length, 1], data }
  return put({ className: 'DepthwiseConv2D', name: layer.name, config, weights: [kernel] })
}

/** tfjs has only alpha 1: `alpha * elu(x) + (1 - alpha) * relu(x)` is any other. */
function elu(writing: Writing<'ELU'>): string {
  const { layer, put } = writing
  const { name, config } = layer
  const { alpha } = config
  if (alpha === 1) return same(writing)
  const part = (of: string, scale: number) => {
    const inputs = [
      put({ className: 'Activation', name: `${name}_${of}`, config: { activation: of } }),
    ]
    const factor = { scale, offset: 0 }
    return put({ className: 'Rescaling', name: `${name}_${of}_part`, config: factor, inputs })
  }
  return put({ className: 'Add', name, inputs: [part('elu', alpha), part('relu', 1 - alpha)] })
}

/** InceptionResNetV2's: the first input and the second times a factor. */
function customScale(writing: Writing<'CustomScaleLayer'>): string {
  const { layer, inputs, put } = writing
  const [a, b] = inputs as readonly [string, string]
  const config = { scale: layer.config.scale, offset: 0 }
  const scaled = put({ className: 'Rescaling', name: `${layer.name}_part`, config, inputs: [b] })
  return put({ className: 'Add', name: layer.name, inputs: [a, scaled] })
}

function subtract({ layer: { name }, inputs: [a, b], put }: Writing<'Subtract'>): string {
  const config = { scale: -1, offset: 0 }
  const negative = put({
    className: 'Rescaling',
    name: `${name}_negative`,
    config,
    inputs: [b!],
  })
  return put({ className: 'Add', name, inputs: [a!, negative] })
}

/** tfjs' global pools keep no axes. */
function globalPool(writing: Writing<'GlobalAveragePooling2D' | 'GlobalMaxPooling2D'>): string {
  const { layer, put } = writing
  const flat = same({ ...writing, config: { ...writing.config, keepdims: undefined } })
  if (!layer.config.keepDims) return flat
  const config = { target_shape: [...layer.outputShape] }
  return put({ className: 'Reshape', name: `${layer.name}_keepdims`, config, inputs: [flat] })
}
