import type { Builder } from '../program/builder.ts'
import type { Tensor } from '../program/program.ts'

export type LossName =
  'BinaryCrossentropy' | 'CategoricalCrossentropy' | 'SparseCategoricalCrossentropy'

export interface LossOptions {
  /** Between 0 (none) and 1. */
  readonly labelSmoothing?: number | undefined
}

export interface LossDefinition {
  readonly description: string
  /** What turns the head's logits into probabilities; the loss itself never sees them. */
  readonly activation: 'sigmoid' | 'softmax'
  /** Keras' SparseCategoricalCrossentropy has no label smoothing. */
  readonly takesLabelSmoothing: boolean
  /**
   * The loss of each example, [n], from logits [n, units] and targets [n, units]: one-hot rows, or for one unit
   * 1 for the second class. Formulas: keras/src/losses/losses.py, with `from_logits=True`.
   */
  readonly perExample: (
    b: Builder,
    logits: Tensor,
    targets: Tensor,
    options?: LossOptions,
  ) => Tensor
}

/** The losses by Keras' name. */
export const LOSSES: Readonly<Record<LossName, LossDefinition>> = {
  BinaryCrossentropy: {
    description:
      'each unit a yes or no of its own: one unit for two classes, or several labels at once',
    activation: 'sigmoid',
    takesLabelSmoothing: true,
    perExample: (b, logits, targets, { labelSmoothing = 0 } = {}) => {
      const smooth = smoothed(b, targets, labelSmoothing, 0.5)
      return b.reduceMean(b.sigmoidCrossEntropy(logits, smooth), [1])
    },
  },
  CategoricalCrossentropy: {
    description: 'one class of several',
    activation: 'softmax',
    takesLabelSmoothing: true,
    perExample: (b, logits, targets, { labelSmoothing = 0 } = {}) => {
      const smooth = smoothed(b, targets, labelSmoothing, 1 / targets.shape[1]!)
      return b.softmaxCrossEntropy(logits, smooth)
    },
  },
  SparseCategoricalCrossentropy: {
    description: 'one class of several, labels as numbers',
    activation: 'softmax',
    takesLabelSmoothing: false,
    perExample: (b, logits, targets) => b.softmaxCrossEntropy(logits, targets),
  },
}

/**
 * The loss of a batch, one number: the mean over the n examples of weight * loss, both [n]. The divisor is n, not
 * the sum of the weights (Keras' `sum_over_batch_size`: keras/src/losses/loss.py, `reduce_weighted_values`).
 */
export function weightedMean(b: Builder, perExample: Tensor, weights?: Tensor): Tensor {
  return b.reduceMean(weights ? b.multiply(perExample, weights) : perExample, [0])
}

/** Targets moved towards the middle: targets * (1 - smoothing) + middle * smoothing. */
function smoothed(b: Builder, targets: Tensor, smoothing: number, middle: number): Tensor {
  if (smoothing === 0) return targets
  return b.add(b.multiply(targets, b.scalar(1 - smoothing)), b.scalar(smoothing * middle))
}
