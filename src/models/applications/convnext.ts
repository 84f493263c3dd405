import type { GraphBuilder } from '../graph-builder.ts'
import type { Layer } from '../layer-graph.ts'
import { withPooling, type Architecture, type ArchitectureOptions } from './application.ts'
import { IMAGENET, kerasPair, type BaseModel, type Digests } from './record.ts'

const EPSILON = 1e-6
const LAYER_SCALE = 1e-6

interface Form {
  readonly id: string
  /** Blocks of the third of four stages; the others have three. */
  readonly depth: number
  /** Channels of the first stage; each next one has twice as many. */
  readonly width: number
  readonly digests: Digests
}

const FORMS: readonly Form[] = [
  {
    id: 'tiny',
    depth: 9,
    width: 96,
    digests: [
      '8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff',
      'd547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1',
    ],
  },
  {
    id: 'small',
    depth: 27,
    width: 96,
    digests: [
      'ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c',
      '6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab',
    ],
  },
  {
    id: 'base',
    depth: 27,
    width: 128,
    digests: [
      '52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6',
      '40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45',
    ],
  },
  {
    id: 'large',
    depth: 27,
    width: 192,
    digests: [
      '070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6',
      '96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd',
    ],
  },
  {
    id: 'xlarge',
    depth: 27,
    width: 256,
    digests: [
      'c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee',
      'de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05',
    ],
  },
]

/** Liu et al. 2022, arXiv 2201.03545; layers and names of keras/src/applications/convnext.py. */
function convNeXt({ id, depth, width }: Form): Architecture {
  const name = `convnext_${id}`
  return (g, input, options) => {
    let x = g.layer('Normalization', input, COLOURS, `${name}_prestem_normalization`)
    let blocks = 0
    for (const [stage, repeats] of [3, 3, depth, 3].entries()) {
      const channels = width * 2 ** stage
      x = stage === 0 ? stem(g, x, channels, name) : halved(g, x, channels, stage, name)
      for (let i = 0; i < repeats; i += 1) {
        const suffix = blocks === 0 ? '' : `_${blocks}`
        x = block(g, x, `${name}_stage_${stage}_block_${i}`, `add${suffix}`)
        blocks += 1
      }
    }
    return { name, output: top(g, x, name, options) }
  }
}

/** Of 0..255. */
const COLOURS = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  variance: [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2],
}

function stem(g: GraphBuilder, x: Layer, filters: number, name: string): Layer {
  const patches = { filters, kernelSize: [4, 4], strides: [4, 4] } as const
  return g.within(`${name}_stem`, () =>
    normalized(g, g.layer('Conv2D', x, patches, `${name}_stem_conv`), `${name}_stem_layernorm`),
  )
}

/** Half as many rows and columns. Keras counts these parts from 0, before the second stage. */
function halved(g: GraphBuilder, x: Layer, filters: number, stage: number, name: string): Layer {
  const patches = { filters, kernelSize: [2, 2], strides: [2, 2] } as const
  const part = (what: string) => `${name}_downsampling_${what}_${stage - 1}`
  return g.within(part('block'), () =>
    g.layer('Conv2D', normalized(g, x, part('layernorm')), patches, part('conv')),
  )
}

function block(g: GraphBuilder, input: Layer, name: string, sum: string): Layer {
  const channels = input.outputShape[2]!
  const window = { filters: channels, kernelSize: [7, 7], padding: 'same' } as const
  const depthwise = { ...window, groups: channels }
  let x = g.layer('Conv2D', input, depthwise, `${name}_depthwise_conv`)
  x = normalized(g, x, `${name}_layernorm`)
  x = g.layer('Dense', x, { units: 4 * channels }, `${name}_pointwise_conv_1`)
  x = g.layer('Activation', x, { activation: 'gelu' }, `${name}_gelu`)
  x = g.layer('Dense', x, { units: channels }, `${name}_pointwise_conv_2`)
  const scale = { initValues: LAYER_SCALE, projectionDim: channels }
  x = g.layer('LayerScale', x, scale, `${name}_layer_scale`)
  // Keras' rate of StochasticDepth is 0 in all of them: it then puts this in its place.
  x = g.layer('Activation', x, { activation: 'linear' }, `${name}_identity`)
  return g.operation('Add', [input, x], {}, sum)
}

function top(g: GraphBuilder, x: Layer, name: string, options: ArchitectureOptions): Layer {
  if (!options.includeTop) return normalized(g, withPooling(g, x, options))
  const means = g.layer('GlobalAveragePooling2D', x, {}, `${name}_head_gap`)
  const features = normalized(g, means, `${name}_head_layernorm`)
  const settings = { units: options.classes, activation: 'softmax' } as const
  return g.layer('Dense', features, settings, `${name}_head_dense`)
}

function normalized(g: GraphBuilder, x: Layer, name?: string): Layer {
  return g.layer('LayerNormalization', x, { epsilon: EPSILON }, name)
}

export const CONVNEXT: readonly BaseModel[] = FORMS.map((form) => ({
  name: `ConvNeXt${form.id === 'xlarge' ? 'XLarge' : form.id[0]!.toUpperCase() + form.id.slice(1)}`,
  family: 'ConvNeXt',
  architecture: convNeXt(form),
  inputSize: 224,
  minSize: 32,
  preprocessing: { mode: 'none' },
  rescalesInside: true,
  weights: kerasPair(`convnext/convnext_${form.id}`, form.digests),
  licence: 'MIT',
  ...IMAGENET,
}))
