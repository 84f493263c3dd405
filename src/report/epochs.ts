import type { EpochRecord } from '../runs/record.ts'
import type { CurvePoint } from './charts/curves.ts'
import { isHigherBetter } from './figures.ts'

/** JSON has no form for what is not finite: such an epoch is a gap. */
export function epochPoints(
  epochs: readonly EpochRecord[],
  split: 'train' | 'validation',
  metric: string,
): CurvePoint[] {
  return epochs.flatMap((epoch) => {
    const value = epoch[split]?.[metric]
    return typeof value === 'number' && Number.isFinite(value)
      ? [{ epoch: epoch.epoch, value }]
      : []
  })
}

/** Of the validation pictures, the first of equals; undefined where nobody knows which way is better. */
export function bestEpoch(epochs: readonly EpochRecord[], metric: string): CurvePoint | undefined {
  const higher = isHigherBetter(metric)
  const known = epochPoints(epochs, 'validation', metric)
  if (higher === undefined || known.length === 0) return undefined
  return known.reduce((a, b) => ((higher ? b.value > a.value : b.value < a.value) ? b : a))
}
