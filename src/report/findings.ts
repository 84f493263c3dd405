import { countText } from '../util/text.ts'
import { calibrate } from './calibration.ts'
import { bestEpoch } from './epochs.ts'
import { percentText } from './figures.ts'
import { markup, type Html, type Part } from './html.ts'
import type { RunReport } from './read.ts'
import { isRight } from './scored.ts'
import { confusedPairs } from './statistics.ts'

/** One thing that a person should know about a run, with the part of the page that shows it. */
export interface Finding {
  readonly section: string
  readonly text: Part
}

/** What stands out, the most general first; each is a fact with its figures, nothing is guessed. */
export function findings(report: RunReport): Finding[] {
  return [learning, generalization, weakest, confused, sureness].flatMap(
    (look) => look(report) ?? [],
  )
}

/** Training is this much better than validation: more than shuffling does. */
const GAP = 0.05

function generalization({ record: { epochs } }: RunReport): Finding | undefined {
  const last = epochs.at(-1)
  const [train, validation] = [last?.train['accuracy'], last?.validation?.['accuracy']]
  if (typeof train !== 'number' || typeof validation !== 'number' || train - validation < GAP)
    return undefined
  return {
    section: 'curves',
    text: `In the last epoch ${percentText(train)} of the training pictures were named right and ${percentText(validation)} of the validation pictures: a gap of ${((train - validation) * 100).toFixed(1)} points.`,
  }
}

function learning({ record: { epochs } }: RunReport): Finding | undefined {
  const best = bestEpoch(epochs, 'loss')
  const last = epochs.at(-1)
  if (!best || !last || epochs.length < 2) return undefined
  const text =
    best.epoch === last.epoch
      ? `The validation loss was still falling in the last epoch, the ${countText(last.epoch)}th.`
      : `The validation loss was lowest after epoch ${best.epoch} of ${last.epoch}.`
  return { section: 'curves', text: text.replace(/\b(\d*)(1th|2th|3th)\b/, ordinal) }
}

function ordinal(text: string): string {
  const number = Number.parseInt(text, 10)
  const isTeen = Math.floor((number % 100) / 10) === 1
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th')
  return `${number}${ending}`
}

/** Where there are more than two classes; of two, both are in the matrix. */
function weakest({ evaluations: [evaluation] }: RunReport): Finding | undefined {
  const known = evaluation?.perClass.filter(({ support }) => support > 0) ?? []
  if (!evaluation || known.length < 3) return undefined
  const [worst, next] = known.toSorted((a, b) => a.f1 - b.f1)
  if (worst!.f1 === next!.f1) return undefined
  const { label, recall, support, precision } = worst!
  const found = Math.round(recall * support)
  return {
    section: 'classes',
    text: markup`The weakest class is ${name(label)}: ${countText(found)} of ${countText(support)} found, and ${percentText(precision)} of what is named so is right.`,
  }
}

function confused({ evaluations: [evaluation] }: RunReport): Finding | undefined {
  const [most] = evaluation ? confusedPairs(evaluation.confusion) : []
  if (!evaluation || !most || most.count < 2) return undefined
  const { classes, confusion } = evaluation
  const all = confusion[most.truth]!.reduce((a, b) => a + b, 0)
  return {
    section: 'confusion',
    text: markup`Most often ${name(classes[most.truth]!)} is taken for ${name(classes[most.predicted]!)}: ${countText(most.count)} of ${countText(all)} times.`,
  }
}

/** Mistakes with more than this probability are worth a look: labels may be wrong. */
const SURE = 0.9

function sureness({ scored, evaluations: [evaluation] }: RunReport): Finding | undefined {
  const all = scored?.filter(({ split }) => split === evaluation?.split) ?? []
  const made = calibrate(all)
  if (!made) return undefined
  const wrong = all.filter((one) => !isRight(one) && one.probability > SURE).length
  if (wrong === 0) return undefined
  const times = wrong === 1 ? 'One mistake was' : `${countText(wrong)} mistakes were`
  return {
    section: 'mistakes',
    text: `${times} made with a probability above ${percentText(SURE, 0)}.`,
  }
}

function name(label: string): Html {
  return markup`<b><bdi>${label}</bdi></b>`
}
