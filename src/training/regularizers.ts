import { valueOf } from '../models/fold.ts'
import type { Layer, LayerKind, WeightMap } from '../models/layer-graph.ts'
import type { LayerDefinition } from '../models/layers/definition.ts'
import { definitionOf } from '../models/layers/table.ts'
import type { Builder } from '../program/builder.ts'
import type { Tensor } from '../program/program.ts'

interface Regularizer {
  readonly l1?: number | undefined
  readonly l2?: number | undefined
}

/**
 * What the kernels' regularizers add to the loss, a scalar; undefined where no layer has one. As in Keras every loss
 * that is reported includes it, those of validation and evaluation too (trainer.py, `compute_loss`). Kernels are read
 * from `variables`, by weight name; of those that stand still the value is taken. What a module adds by itself it adds
 * while it is not frozen, as hub.KerasLayer does.
 */
export function regularization(
  b: Builder,
  layers: readonly Layer[],
  variables: ReadonlyMap<string, Tensor>,
  weights: WeightMap,
  frozen: ReadonlySet<string> = new Set(),
): Tensor | undefined {
  const parts = layers.flatMap((layer) => {
    const own = definitionOf(layer.kind).penalty
    if (own && frozen.has(layer.name)) return []
    if (own) return ownPenalty(b, layer, own, variables, weights) ?? []
    const regularizer = regularizerOf(layer)
    const kernel = layer.weights.find(({ name }) => name.endsWith('/kernel'))
    if (!regularizer || !kernel) return []
    const variable = variables.get(kernel.name)
    return [
      variable
        ? b.inLayer(layer.name, () => penalty(b, variable, regularizer))
        : b.scalar(penaltyOf(weights.get(kernel.name)!, regularizer)),
    ]
  })
  return parts.length === 0 ? undefined : parts.reduce((sum, part) => b.add(sum, part))
}

/** Of a layer that says it itself, while it is trained: hub.KerasLayer's losses are zero where it is not. */
function ownPenalty(
  b: Builder,
  layer: Layer,
  penaltyOfLayer: NonNullable<LayerDefinition<LayerKind>['penalty']>,
  variables: ReadonlyMap<string, Tensor>,
  weights: WeightMap,
): Tensor | undefined {
  const specs = new Map(layer.weights.map((spec) => [spec.name, spec]))
  const weight = (short: string): Tensor => {
    const name = `${layer.name}/${short}`
    return variables.get(name) ?? b.constant(valueOf(weights, name), specs.get(name)!.shape)
  }
  return b.inLayer(layer.name, () => penaltyOfLayer({ b, config: layer.config, weight }))
}

function regularizerOf(layer: Layer): Regularizer | undefined {
  return layer.kind === 'Dense' ? (layer as Layer<'Dense'>).config.kernelRegularizer : undefined
}

/** l1 times the sum of absolute values and l2 times that of squares (keras/src/regularizers/regularizers.py, `L1L2`). */
function penalty(b: Builder, kernel: Tensor, { l1 = 0, l2 = 0 }: Regularizer): Tensor {
  const axes = kernel.shape.map((_, axis) => axis)
  // An absolute value whose slope at 0 is 0, as TensorFlow's is.
  const absolute = (): Tensor => b.add(b.relu(kernel), b.relu(b.negative(kernel)))
  const ofValues = () => b.multiply(b.scalar(l1), b.reduceSum(absolute(), axes))
  const ofSquares = () => b.multiply(b.scalar(l2), b.reduceSum(b.square(kernel), axes))
  if (l1 === 0) return ofSquares()
  return l2 === 0 ? ofValues() : b.add(ofValues(), ofSquares())
}

function penaltyOf(kernel: Float32Array, { l1 = 0, l2 = 0 }: Regularizer): number {
  return kernel.reduce((sum, w) => sum + l1 * Math.abs(w) + l2 * w * w, 0)
}
