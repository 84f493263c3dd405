import { stableNumber } from '../../util/figures.ts'
import { byCodeUnit } from '../../util/json.ts'
import type { DataJoin } from './data.ts'
import { eachJsonLine, readLinesAt, type Place } from './lines.ts'
import { mcnemar } from './mcnemar.ts'
import type { Side } from './side.ts'

/** What the two predict for the pictures that both have. */
export interface PredictionDiff {
  readonly splits: readonly SplitAnswers[]
  /** The most confident answer of B first. */
  readonly flips: readonly Flip[]
  /** Flips by their true class, most first. */
  readonly classes: readonly {
    readonly label: string
    readonly lost: number
    readonly won: number
  }[]
}

export interface SplitAnswers {
  readonly split: string
  /** Pictures that both have under the same label. */
  readonly both: number
  readonly onlyA: number
  readonly onlyB: number
  /** In both, with other labels: no answer to them can be compared. */
  readonly relabelled: number
  readonly rightInBoth: number
  readonly wrongInBoth: number
  /** Right in A and wrong in B, and the other way round. */
  readonly lost: number
  readonly won: number
  /** McNemar's exact test; undefined unless the pictures are the same. */
  readonly p: number | undefined
}

export interface Flip {
  readonly split: string
  /** B's path. */
  readonly image: string
  /** Undefined for pictures without labels: then only what they are called differs. */
  readonly truth: string | undefined
  readonly change: 'lost' | 'won' | 'other'
  readonly a: Answer
  readonly b: Answer
}

export interface Answer {
  readonly predicted: string
  readonly probability: number
  /** What was given to the true class; undefined where that is not known. */
  readonly ofTruth: number | undefined
}

/** The first keys of a line; the probabilities of all classes are read only of flips. */
interface Head {
  readonly split: string
  readonly image: string
  readonly label: string | undefined
  readonly predicted: string
  readonly probability: number
  readonly place: Place
}

/** Undefined: one of the sides has no predictions. */
export function predictionDiff(a: Side, b: Side, data: DataJoin): PredictionDiff | undefined {
  if (a.predictions === undefined || b.predictions === undefined) return undefined
  const left = bySplits(readHeads(a.predictions))
  const counts = new Map<string, Counting>()
  const flipped: { readonly a: Head; readonly b: Head }[] = []
  for (const head of readHeads(b.predictions)) {
    const counting = countingOf(counts, head.split, left.get(head.split)?.size)
    const image = data.inA(head.split, head.image)
    const other = image === undefined ? undefined : left.get(head.split)?.get(image)
    count(counting, other, head)
    if (other && other.label === head.label && isFlip(other, head)) {
      flipped.push({ a: other, b: head })
    }
  }
  const flips = withTruth(flipped, a, b)
  return {
    splits: [...counts].map(([split, counting]) => answers(split, counting, data.isSame(split))),
    flips,
    classes: byClass(flips),
  }
}

interface Counting {
  inA: number
  paired: number
  onlyB: number
  relabelled: number
  rightInBoth: number
  wrongInBoth: number
  lost: number
  won: number
}

function countingOf(counts: Map<string, Counting>, split: string, inA = 0): Counting {
  const known = counts.get(split)
  if (known) return known
  const none = {
    paired: 0,
    onlyB: 0,
    relabelled: 0,
    rightInBoth: 0,
    wrongInBoth: 0,
    lost: 0,
    won: 0,
  }
  const counting = { inA, ...none }
  counts.set(split, counting)
  return counting
}

function count(counting: Counting, a: Head | undefined, b: Head): void {
  if (!a) {
    counting.onlyB += 1
    return
  }
  counting.paired += 1
  if (a.label !== b.label) counting.relabelled += 1
  else if (b.label === undefined) return
  else if (isRight(a)) counting[isRight(b) ? 'rightInBoth' : 'lost'] += 1
  else counting[isRight(b) ? 'won' : 'wrongInBoth'] += 1
}

function answers(
  split: string,
  { inA, paired, ...counts }: Counting,
  isSame: boolean | undefined,
): SplitAnswers {
  const onlyA = inA - paired
  const both = paired - counts.relabelled
  const isWhole = onlyA + counts.onlyB + counts.relabelled === 0
  const p = isWhole && isSame ? stableNumber(mcnemar(counts.lost, counts.won)) : undefined
  return { split, both, onlyA, ...counts, p }
}

function isRight({ label, predicted }: Head): boolean {
  return label === predicted
}

function isFlip(a: Head, b: Head): boolean {
  return b.label === undefined ? a.predicted !== b.predicted : isRight(a) !== isRight(b)
}

const PROBABILITIES = Buffer.from(',"probabilities":[')

/**
 * The lines of a predictions.jsonl without their probabilities, which are most of it: cut off where their key begins. Inside
 * a text no quote stands without a backslash, so the key cannot be part of a name.
 */
function readHeads(path: string): Head[] {
  const heads: Head[] = []
  const shorten = (bytes: Buffer): string => {
    const at = bytes.indexOf(PROBABILITIES)
    return at < 0 ? bytes.toString('utf8') : `${bytes.toString('utf8', 0, at)}}`
  }
  eachJsonLine<Line>(path, (line, place) => heads.push(headOf(line, place)), shorten)
  return heads
}

/** Of `evaluate`, or of a run without training. */
type Line =
  | (Pick<Head, 'split' | 'image' | 'predicted' | 'probability'> & { readonly label: string })
  | { readonly image: string; readonly top: readonly { label: string; probability: number }[] }

function headOf(line: Line, place: Place): Head {
  if (!('top' in line)) {
    const { split, image, label, predicted, probability } = line
    return { split, image, label, predicted, probability, place }
  }
  const { label: predicted = '', probability = 0 } = line.top[0] ?? {}
  return { split: '', image: line.image, label: undefined, predicted, probability, place }
}

function bySplits(heads: readonly Head[]): Map<string, Map<string, Head>> {
  const splits = new Map<string, Map<string, Head>>()
  for (const head of heads) {
    let split = splits.get(head.split)
    if (!split) splits.set(head.split, (split = new Map()))
    split.set(head.image, head)
  }
  return splits
}

/** The flips with what both gave to the true class, the most confident answer of B first. */
function withTruth(
  flipped: readonly { readonly a: Head; readonly b: Head }[],
  a: Side,
  b: Side,
): Flip[] {
  const left = answersOf(
    a,
    flipped.map((pair) => pair.a),
  )
  const right = answersOf(
    b,
    flipped.map((pair) => pair.b),
  )
  const flips = flipped.map((pair, i): Flip => {
    const { split, image, label: truth } = pair.b
    const change = truth === undefined ? 'other' : isRight(pair.b) ? 'won' : 'lost'
    return { split, image, truth, change, a: left[i]!, b: right[i]! }
  })
  return flips.sort((x, y) => y.b.probability - x.b.probability || byCodeUnit(x.image, y.image))
}

function answersOf({ predictions, record }: Side, heads: readonly Head[]): Answer[] {
  const classes = record?.classes ?? []
  const lines = readLinesAt(
    predictions!,
    heads.map(({ place }) => place),
  )
  return heads.map(({ label, predicted, probability }, i) => {
    const { probabilities = [] } = JSON.parse(lines[i]!) as { probabilities?: number[] }
    const ofTruth = label === undefined ? undefined : probabilities[classes.indexOf(label)]
    return { predicted, probability, ofTruth }
  })
}

function byClass(flips: readonly Flip[]): PredictionDiff['classes'] {
  const classes = new Map<string, { label: string; lost: number; won: number }>()
  for (const { truth: label, change } of flips) {
    if (label === undefined || change === 'other') continue
    const known = classes.get(label) ?? { label, lost: 0, won: 0 }
    known[change] += 1
    classes.set(label, known)
  }
  return [...classes.values()].sort(
    (a, b) => b.lost + b.won - a.lost - a.won || byCodeUnit(a.label, b.label),
  )
}
