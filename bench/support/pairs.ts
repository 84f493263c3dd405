import { loadavg } from 'node:os'

/** What one side took for the same work: seconds on the clock, and of processor time, user and system apart. */
export interface Cost {
  readonly wall: number
  readonly user: number
  readonly system: number
}

/** Runs `work` and says what this process took for it. */
export async function measure(work: () => Promise<unknown>): Promise<Cost> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const wall = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { wall, user: user / 1e6, system: system / 1e6 }
}

export interface Pair {
  readonly ours: Cost
  readonly theirs: Cost
}

/** Both sides once without counting, then `rounds` pairs; who goes first alternates. */
export async function alternate(
  rounds: number,
  ours: () => Promise<Cost>,
  theirs: () => Promise<Cost>,
  { warmUp = true } = {},
): Promise<Pair[]> {
  if (warmUp) {
    await ours()
    await theirs()
  }
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

/** How many times quicker we are, pair by pair. */
export function ratios(pairs: readonly Pair[]): number[] {
  return pairs.map(({ ours, theirs }) => theirs.wall / ours.wall)
}

/**
 * Prints a comparison: each side's pace, the ratio of the clocks against `bar`, and that of processor time, which other
 * work on the machine disturbs less. `count` things were done in each measurement.
 */
export function report(
  what: string,
  pairs: readonly Pair[],
  { count, unit, bar }: { count: number; unit: string; bar: number },
): void {
  const side = (pick: (pair: Pair) => Cost): string => {
    const costs = pairs.map(pick)
    const pace = median(costs.map(({ wall }) => count / wall))
    const user = median(costs.map((cost) => (cost.user * 1000) / count))
    const system = median(costs.map((cost) => (cost.system * 1000) / count))
    return `${pace.toFixed(1)} ${unit}/s, CPU ms each ${user.toFixed(2)} user + ${system.toFixed(2)} system`
  }
  const quicker = ratios(pairs)
  const cpu = pairs.map(
    ({ ours, theirs }) => (theirs.user + theirs.system) / (ours.user + ours.system),
  )
  const met = median(quicker) >= bar ? 'met' : 'NOT met'
  console.log(what)
  console.log(`  ours   ${side((pair) => pair.ours)}`)
  console.log(`  Keras  ${side((pair) => pair.theirs)}`)
  console.log(`  ratio  ${spread(quicker)}, bar ${bar}: ${met}; of CPU time ${spread(cpu)}`)
}

/** What else the machine does: figures taken at a load above the number of cores say little. */
export function reportLoad(): void {
  console.log(
    `load ${loadavg()
      .map((n) => n.toFixed(1))
      .join(' ')}`,
  )
}
