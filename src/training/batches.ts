import { fillUniform, permutation } from '../util/rng.ts'

/** The sizes and the order of an epoch's batches. */
export interface BatchPlan {
  /** Rows, in the order they are trained on. */
  readonly order: Uint32Array
  /** [start, end) into `order` for each batch. */
  readonly batches: readonly (readonly [number, number])[]
}

/**
 * The batches of one epoch (counted from 1). With `shuffle` the order is a permutation drawn from (seed, epoch) alone, else
 * the rows' own. `drop` leaves a short last batch out, as Keras' steps_per_epoch = total // batch does, but never the only one.
 */
export function planEpoch(
  pictures: number,
  options: {
    readonly batchSize: number
    readonly lastBatch: 'keep' | 'drop'
    readonly shuffle: boolean
    readonly seed: number
    readonly epoch: number
  },
): BatchPlan {
  const { batchSize, lastBatch, shuffle, seed, epoch } = options
  const order = shuffle
    ? permutation(pictures, seed, 'shuffle', epoch)
    : Uint32Array.from({ length: pictures }, (_, i) => i)
  const batches: [number, number][] = []
  for (let start = 0; start < pictures; start += batchSize) {
    batches.push([start, Math.min(start + batchSize, pictures)])
  }
  if (lastBatch === 'drop' && batches.length > 1 && pictures % batchSize !== 0) batches.pop()
  return { order, batches }
}

/** The different batch sizes that training on so many pictures meets. */
export function batchSizes(
  pictures: number,
  batchSize: number,
  lastBatch: 'keep' | 'drop',
): number[] {
  const plain = { batchSize, lastBatch, shuffle: false, seed: 0, epoch: 1 }
  const { batches } = planEpoch(pictures, plain)
  return [...new Set(batches.map(([start, end]) => end - start))]
}

/** Rows of targets [pictures, width]: one column of 0 and 1 for a binary head, else one-hot. */
export function encodeTargets(
  labels: Uint32Array,
  rows: Uint32Array,
  width: number,
  out: Float32Array,
): void {
  out.fill(0)
  rows.forEach((row, i) => {
    const label = labels[row]!
    if (width === 1) out[i] = label
    else out[i * width + label] = 1
  })
}

/**
 * One weight a class. `balanced`: pictures / (classes * pictures of the class), scikit-learn's formula, so that every
 * class weighs the same in all; a class without pictures gets 0.
 */
export function classWeights(
  setting: 'none' | 'balanced' | Readonly<Record<string, number>>,
  classes: readonly string[],
  labels: Uint32Array,
): Float32Array {
  const weights = new Float32Array(classes.length).fill(1)
  if (setting === 'none') return weights
  if (setting !== 'balanced') return weights.map((_, i) => setting[classes[i]!] ?? 1)
  const counts = new Float64Array(classes.length)
  for (const label of labels) counts[label]! += 1
  return weights.map((_, i) =>
    counts[i] === 0 ? 0 : labels.length / (classes.length * counts[i]!),
  )
}

/**
 * Dropout masks [pictures, size] of one batch for one layer: 0 or 1 / (1 - rate), drawn for each picture from
 * (seed, layer, epoch, picture), so that a mask depends on no batch size and no order. Without a rate the draws on
 * [0, 1) themselves.
 */
export function fillDropoutMask(
  out: Float32Array,
  rows: Uint32Array,
  dropout: { readonly layer: string; readonly rate?: number; readonly size: number },
  seed: number,
  epoch: number,
): void {
  const { layer, rate, size } = dropout
  const keep = rate === undefined ? undefined : 1 / (1 - rate)
  rows.forEach((row, i) => {
    const mask = out.subarray(i * size, (i + 1) * size)
    fillUniform(mask, 0, 1, seed, 'dropout', layer, epoch, row)
    if (rate === undefined) return
    for (let k = 0; k < size; k += 1) mask[k] = mask[k]! < rate ? 0 : keep!
  })
}
