const STEPS = '▁▂▃▄▅▆▇█'

/**
 * A curve in one line of text, from the lowest block at `least` to the highest at `most`; more values than `width` are joined by
 * their means. What is not finite is a gap.
 */
export function sparkline(
  values: readonly number[],
  {
    least,
    most,
    width = 16,
  }: { readonly least: number; readonly most: number; readonly width?: number },
): string {
  const range = most - least
  return binned(values, width)
    .map((value) => {
      if (!Number.isFinite(value)) return ' '
      const height = range > 0 ? (value - least) / range : 0.5
      return STEPS[Math.max(0, Math.min(STEPS.length - 1, Math.floor(height * STEPS.length)))]
    })
    .join('')
}

function binned(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width)
    const part = values.slice(from, Math.floor(((i + 1) * values.length) / width))
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}
