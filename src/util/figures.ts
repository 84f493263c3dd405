/** Rounded to six significant digits: what files of a run hold, so that they diff well. */
export function stableNumber(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : value
}

/** To the hundredth, below a second to two digits: what a clock says beyond that is noise in a diff. */
export function stableSeconds(seconds: number): number {
  return seconds < 1 ? Number(seconds.toPrecision(2)) : Math.round(seconds * 100) / 100
}

/** The figures rounded; infinities and NaN are left out, JSON has no form for them. */
export function stableFigures(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => [name, stableNumber(value)]),
  )
}
