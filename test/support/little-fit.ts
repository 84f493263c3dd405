import { createHash } from 'node:crypto'
import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import type { Program } from '../../src/program/program.ts'
import { openCallbacks, type Callbacks } from '../../src/training/callbacks.ts'
import type { KeptCheckpoint } from '../../src/training/checkpoint.ts'
import { addEmaEntries } from '../../src/training/ema.ts'
import type { FitOptions } from '../../src/training/fit.ts'
import type { LabelledSplit } from '../../src/training/labelled-split.ts'
import { LOSSES, weightedMean } from '../../src/training/losses.ts'
import { updatesFor } from '../../src/training/optimizers.ts'
import { fillUniform } from '../../src/util/rng.ts'
import { timeless } from './keras-fit.ts'

/** A training that takes a moment and has everything a checkpoint must hold: dropout, slots, averages, callbacks, a short last batch. */
export const LITTLE_FIT = { features: 5, classes: 3, train: 22, validation: 9, batch: 8, epochs: 3 }
/** Of an epoch. */
export const BATCHES = Math.ceil(LITTLE_FIT.train / LITTLE_FIT.batch)

const { features, classes, train, validation, batch, epochs } = LITTLE_FIT
const SEED = 5
const INFER_BATCH = 4
const OPTIMIZER: FitOptions['optimizer'] = {
  name: 'Adam',
  learningRate: 0.05,
  useEma: true,
  emaMomentum: 0.9,
  emaOverwriteFrequency: 4,
}

export function littleProgram(): Program {
  const b = new Builder()
  const start = { kernel: [features, classes], bias: [classes] }
  const kernel = b.variable('kernel', start.kernel, drawn(features * classes, 'kernel'))
  const bias = b.variable('bias', start.bias, drawn(classes, 'bias'))
  const forward = (count: number, isTraining: boolean) => {
    const x = b.input('x', [count, features])
    const kept = isTraining ? b.multiply(x, b.input('dropout/dropout', [count, features])) : x
    const logits = b.biasAdd(b.matMul(kept, kernel), bias)
    const targets = b.input('targets', [count, classes])
    const losses = LOSSES.SparseCategoricalCrossentropy.perExample(b, logits, targets)
    return { losses, outputs: b.softmax(logits) }
  }
  for (const count of [batch, train % batch]) {
    const { losses, outputs } = forward(count, true)
    const loss = weightedMean(b, losses, b.input('weights', [count]))
    const slopes = gradients(b, loss, [kernel, bias])
    const { updates } = updatesFor(b, OPTIMIZER, [
      { name: 'kernel', shape: start.kernel, gradient: slopes[0]! },
      { name: 'bias', shape: start.bias, gradient: slopes[1]! },
    ])
    b.entry(`train@${count}`, { fetches: { loss, losses, outputs }, updates })
  }
  addEmaEntries(b, OPTIMIZER, [
    { name: 'kernel', shape: start.kernel },
    { name: 'bias', shape: start.bias },
  ])
  b.entry('infer', { fetches: forward(INFER_BATCH, false), updates: [] })
  return b.program()
}

/** The rate falls after every epoch that does not get better by much, and the best epoch is kept. */
export function littleCallbacks(): Callbacks {
  const monitor = 'validation.loss'
  return openCallbacks(
    {
      earlyStopping: { monitor, patience: 10, minDelta: 0, restoreBest: true },
      reduceLROnPlateau: {
        monitor: 'train.accuracy',
        factor: 0.5,
        patience: 1,
        minLearningRate: 0,
      },
    },
    0.05,
  )
}

export function littleFit(
  more: Partial<FitOptions> = {},
): Omit<FitOptions, 'session'> & { readonly callbacks: Callbacks } {
  return {
    shape: {
      width: classes,
      dropouts: [{ layer: 'dropout', rate: 0.3, size: features }],
      inferBatch: INFER_BATCH,
    },
    train: splitOf('train', train),
    validation: splitOf('validation', validation),
    firstEpoch: 1,
    lastEpoch: epochs,
    batchSize: batch,
    lastBatch: 'keep',
    shuffle: true,
    seed: SEED,
    optimizer: OPTIMIZER,
    classWeights: Float32Array.of(1, 0.5, 2),
    metrics: ['f1', 'auc'],
    signal: new AbortController().signal,
    onEpoch: () => undefined,
    onBatch: () => undefined,
    ...more,
    callbacks: littleCallbacks(),
  }
}

/** Of all that a training ends with but its seconds. */
export function digestOfEnd(end: KeptCheckpoint): string {
  const { state, variables, bests } = timeless(end)
  const hash = createHash('sha256').update(JSON.stringify([state, bests]))
  for (const [name, data] of [...variables].sort()) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}

function drawn(size: number, ...keys: string[]): Float32Array {
  const values = new Float32Array(size)
  fillUniform(values, -1, 1, SEED, ...keys)
  return values
}

function splitOf(name: string, pictures: number): LabelledSplit {
  const values = drawn(pictures * features, name)
  return {
    labels: Uint32Array.from({ length: pictures }, (_, i) => (i * 7) % classes),
    source: {
      pictures,
      inputs: [{ name: 'x', shape: [features], dtype: 'float32' }],
      allocate: (rows) => ({ x: new Float32Array(rows * features) }),
      gather: async (rows, _, out) => {
        rows.forEach((row, i) => {
          const start = row * features
          out['x']!.set(values.subarray(start, start + features), i * features)
        })
      },
      close: () => Promise.resolve(),
    },
  }
}
