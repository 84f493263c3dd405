import type { SweepBlock, Values } from '../pipeline/sweep-block.ts'
import { pathOfKey, type TrialChanges } from '../pipeline/trial.ts'
import { canonicalJson, type Json } from '../util/json.ts'

/** More trials than this are a mistake in a grid. */
export const MOST_TRIALS = 10_000

/** Parameters that change together: one, or those of a `zip`. */
export interface Group {
  readonly keys: readonly string[]
  /** What the keys may be, together. */
  readonly choices: readonly Values[]
}

/** The parameters that have lists of values, in the block's order; a zip stands where its first key does. */
export function groupsOf({ parameters, zip }: SweepBlock): Group[] {
  const groups: Group[] = []
  for (const [key, parameter] of parameters) {
    if (!('values' in parameter) || groups.some(({ keys }) => keys.includes(key))) continue
    const keys = zip.find((together) => together.includes(key)) ?? [key]
    const lists = keys.map((k) => (parameters.get(k) as { values: readonly Json[] }).values)
    const choices = parameter.values.map((_, i) =>
      Object.fromEntries(keys.map((k, j) => [k, lists[j]![i]!])),
    )
    groups.push({ keys, choices })
  }
  return groups
}

/** How many combinations a grid has before any is left out. */
export function gridSize(block: SweepBlock): number {
  return groupsOf(block).reduce((product, { choices }) => product * choices.length, 1)
}

/** Every combination, the last parameter changing fastest; those that `points` name come first. */
export function gridCandidates(block: SweepBlock): Values[] {
  let all: Values[] = [{}]
  for (const { choices } of groupsOf(block)) {
    all = all.flatMap((values) => choices.map((choice) => ({ ...values, ...choice })))
  }
  const rank = (values: Values) => {
    const place = block.points.findIndex((point) => agrees(values, point))
    return place < 0 ? block.points.length : place
  }
  return all
    .map((values) => ({ values, rank: rank(values) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ values }) => values)
}

/**
 * What trials are made of candidates: those that `exclude` names are left out, `when` drops parameters, each is repeated,
 * and what comes to the same by that is tried once. Never more than maxTrials.
 */
export function trialValues(block: SweepBlock, candidates: readonly Values[]): Values[] {
  const repeats = repeatsOf(block)
  const seen = new Set<string>()
  const trials: Values[] = []
  for (const candidate of candidates) {
    if (isExcluded(block, candidate)) continue
    const kept = withoutDropped(block, candidate)
    for (const repeat of repeats) {
      const values = { ...kept, ...repeat }
      const text = canonicalJson(values)
      if (seen.has(text)) continue
      seen.add(text)
      trials.push(values)
    }
  }
  return trials.slice(0, block.maxTrials)
}

/** One of `repeat`'s combinations each; a single empty one without. */
export function repeatsOf({ repeat }: SweepBlock): Values[] {
  let all: Values[] = [{}]
  for (const [key, values] of repeat) {
    all = all.flatMap((before) => values.map((value) => ({ ...before, [key]: value })))
  }
  return all
}

export function isExcluded(block: SweepBlock, values: Values): boolean {
  return block.exclude.some((excluded) => agrees(values, excluded, block))
}

/** Without the parameters that stand under a key which a rule drops. */
export function withoutDropped(block: SweepBlock, values: Values): Values {
  const dropped = droppedBy(block, values)
  if (dropped.length === 0) return values
  const isDropped = (key: string) => dropped.some((d) => key === d || key.startsWith(`${d}.`))
  return Object.fromEntries(Object.entries(values).filter(([key]) => !isDropped(key)))
}

/** What the trial with these parameters changes in the file. */
export function changesOf(block: SweepBlock, values: Values): TrialChanges {
  return {
    drop: droppedBy(block, values).map(pathOfKey),
    set: Object.entries(values).map(([key, value]) => {
      return { path: pathOfKey(key), value: block.nodeOf(key, value) }
    }),
  }
}

/** A trial's parameters without those of `repeat`: trials with the same are one group in the results. */
export function withoutRepeat({ repeat }: SweepBlock, values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !repeat.has(key)))
}

/** The keys that the rules drop which hold for these parameters. */
export function droppedBy(block: SweepBlock, values: Values): string[] {
  return block.when.filter((rule) => agrees(values, rule.if, block)).flatMap(({ drop }) => drop)
}

/** Whether all the conditions hold; a key that is no parameter has the file's own value. */
function agrees(values: Values, conditions: Values, block?: SweepBlock): boolean {
  return Object.entries(conditions).every(([key, wanted]) => {
    const value = values[key] ?? block?.written(key)
    return value !== undefined && canonicalJson(value) === canonicalJson(wanted)
  })
}
