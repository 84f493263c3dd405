import { loadavg } from 'node:os'

/** What one side took for the same work: seconds on the clock, and of processor time where it is known. */
export interface Cost {
  readonly wall: number
  readonly cpu?: number | undefined
}

/** Starts; what it returns tells what this process took since, its children's processor time apart. */
export function stopwatch(): () => Required<Cost> {
  const before = process.cpuUsage()
  const start = performance.now()
  return () => {
    const wall = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(before)
    return { wall, cpu: (user + system) / 1e6 }
  }
}

export async function measure(work: () => Promise<unknown>): Promise<Required<Cost>> {
  const stop = stopwatch()
  await work()
  return stop()
}

export interface Pair {
  readonly ours: Cost
  readonly theirs: Cost
}

/** `rounds` pairs; who goes first alternates. */
export async function alternate(
  rounds: number,
  ours: () => Promise<Cost>,
  theirs: () => Promise<Cost>,
): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const mine = await ours()
      pairs.push({ ours: mine, theirs: await theirs() })
    } else {
      const other = await theirs()
      pairs.push({ ours: await ours(), theirs: other })
    }
  }
  return pairs
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `1.41 (1.32-1.47)`: the median, the least and the greatest. */
export function spread(values: readonly number[], digits = 2): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}-${most.toFixed(digits)})`
}

/** The median of a row of figures against a bar that it must reach (or, with `most`, not exceed). */
export function verdict(values: readonly number[], bar: number, most = false): string {
  const met = most ? median(values) <= bar : median(values) >= bar
  return `${spread(values)}, bar ${most ? '<=' : '>='} ${bar}: ${met ? 'met' : 'NOT met'}`
}

/**
 * Prints how many times quicker we were, pair by pair, against `bar` where there is one; and the same of processor time where both
 * sides know it, which other work on the machine disturbs less. Each measurement did `count` things.
 */
export function report(
  what: string,
  pairs: readonly Pair[],
  { count, unit, bar }: { count: number; unit: string; bar?: number | undefined },
): void {
  const side = (pick: (pair: Pair) => Cost): string => {
    const costs = pairs.map(pick)
    const pace = median(costs.map(({ wall }) => count / wall)).toPrecision(3)
    const cpu = costs.flatMap((cost) => cost.cpu ?? [])
    const each = cpu.length > 0 ? `, ${((median(cpu) * 1000) / count).toFixed(2)} CPU ms each` : ''
    return `${pace} ${unit}/s${each}`
  }
  console.log(what)
  console.log(`  ours   ${side((pair) => pair.ours)}`)
  console.log(`  Keras  ${side((pair) => pair.theirs)}`)
  const quicker = pairs.map(({ ours, theirs }) => theirs.wall / ours.wall)
  console.log(`  times quicker ${bar === undefined ? spread(quicker) : verdict(quicker, bar)}`)
  const cheaper = pairs.flatMap(({ ours, theirs }) =>
    ours.cpu === undefined || theirs.cpu === undefined ? [] : [theirs.cpu / ours.cpu],
  )
  if (cheaper.length > 0) console.log(`  by processor time ${spread(cheaper)}`)
}

/** What else the machine does: figures taken at a load above the number of cores say little. */
export function reportLoad(): void {
  const load = loadavg().map((n) => n.toFixed(1))
  console.log(`load ${load.join(' ')}`)
}
