import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import type { Activation, LayerGraph } from '../../src/models/layer-graph.ts'
import type { Json } from '../../src/util/json.ts'
import { ROOT } from '../support/paths.ts'

/** What test/golden/export.py had Keras save of the same network. */
export interface ExportGolden {
  /** Of the pictures, a side. */
  readonly size: number
  /** config.json. */
  readonly config: Json
  /** Path and shape of each in model.weights.h5, by path. */
  readonly datasets: readonly (readonly [string, readonly number[]])[]
  /** For two made-up pictures, with made-up weights. */
  readonly outputs: readonly number[]
}

export function exportGolden(): ExportGolden {
  const path = join(ROOT, 'test/golden/export.json.gz')
  return JSON.parse(gunzipSync(readFileSync(path)).toString()) as ExportGolden
}

// prettier-ignore
const ACTIVATIONS: readonly Activation[] = [
  'linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'silu', 'gelu', 'hard_sigmoid', 'hard_silu', 'sigmoid', 'tanh',
  'softplus', 'softsign',
]

/** The network of test/golden/export.py: every layer that is exported, and every activation. */
export function zoo(size: number): LayerGraph {
  const g = new GraphBuilder()
  const input = g.input([size, size, 3])
  let x = g.layer('Rescaling', input, {
    scale: [1 / 255, 1 / 200, 1 / 100],
    offset: [0, -0.1, 0.2],
  })
  x = g.layer('Normalization', x, {})
  x = g.layer('Normalization', x, { mean: [0.1, 0.2, 0.3], variance: [1, 2, 3] })
  const stem = { filters: 16, kernelSize: [3, 3], strides: [2, 2], padding: 'same' } as const
  x = g.layer('Conv2D', x, { ...stem, activation: 'hard_silu' }, 'stem')
  x = g.layer('BatchNormalization', x, { scale: false })
  x = g.layer('LayerNormalization', x, { epsilon: 1e-6 })
  for (const activation of ACTIVATIONS) x = g.layer('Activation', x, { activation })
  x = g.layer('LeakyReLU', x, { negativeSlope: 0.1 })
  x = g.layer('PReLU', x, { sharedAxes: [1, 2] })
  x = g.layer('PReLU', x, {})
  const elu = g.layer('ELU', x, { alpha: 0.5 })
  x = g.layer('Subtract', [g.layer('ELU', x, {}), elu], {})
  x = g.layer('Average', [x, elu], {})
  x = g.layer('Minimum', [g.layer('Maximum', [x, elu], {}), x], {})
  const border = [[1, 2], [3, 0]] as const // prettier-ignore
  let y = g.layer('ZeroPadding2D', x, { padding: border })
  y = g.layer('Cropping2D', y, { cropping: border })
  y = g.layer('Conv2D', y, { filters: 16, kernelSize: [7, 7], groups: 16, padding: 'same' })
  y = g.layer('LayerScale', y, { initValues: 1e-6, projectionDim: 16 })
  y = g.layer('StochasticDepth', y, { dropPathRate: 0.1 })
  x = g.layer('Add', [x, y], {})
  x = g.layer('CustomScaleLayer', [x, y], { scale: 0.2 })
  let s = g.layer('GlobalAveragePooling2D', x, { keepDims: true })
  s = g.layer('Conv2D', s, { filters: 16, kernelSize: [1, 1], activation: 'hard_sigmoid' })
  x = g.layer('Multiply', [x, s], {})
  const grouped = { filters: 32, kernelSize: [3, 3], groups: 16, useBias: false } as const
  x = g.layer('Conv2D', x, { ...grouped, activation: 'leaky_relu' })
  const same = { kernelSize: [3, 3], padding: 'same', depthMultiplier: 2 } as const
  x = g.layer('DepthwiseConv2D', x, { ...same, strides: [2, 2], activation: 'gelu' })
  x = g.layer('SeparableConv2D', x, { ...same, filters: 8, activation: 'elu' })
  x = g.layer('Concatenate', [x, x], {})
  x = g.layer('ReLU', x, { maxValue: 3 })
  const pool = { poolSize: [3, 3], strides: [2, 2], padding: 'same' } as const
  x = g.layer('MaxPooling2D', x, pool)
  x = g.layer('AveragePooling2D', x, pool)
  x = g.layer('Dropout', x, { rate: 0.2, noiseShape: [null, 1, 1, 1] })
  x = g.layer('Flatten', x, {})
  x = g.layer('Reshape', x, { targetShape: [-1, 2, 4] })
  x = g.layer('GlobalMaxPooling2D', x, { keepDims: true })
  x = g.layer('Flatten', x, {})
  const kernelRegularizer = { l1: 0.1, l2: 0.2 }
  x = g.layer('Dense', x, { units: 3, activation: 'softmax', kernelRegularizer })
  return layerGraph('zoo', input, x)
}
