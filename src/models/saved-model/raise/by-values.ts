import { Builder } from '../../../program/builder.ts'
import { evaluate } from '../../../program/evaluate.ts'
import type { OpName } from '../../../program/ops.ts'
import { sizeOf, type Tensor } from '../../../program/program.ts'
import type { Doubles } from '../../../program/reference.ts'
import { ACTIVATIONS } from '../../layers/activations.ts'
import type { Activation } from '../../layer-graph.ts'
import { layerNameOf, sameShape, type Known } from './known.ts'
import { layer, type RaisedLayer, type Rule } from './raised.ts'
import { regionsOf, valuesOf, type Region } from './region.ts'

/**
 * Several ops of one tensor that are together an activation or a layer normalization. They are told by what they give for
 * some numbers: there are many ways to write gelu, and hard-swish has no op at all.
 */
export const byValues: Rule = (t, { known }) => {
  for (const region of regionsOf(t, known).toReversed()) {
    const { source, nodes, isRowwise } = region
    if (nodes.every(({ op }) => AFFINE.has(op)) || !sameShape(t.shape, source.shape)) continue
    const layers = isRowwise ? layerNormalization(region, known) : activation(region)
    if (layers) return { sources: [source], layers }
  }
  return undefined
}

/** Alone they are no activation. */
const AFFINE: ReadonlySet<OpName> = new Set(['add', 'subtract', 'multiply', 'divide', 'negative'])

/** -8 to 8 in steps of an eighth, with what lies far out before and behind. */
const SAMPLES = Float64Array.from([
  ...[-40, -30, -20],
  ...Array.from({ length: 129 }, (_, i) => i / 8 - 8),
  ...[20, 30, 40],
])

function activation(region: Region): readonly RaisedLayer[] | undefined {
  if ([...region.operands.values()].some(({ length }) => length > 1)) return undefined
  const got = valuesOf(region, SAMPLES, 1)
  for (const name of Object.keys(ACTIVATIONS) as Activation[]) {
    if (name !== 'softmax' && isNear(got, activated(name))) return activationLayers(name)
  }
  const gives = (want: (x: number) => number) => isNear(got, SAMPLES.map(want))
  const slope = -got[SAMPLES.indexOf(-1)]!
  if (gives((x) => (x > 0 ? x : slope * x))) {
    return [layer('LeakyReLU', { negativeSlope: slope })]
  }
  const alpha = -got[0]!
  if (gives((x) => (x > 0 ? x : alpha * Math.expm1(x)))) return [layer('ELU', { alpha })]
  const maxValue = got.at(-1)!
  if (gives((x) => Math.min(Math.max(x, 0), maxValue))) return [layer('ReLU', { maxValue })]
  return undefined
}

function activated(name: Activation): Doubles {
  const b = new Builder()
  const y = ACTIVATIONS[name](b, b.input('x', [SAMPLES.length]))
  b.entry('run', { fetches: { y }, updates: [] })
  return evaluate(b.program(), 'run', { x: SAMPLES }).fetches['y']!
}

/** As a layer of its own; `linear` is none. */
export function activationLayers(name: Activation): readonly RaisedLayer[] {
  switch (name) {
    case 'linear':
      return []
    case 'relu':
      return [layer('ReLU', {})]
    case 'relu6':
      return [layer('ReLU', { maxValue: 6 })]
    default:
      return [layer('Activation', { activation: name })]
  }
}

/** Rows that a normalization is told by. */
const ROWS = 6

function layerNormalization(region: Region, known: Known): readonly RaisedLayer[] | undefined {
  const channels = region.source.shape.at(-1)!
  const operands = [...region.operands]
  const ofChannels = operands.filter(([, { length }]) => length > 1).map(([t]) => t)
  const leaves = known.leaves(ofChannels).filter(({ shape }) => sizeOf(shape) === channels)
  const epsilons = operands.flatMap(([, values]) => (isSmall(values) ? values : []))
  if (leaves.length > 2 || epsilons.length === 0) return undefined
  const rows = Float64Array.from({ length: ROWS * channels }, (_, i) => 3 * Math.sin(i * 12.9898))
  const got = valuesOf(region, rows, channels)
  const [a, b] = leaves
  const roles: readonly (readonly [Tensor | undefined, Tensor | undefined])[] = [
    [a, b],
    [b, a],
  ]
  for (const epsilon of epsilons) {
    for (const [gamma, beta] of roles) {
      const weights = {
        ...(gamma ? { gamma: known.floats(gamma) } : {}),
        ...(beta ? { beta: known.floats(beta) } : {}),
      }
      if (!isNear(got, normalizedRows(rows, channels, epsilon, weights))) continue
      const settings = { epsilon, scale: gamma !== undefined, center: beta !== undefined }
      return [layer('LayerNormalization', settings, { name: layerNameOf(leaves), weights })]
    }
  }
  return undefined
}

function isSmall(values: readonly number[]): boolean {
  return values.length === 1 && values[0]! > 0 && values[0]! < 0.1
}

/** keras/src/layers/normalization/layer_normalization.py. */
function normalizedRows(
  rows: Doubles,
  channels: number,
  epsilon: number,
  { gamma, beta }: { readonly gamma?: Float32Array; readonly beta?: Float32Array },
): Doubles {
  const result = new Float64Array(rows.length)
  for (let from = 0; from < rows.length; from += channels) {
    const row = rows.subarray(from, from + channels)
    const mean = row.reduce((sum, x) => sum + x, 0) / channels
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / channels
    row.forEach((x, c) => {
      const normal = (x - mean) / Math.sqrt(variance + epsilon)
      result[from + c] = normal * (gamma?.[c] ?? 1) + (beta?.[c] ?? 0)
    })
  }
  return result
}

/** What constants of float32 leave apart. */
const TOLERANCE = 1e-5

function isNear(got: Doubles, want: Doubles): boolean {
  return got.every((v, i) => {
    const w = want[i]!
    return v === w || Math.abs(v - w) <= TOLERANCE * Math.max(1, Math.abs(w))
  })
}
