import type { Node } from '../../program/program.ts'
import { sizeOf, type Shape } from '../../program/program.ts'
import type { AttrValue } from './graph-def.ts'
import { FLOAT, reshape, type LowerOp } from './lower-op.ts'
import type { NodeWriter } from './node-writer.ts'

/** FusedBatchNormV3 in training: its variance is that of a sample (n - 1), and is brought back to that of the batch. */
export const batchNorm: LowerOp<'batchNorm'> = (w, [x, gamma, beta], { inputs, attributes }) => {
  const { shape } = inputs[0]!
  // What it would average with; it wants it empty.
  const none = w.once('no statistics', 'none', () =>
    w.constant(new Float32Array(0), [0], 'float32'),
  )
  const fused = w.add('FusedBatchNormV3', [asImages(w, x!, shape), gamma, beta, none, none], {
    ...settings(attributes.epsilon),
    exponential_avg_factor: { f: 1 },
  })
  const count = sizeOf(shape) / shape.at(-1)!
  const variance = w.add('Mul', [`${fused}:2`, w.scalar((count - 1) / count)], FLOAT)
  return [asBefore(w, fused, shape), `${fused}:1`, variance]
}

/**
 * Takes from the forward op what that has kept for it: outputs 3 to 5, which mean one thing on a GPU (the inverse
 * deviation), another on a CPU (the variance), and may hold a fused activation's workspace.
 */
export const batchNormGradient: LowerOp<'batchNormGradient'> = (
  w,
  [dy, x, gamma, mean],
  { inputs, attributes },
) => {
  const { shape } = inputs[1]!
  const forward = mean!.slice(0, -':1'.length)
  const images = [dy!, x!].map((name) => asImages(w, name, shape))
  const kept = [3, 4, 5].map((output) => `${forward}:${output}`)
  const fused = w.add(
    'FusedBatchNormGradV3',
    [...images, gamma, ...kept],
    settings(attributes.epsilon),
  )
  return [asBefore(w, fused, shape), `${fused}:1`, `${fused}:2`]
}

/** Its statistics are those of a `batchNorm` of the same x in the same graph. */
export function isOfForward({ inputs, attributes }: Node<'batchNormGradient'>): boolean {
  const [, x, , mean, variance] = inputs
  const forward = mean!.node
  return (
    forward.op === 'batchNorm' &&
    variance!.node === forward &&
    mean!.index === 1 &&
    variance!.index === 2 &&
    forward.inputs[0] === x &&
    (forward as Node<'batchNorm'>).attributes.epsilon === attributes.epsilon
  )
}

function settings(epsilon: number): Record<string, AttrValue> {
  return {
    ...FLOAT,
    U: { type: 'float32' },
    epsilon: { f: epsilon },
    data_format: { s: 'NHWC' },
    is_training: { b: true },
  }
}

/** It takes images only: features are such of one pixel. */
function asImages(w: NodeWriter, x: string, shape: Shape): string {
  return shape.length === 4 ? x : reshape(w, x, [-1, 1, 1, shape.at(-1)!])
}

function asBefore(w: NodeWriter, y: string, shape: Shape): string {
  return shape.length === 4 ? y : reshape(w, y, shape)
}
