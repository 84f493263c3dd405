import { addHead, headLayers, type HeadLayer } from '../models/head.ts'
import type { Layer, LayerGraph, WeightMap } from '../models/layer-graph.ts'
import { lower, type Lowered } from '../models/lower.ts'
import { gradients } from '../program/autodiff.ts'
import { Builder } from '../program/builder.ts'
import { simplify } from '../program/simplify.ts'
import { sizeOf, type Program, type Tensor } from '../program/program.ts'
import type { HeadShape } from './fit.ts'
import { LOSSES, weightedMean, type LossName } from './losses.ts'
import { updatesFor, type OptimizerConfig } from './optimizers.ts'
import { frozenGraph, type TrunkOptions } from './trunk.ts'

export interface HeadOptions extends Pick<TrunkOptions, 'model' | 'tail'> {
  /** What is left of the head behind the tail. */
  readonly head: readonly HeadLayer[]
  readonly classes: number
  readonly loss: { readonly name: LossName; readonly labelSmoothing?: number | undefined }
}

/** Pictures that `infer` takes at once at most; fewer pictures, a smaller batch. */
const INFER_BATCH = 64

/** The whole graph and the part of it that is trained. */
export function headGraph(options: Pick<HeadOptions, 'model' | 'tail' | 'head' | 'classes'>): {
  readonly graph: LayerGraph
  readonly frozen: LayerGraph
  readonly layers: readonly Layer[]
} {
  const frozen = frozenGraph(options)
  const graph = addHead(frozen, options.head, options.classes)
  return { graph, frozen, layers: headLayers(graph, frozen) }
}

/**
 * The head on stored features as a Program. Entries: `train@N` for each training batch size (features, targets,
 * weights, learningRate, step and one mask a dropout in; loss, losses [N] and outputs [N, width] out; one update of
 * every weight) and, with `inferFor` pictures to score, `infer` (features, targets in; losses, outputs out).
 */
export function headProgram(
  options: HeadOptions,
  weights: WeightMap,
  training:
    { readonly optimizer: OptimizerConfig; readonly batches: readonly number[] } | undefined,
  inferFor: number,
): { program: Program; shape: HeadShape } {
  const { graph, frozen, layers } = headGraph(options)
  const names = new Set(layers.map((layer) => layer.name))
  const b = new Builder()
  const dropouts = new Map<string, HeadShape['dropouts'][number]>()
  const inputs = (batch: number) => ({
    features: b.input('features', [batch, ...frozen.output.outputShape]),
    targets: b.input('targets', [batch, sizeOf(graph.output.outputShape)]),
  })
  const forward = (features: Tensor, isTraining: boolean): Lowered =>
    lower(b, graph, {
      weights,
      start: { [frozen.output.name]: features },
      trainable: (layer) => names.has(layer.name),
      training: isTraining,
      mask: (layer, shape) => {
        const { rate } = (layer as Layer<'Dropout'>).config
        dropouts.set(layer.name, { layer: layer.name, rate, size: sizeOf(shape.slice(1)) })
        return b.input(`dropout/${layer.name}`, shape)
      },
    })
  for (const batch of training?.batches ?? []) {
    const { features, targets } = inputs(batch)
    const exampleWeights = b.input('weights', [batch])
    const lowered = forward(features, true)
    const { perExample, outputs } = lossOf(b, options, lowered, targets)
    const loss = weightedMean(b, perExample, exampleWeights)
    const trained = gradientsOf(b, loss, lowered)
    const { updates } = updatesFor(b, training!.optimizer, trained)
    b.entry(`train@${batch}`, {
      fetches: { loss, losses: b.multiply(perExample, exampleWeights), outputs },
      updates: [...lowered.updates, ...updates],
    })
  }
  const inferBatch = Math.max(1, Math.min(INFER_BATCH, inferFor))
  if (inferFor > 0) {
    const { features, targets } = inputs(inferBatch)
    const { perExample, outputs } = lossOf(b, options, forward(features, false), targets)
    b.entry('infer', { fetches: { losses: perExample, outputs }, updates: [] })
  }
  const width = sizeOf(graph.output.outputShape)
  return {
    program: simplify(b.program()),
    shape: { width, dropouts: [...dropouts.values()], inferBatch },
  }
}

/** Losses from the logits, never from probabilities; a head that ends without softmax or sigmoid gives logits itself. */
function lossOf(b: Builder, { loss }: HeadOptions, lowered: Lowered, targets: Tensor) {
  const { activation, perExample } = LOSSES[loss.name]
  const logits = lowered.logits?.tensor ?? lowered.output
  const outputs = lowered.logits
    ? lowered.output
    : activation === 'softmax'
      ? b.softmax(logits)
      : b.sigmoid(logits)
  return { perExample: perExample(b, logits, targets, loss), outputs }
}

function gradientsOf(b: Builder, loss: Tensor, lowered: Lowered) {
  const found = gradients(
    b,
    loss,
    lowered.trainable.map(({ variable }) => variable),
  )
  return lowered.trainable.flatMap(({ spec }, i) => {
    const gradient = found[i]
    // A weight that the loss does not depend on stays as it is, as in Keras.
    return gradient ? [{ name: spec.name, shape: spec.shape, gradient }] : []
  })
}
