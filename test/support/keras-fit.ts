import { gradients } from '../../src/program/autodiff.ts'
import { Builder } from '../../src/program/builder.ts'
import type { Program } from '../../src/program/program.ts'
import type { Checkpoint, KeptCheckpoint } from '../../src/training/checkpoint.ts'
import type { FitOptions } from '../../src/training/fit.ts'
import type { LoopState } from '../../src/training/loop-state.ts'
import type { LabelledSplit } from '../../src/training/labelled-split.ts'
import { addEmaEntries } from '../../src/training/ema.ts'
import { LOSSES, weightedMean } from '../../src/training/losses.ts'
import { updatesFor, type OptimizerConfig } from '../../src/training/optimizers.ts'
import { floats, type Packed } from './golden.ts'

/** A few examples trained on by Keras' fit: what goldens of whole fits have in common. */
export interface KerasFit {
  readonly batchSize: number
  /** Trained on; those behind them are the validation. */
  readonly examples: number
  readonly x: Packed
  readonly labels: readonly number[]
  /** Weights in Keras' order; the last is a bias for each class. */
  readonly start: readonly Packed[]
}

/** Examples of the golden, as a split of which the input is fed. */
function splitOf({ x, labels }: KerasFit, input: string, first: number, end: number) {
  const size = x.shape[1]!
  const values = floats(x)
  return {
    labels: Uint32Array.from(labels.slice(first, end)),
    source: {
      pictures: end - first,
      inputs: [{ name: input, shape: [size], dtype: 'float32' }],
      allocate: (rows) => ({ [input]: new Float32Array(rows * size) }),
      gather: (rows, _, out) => {
        rows.forEach((row, i) => {
          const start = (first + row) * size
          out[input]!.set(values.subarray(start, start + size), i * size)
        })
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    },
  } satisfies LabelledSplit
}

/** What the loop takes of the golden; the validation is scored in one batch. */
export function fitOptions(
  golden: KerasFit,
  input = 'x',
): Omit<FitOptions, 'session' | 'optimizer' | 'lastEpoch'> & { validation: LabelledSplit } {
  const { examples, labels, batchSize, start } = golden
  const width = start.at(-1)!.shape[0]!
  return {
    shape: { width, dropouts: [], inferBatch: labels.length - examples },
    train: splitOf(golden, input, 0, examples),
    validation: splitOf(golden, input, examples, labels.length),
    firstEpoch: 1,
    batchSize,
    lastBatch: 'keep',
    shuffle: false,
    seed: 0,
    classWeights: new Float32Array(width).fill(1),
    signal: new AbortController().signal,
    onEpoch: () => undefined,
    onBatch: () => undefined,
  }
}

/** Keeps the state after every batch, and after every epoch. */
export function keptIn(saved: Checkpoint[]): Pick<FitOptions, 'checkpoints' | 'isDue'> {
  return {
    isDue: () => true,
    checkpoints: {
      load: () => Promise.resolve(undefined),
      save: async (_, { state, variables }) => void saved.push({ state, variables }),
      saveBest: () => Promise.resolve(),
      loadBest: () => Promise.resolve(new Map()),
    },
  }
}

/** What two trainings must have in common to the bit: all of a checkpoint but the seconds. */
export function timeless({ state, variables, bests }: KeptCheckpoint) {
  const { history, ...rest } = state as unknown as LoopState
  const epochs = history.map((figures) => ({ ...figures, seconds: 0 }))
  return { state: { ...rest, seconds: 0, history: epochs }, variables, bests }
}

/** Kernel and bias of `denseProgram`. */
export const DENSE = ['kernel', 'bias'] as const

/** One Dense with softmax. Entries `train@N` for the full and the last batch, `infer` for the validation, and those of averages. */
export function denseProgram(golden: KerasFit, config: OptimizerConfig): Program {
  const { batchSize, examples, x, labels, start } = golden
  const b = new Builder()
  const [kernel, bias] = start.map((w, i) => b.variable(DENSE[i]!, w.shape, floats(w)))
  const forward = (count: number) => {
    const input = b.input('x', [count, x.shape[1]!])
    const logits = b.biasAdd(b.matMul(input, kernel!), bias!)
    const targets = b.input('targets', [count, bias!.shape[0]!])
    const losses = LOSSES.SparseCategoricalCrossentropy.perExample(b, logits, targets)
    return { losses, outputs: b.softmax(logits) }
  }
  for (const count of [batchSize, examples % batchSize]) {
    const { losses, outputs } = forward(count)
    const loss = weightedMean(b, losses, b.input('weights', [count]))
    const slopes = gradients(b, loss, [kernel!, bias!])
    const weights = DENSE.map((name, i) => ({ name, shape: start[i]!.shape, gradient: slopes[i]! }))
    const { updates } = updatesFor(b, config, weights)
    b.entry(`train@${count}`, { fetches: { loss, losses, outputs }, updates })
  }
  const weights = DENSE.map((name, i) => ({ name, shape: start[i]!.shape }))
  addEmaEntries(b, config, weights)
  b.entry('infer', { fetches: forward(labels.length - examples), updates: [] })
  return b.program()
}
