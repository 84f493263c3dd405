import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { PredictionLine } from '../stages/evaluate.ts'
import { isErrno } from '../util/files.ts'

/** A line of predictions.jsonl without its probabilities, of which there may be a thousand. */
export interface Scored extends Omit<PredictionLine, 'probabilities'> {
  /** Of what it really is; known of mistakes alone. */
  readonly ofTruth?: number | undefined
}

/** Where a line goes on with what is not needed of right answers; keys are in the order of `PredictionLine`. */
const REST = ',"probabilities":['

/**
 * Every picture that a run was evaluated on, in the order of the file. Undefined where the file is not there, as in runs
 * from git. Lines that are none (a torn last one) are left out.
 */
export async function readScored(
  path: string,
  classes: readonly string[],
): Promise<Scored[] | undefined> {
  const places = new Map(classes.map((name, i) => [name, i]))
  const scored: Scored[] = []
  try {
    for await (const line of createInterface({
      input: createReadStream(path),
      crlfDelay: Infinity,
    })) {
      const one = scoredOf(line, places)
      if (one) scored.push(one)
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
  return scored
}

function scoredOf(line: string, places: ReadonlyMap<string, number>): Scored | undefined {
  const end = line.indexOf(REST)
  if (end < 0) return undefined
  try {
    const head = JSON.parse(`${line.slice(0, end)}}`) as Scored
    if (head.label === head.predicted) return head
    const { probabilities } = JSON.parse(line) as PredictionLine
    return { ...head, ofTruth: probabilities[places.get(head.label) ?? -1] }
  } catch {
    return undefined
  }
}

export function isRight({ label, predicted }: Scored): boolean {
  return label === predicted
}

/** Mistakes, the costliest first: what had the largest loss. */
export function worstMistakes(scored: readonly Scored[], split: string): Scored[] {
  return scored
    .filter((one) => one.split === split && !isRight(one))
    .sort((a, b) => (b.loss ?? Infinity) - (a.loss ?? Infinity))
}

/** What was named right, the least probable first. */
export function leastSure(scored: readonly Scored[], split: string): Scored[] {
  return scored
    .filter((one) => one.split === split && isRight(one))
    .sort((a, b) => a.probability - b.probability)
}
