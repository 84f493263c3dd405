import { areaUnderRoc } from './roc.ts'

export type MetricName =
  'loss' | 'accuracy' | 'top5Accuracy' | 'precision' | 'recall' | 'f1' | 'auc'

export interface ClassFigures {
  /** 0 where the class was never predicted (precision) or never there (recall), as in scikit-learn. */
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** Examples that are of the class. */
  readonly support: number
  /** Against all other classes; undefined without examples of both, or where scores were not kept. */
  readonly auc: number | undefined
}

/** What was counted over a split; the figures below read it. */
export interface Counts {
  readonly examples: number
  /** Sum over the examples; undefined where no losses were given. */
  readonly loss: number | undefined
  readonly inTopFive: number
  /** Examples by [true class][predicted class]. */
  readonly confusion: readonly (readonly number[])[]
  readonly perClass: readonly ClassFigures[]
}

export interface MetricDefinition {
  readonly description: string
  readonly better: 'higher' | 'lower'
  /** Keeps every score until the end: 4 bytes an example and unit. */
  readonly needsScores?: boolean
  /** Undefined where the data does not allow it. */
  readonly figure: (counts: Counts) => number | undefined
}

const ofClasses =
  (name: 'precision' | 'recall' | 'f1' | 'auc') =>
  ({ perClass }: Counts): number | undefined => {
    if (perClass.length === 2) return perClass[1]![name]
    const values = perClass.map((figures) => figures[name]).filter((v) => v !== undefined)
    return values.length === 0 ? undefined : sum(values) / values.length
  }

/**
 * The metrics, computed on the host in double precision. Two classes, whatever the head: of the second one.
 * More: the mean over all classes, each counting the same (scikit-learn's `macro`; Keras' Precision and Recall
 * would compare each unit with 0.5 instead); classes without an AUC are left out of its mean.
 */
export const METRICS: Readonly<Record<MetricName, MetricDefinition>> = {
  loss: {
    description: 'mean loss of an example, with what regularizers add',
    better: 'lower',
    figure: ({ loss, examples }) => (loss === undefined ? undefined : loss / examples),
  },
  accuracy: {
    description:
      "share of right answers: one unit above 0.5, or the largest of several (Keras' choice)",
    better: 'higher',
    figure: ({ confusion, examples }) =>
      examples === 0 ? undefined : sum(confusion.map((row, i) => row[i]!)) / examples,
  },
  top5Accuracy: {
    description: 'share of examples whose class is among the five largest outputs',
    better: 'higher',
    figure: ({ inTopFive, examples }) => (examples === 0 ? undefined : inTopFive / examples),
  },
  precision: {
    description: 'of what was called a class, the share that is of it',
    better: 'higher',
    figure: ofClasses('precision'),
  },
  recall: {
    description: 'of what is of a class, the share that was called so',
    better: 'higher',
    figure: ofClasses('recall'),
  },
  f1: {
    description: 'harmonic mean of precision and recall',
    better: 'higher',
    figure: ofClasses('f1'),
  },
  auc: {
    description: 'area under the ROC curve, exact, each class against the rest',
    better: 'higher',
    needsScores: true,
    figure: ofClasses('auc'),
  },
}

export interface Tally {
  /**
   * Adds the first `count` examples of a batch: probabilities [n, units] (one unit: of the second class), labels
   * [n] as numbers of classes, and the loss of each example if there is one; a penalty adds to each of them.
   */
  add(batch: {
    readonly probabilities: Float32Array
    readonly labels: ArrayLike<number>
    readonly losses?: Float32Array | undefined
    readonly penalty?: number | undefined
    readonly count: number
  }): void
  counts(): Counts
  /** The metrics asked for; those the data does not allow are left out. */
  figures(): Partial<Record<MetricName, number>>
  /** What was counted so far, as JSON: another tally of the same units and metrics goes on from it. */
  state(): TallyState
}

export interface TallyState {
  readonly examples: number
  readonly loss: number | null
  readonly inTopFive: number
  readonly confusion: readonly (readonly number[])[]
  /** Base64 of float32 scores and of uint32 labels, a pair a batch. */
  readonly kept: readonly (readonly [string, string])[]
}

/** A batch of [n, units] and [n]. */
interface Kept {
  readonly scores: Float32Array
  readonly labels: Uint32Array
}

/** Counts batch by batch, on from `state`. `units` 1 means two classes, else it is the number of classes. */
export function openTally(
  units: number,
  metrics: readonly MetricName[],
  state?: TallyState,
): Tally {
  const classes = units === 1 ? 2 : units
  const confusion = Array.from({ length: classes }, (_, c) => [
    ...(state?.confusion[c] ?? new Array<number>(classes).fill(0)),
  ])
  const keeps = metrics.some((name) => METRICS[name].needsScores)
  const kept: Kept[] = (state?.kept ?? []).map(([scores, labels]) => ({
    scores: new Float32Array(bytesOf(scores)),
    labels: new Uint32Array(bytesOf(labels)),
  }))
  let examples = state?.examples ?? 0
  let loss = state?.loss ?? undefined
  let inTopFive = state?.inTopFive ?? 0

  const counts = (): Counts => {
    const areas = keeps ? areasOf(kept, units, classes) : []
    const perClass = confusion.map((_, c) => ({ ...figuresOf(confusion, c), auc: areas[c] }))
    return { examples, loss, inTopFive, confusion: confusion.map((row) => [...row]), perClass }
  }
  return {
    add: ({ probabilities, labels, losses, penalty = 0, count }) => {
      examples += count
      for (let i = 0; i < count; i += 1) {
        const label = labels[i]!
        if (losses) loss = (loss ?? 0) + losses[i]! + penalty
        confusion[label]![predicted(probabilities, i, units)]! += 1
        if (larger(probabilities, i, units, label) < 5) inTopFive += 1
      }
      if (!keeps) return
      const scores = probabilities.slice(0, count * units)
      kept.push({ scores, labels: Uint32Array.from({ length: count }, (_, i) => labels[i]!) })
    },
    counts,
    state: () => ({
      examples,
      loss: loss ?? null,
      inTopFive,
      confusion: confusion.map((row) => [...row]),
      kept: kept.map(({ scores, labels }) => [base64(scores), base64(labels)] as const),
    }),
    figures: () => {
      const all = counts()
      const entries = metrics.map((name) => [name, METRICS[name].figure(all)] as const)
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
    },
  }
}

/** The class called: one unit above 0.5, or the first of the largest. */
export function predicted(probabilities: Float32Array, example: number, units: number): number {
  if (units === 1) return probabilities[example]! > 0.5 ? 1 : 0
  const start = example * units
  let best = 0
  for (let c = 1; c < units; c += 1) {
    if (probabilities[start + c]! > probabilities[start + best]!) best = c
  }
  return best
}

/** How many outputs of the example are larger than its own class's; ties are in its favour, as in Keras. */
function larger(
  probabilities: Float32Array,
  example: number,
  units: number,
  label: number,
): number {
  if (units === 1) return 0
  const start = example * units
  const own = probabilities[start + label]!
  let count = 0
  for (let c = 0; c < units; c += 1) if (probabilities[start + c]! > own) count += 1
  return count
}

function figuresOf(confusion: readonly (readonly number[])[], c: number) {
  const right = confusion[c]![c]!
  const support = sum(confusion[c]!)
  const called = sum(confusion.map((row) => row[c]!))
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    precision: ratio(right, called),
    recall: ratio(right, support),
    f1: ratio(2 * right, called + support),
    support,
  }
}

/** Of each class against the rest. */
function areasOf(kept: readonly Kept[], units: number, classes: number): (number | undefined)[] {
  const labels = kept.flatMap((batch) => [...batch.labels])
  return Array.from({ length: classes }, (_, c) => {
    const column = new Float32Array(labels.length)
    let row = 0
    for (const { scores } of kept) {
      for (let at = 0; at < scores.length; at += units, row += 1) {
        // One unit scores the second class; less of it is more of the first.
        column[row] = units > 1 ? scores[at + c]! : c === 1 ? scores[at]! : -scores[at]!
      }
    }
    return areaUnderRoc(column, (i) => labels[i] === c)
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, v) => total + v, 0)
}

function base64({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64')
}

function bytesOf(text: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(text, 'base64')).buffer
}
