import type { WeightMap, WeightSpec } from '../models/layer-graph.ts'
import { lower, type Lowered } from '../models/lower.ts'
import { preprocess, type Preprocessing } from '../models/preprocessing.ts'
import { gradients } from '../program/autodiff.ts'
import { Builder } from '../program/builder.ts'
import { simplify } from '../program/simplify.ts'
import { sizeOf, type Program, type Tensor } from '../program/program.ts'
import { failure } from '../util/diagnostic.ts'
import { addEmaEntries } from './ema.ts'
import type { ExampleInput } from './example-source.ts'
import { LOSSES, weightedMean, type LossName } from './losses.ts'
import type { WholeModel } from './model.ts'
import { updatesFor, type OptimizerConfig } from './optimizers.ts'
import { regularization } from './regularizers.ts'
import { featureName, PIXELS, threeChannels } from './trunk.ts'

export interface LossConfig {
  readonly name: LossName
  readonly labelSmoothing?: number | undefined
}

/** What is fed for a picture, and what pixels are made into where they are fed. */
export interface Start {
  readonly inputs: readonly ExampleInput[]
  readonly preprocessing: Preprocessing
}

export interface ProgramOptions {
  readonly model: WholeModel
  readonly loss: LossConfig
  /** Of every layer behind the start. */
  readonly weights: WeightMap
  readonly train?:
    | {
        readonly start: Start
        readonly optimizer: OptimizerConfig
        /** The batch sizes that will be met. */
        readonly batches: readonly number[]
      }
    | undefined
  readonly infer?: { readonly start: Start; readonly batch: number } | undefined
}

/** What is fed at random, as `dropout/LAYER`: masks, or without a rate the draws on [0, 1) themselves. */
export interface Dropout {
  readonly layer: string
  readonly rate?: number
  /** For one picture. */
  readonly size: number
}

/** What the loop must know of the program it trains. */
export interface ProgramShape {
  /** Columns of targets and outputs. */
  readonly width: number
  readonly dropouts: readonly Dropout[]
  /** Pictures that the entry `infer` takes at once; 0 without one. */
  readonly inferBatch: number
}

/**
 * The model as a Program that is trained and scored. Entries: `train@N` for each training batch size (the start's
 * inputs, `targets`, `weights`, the optimizer's scalars and one mask a dropout in; `loss`, `losses` [N] and `outputs`
 * [N, width] out; one update of every weight and moving average), those of `addEmaEntries`, and `infer` (inputs,
 * targets in; losses, outputs out). Where kernels have regularizers both also give `penalty`, one number, which is in
 * `loss` and not in `losses`. Frozen layers are constants in inference mode. Without `train` everything is:
 * then batch norm is folded everywhere.
 */
export function trainingProgram({ model, loss, weights, train, infer }: ProgramOptions): {
  program: Program
  shape: ProgramShape
} {
  const { graph, frozen } = model
  const b = new Builder()
  const width = sizeOf(graph.output.outputShape)
  const dropouts = new Map<string, Dropout>()
  const forward = (start: Start, batch: number, training: boolean): Lowered =>
    lower(b, graph, {
      weights,
      start: startTensors(b, model, start, batch),
      trainable: (layer) => train !== undefined && !frozen.has(layer.name),
      training,
      mask: (layer, shape, rate) => {
        dropouts.set(layer.name, { layer: layer.name, rate, size: sizeOf(shape.slice(1)) })
        return b.input(`dropout/${layer.name}`, shape)
      },
      uniform: (layer, key, shape) => {
        if (shape[0] !== batch) {
          throw failure(
            'BAD_WEIGHTS',
            `${layer.name}, ${key}: draws of [${shape.join(', ')}], not one a picture`,
          )
        }
        const name = `${layer.name}/${key}`
        dropouts.set(name, { layer: name, size: sizeOf(shape.slice(1)) })
        return b.input(`dropout/${name}`, shape)
      },
    })
  const added = ({ trainable }: Lowered): { penalty?: Tensor } => {
    const variables = new Map(trainable.map(({ spec, variable }) => [spec.name, variable]))
    const penalty = regularization(b, graph.layers, variables, weights, frozen)
    return penalty ? { penalty } : {}
  }
  let trained: readonly WeightSpec[] = []
  for (const batch of train?.batches ?? []) {
    const targets = b.input('targets', [batch, width])
    const exampleWeights = b.input('weights', [batch])
    const lowered = forward(train!.start, batch, true)
    const { perExample, outputs } = lossOf(b, loss, lowered, targets)
    const mean = weightedMean(b, perExample, exampleWeights)
    const more = added(lowered)
    const total = more.penalty ? b.add(mean, more.penalty) : mean
    const { updates } = updatesFor(b, train!.optimizer, gradientsOf(b, total, lowered))
    trained = lowered.trainable.map(({ spec }) => spec)
    b.entry(`train@${batch}`, {
      fetches: { loss: total, losses: b.multiply(perExample, exampleWeights), outputs, ...more },
      updates: [...lowered.updates, ...updates],
    })
  }
  if (train) addEmaEntries(b, train.optimizer, trained)
  if (infer) {
    const targets = b.input('targets', [infer.batch, width])
    const lowered = forward(infer.start, infer.batch, false)
    const { perExample, outputs } = lossOf(b, loss, lowered, targets)
    const fetches = { losses: perExample, outputs, ...added(lowered) }
    b.entry('infer', { fetches, updates: [] })
  }
  return {
    program: simplify(b.program()),
    shape: { width, dropouts: [...dropouts.values()], inferBatch: infer?.batch ?? 0 },
  }
}

/** The tensors that stand for layers' outputs, by layer name. */
function startTensors(
  b: Builder,
  { graph }: WholeModel,
  { inputs, preprocessing }: Start,
  batch: number,
): Record<string, Tensor> {
  const pixels = inputs.find(({ name }) => name === PIXELS)
  if (pixels) {
    const x = b.input(PIXELS, [batch, ...pixels.shape], pixels.dtype)
    return { [graph.input.name]: preprocess(b, threeChannels(b, x), preprocessing) }
  }
  const kept = new Map(inputs.map((input) => [input.name, input]))
  const layers = graph.layers.filter(({ name }) => kept.has(featureName(name)))
  if (layers.length !== kept.size) throw new TypeError(`no layers for ${[...kept.keys()].join()}`)
  return Object.fromEntries(
    layers.map(({ name, outputShape }) => [
      name,
      b.input(featureName(name), [batch, ...outputShape]),
    ]),
  )
}

/** Losses from the logits, never from probabilities; a head that ends without softmax or sigmoid gives logits itself. */
function lossOf(b: Builder, loss: LossConfig, lowered: Lowered, targets: Tensor) {
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
