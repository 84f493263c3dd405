import type { EvaluationFile } from '../../stages/evaluate.ts'
import { countText, plural } from '../../util/text.ts'
import { confusionChart, confusionOverview } from '../charts/confusion.ts'
import { percentText } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { confusedPairs, tally, type Pair } from '../statistics.ts'
import { table } from '../table.ts'

/** More classes than this are not read one by one. */
const MOST = 40
/** How many pairs are told. */
const PAIRS = 30

/** What is taken for what, of each evaluated split; the first one open. */
export function confusion({ evaluations }: RunReport): Section | undefined {
  const [first, ...others] = evaluations
  if (!first) return undefined
  return {
    id: 'confusion',
    title: 'What is taken for what',
    body: markup`${matrix(first)}${others.map(
      (one) =>
        markup`<details class="more"><summary>The same of ${one.split}</summary>${matrix(one)}</details>`,
    )}`,
  }
}

function matrix(evaluation: EvaluationFile): Html {
  const pairs = confusedPairs(evaluation.confusion).slice(0, PAIRS)
  return evaluation.classes.length > MOST ? overview(evaluation, pairs) : whole(evaluation, pairs)
}

/** Two drawings, pictures and shares, of which a choice shows one, without a script: by `:has()`; browsers without it show both. */
function whole(evaluation: EvaluationFile, pairs: readonly Pair[]): Html {
  const { split, classes, confusion: counts } = evaluation
  const id = `confusion-${split}`
  const drawing = (show: 'pictures' | 'share') =>
    confusionChart({ counts, classes, show, label: spoken(evaluation, show) })
  const choice = (show: 'pictures' | 'share', says: string) =>
    markup`<label><input type="radio" name="${id}" value="${show}"${show === 'pictures' && markup` checked`}> ${says}</label>`
  return markup`<figure class="matrix">
<figcaption>${split} <small>a row for what it is, a column for what the model says; the colour is the share of the row</small></figcaption>
<fieldset class="choice"><legend class="unseen">Numbers in the cells</legend>${choice('pictures', 'Pictures')}${choice('share', '% of the row')}</fieldset>
${(['pictures', 'share'] as const).map(
  (show) =>
    markup`<div class="scroll by-${show}" role="region" tabindex="0" aria-label="Confusion matrix of ${split}, ${NAMES[show]}">${drawing(show)}</div>`,
)}
<details><summary>In figures</summary>${countTable(evaluation)}</details>
</figure>
${classes.length > 2 && pairs.length > 0 && markup`<details><summary>The ${plural(pairs.length, 'pair')} that ${pairs.length === 1 ? 'is' : 'are'} confused most</summary>${pairTable(evaluation, pairs)}</details>`}`
}

const NAMES = { pictures: 'pictures', share: 'percent of the row' } as const

function overview(evaluation: EvaluationFile, pairs: readonly Pair[]): Html {
  const { split, classes, confusion: counts } = evaluation
  return markup`<div class="pair overviews">
<figure><figcaption>${split}: the pairs that are confused most</figcaption>${
    pairs.length > 0
      ? pairTable(evaluation, pairs)
      : markup`<p>Nothing is taken for anything else.</p>`
  }</figure>
<figure><figcaption>${split}: all ${classes.length} classes <small>a row for what it is, a column for what the model says</small></figcaption>${confusionOverview(
    counts,
    spoken(evaluation, 'pictures'),
  )}</figure>
</div>`
}

function pairTable(
  { split, classes, confusion: counts }: EvaluationFile,
  pairs: readonly Pair[],
): Html {
  const sums = counts.map((row) => row.reduce((a, b) => a + b, 0))
  return table<Pair>(
    `Pairs of ${split} that are confused most`,
    [
      { title: 'is', head: true, value: ({ truth }) => classes[truth] },
      { title: 'taken for', value: ({ predicted }) => classes[predicted] },
      {
        title: 'pictures',
        right: true,
        value: ({ truth, count }) => `${countText(count)} of ${countText(sums[truth]!)}`,
      },
      {
        title: 'share',
        right: true,
        value: ({ truth, count }) => percentText(count / sums[truth]!),
      },
    ],
    pairs,
  )
}

function countTable({ split, classes, confusion: counts }: EvaluationFile): Html {
  return table<number>(
    `Confusion matrix of ${split} in pictures: rows are what it is`,
    [
      { title: 'is', head: true, value: (truth) => classes[truth] },
      ...classes.map((title, predicted) => ({
        title,
        right: true,
        value: (truth: number) => countText(counts[truth]![predicted]!),
      })),
    ],
    classes.map((_, i) => i),
  )
}

function spoken(
  { split, classes, confusion: counts }: EvaluationFile,
  show: 'pictures' | 'share',
): string {
  const { right, total } = tally(counts)
  const pairs = confusedPairs(counts).slice(0, 3)
  const told = pairs.map(
    ({ truth, predicted, count }) =>
      `${classes[truth]} for ${classes[predicted]}, ${countText(count)}`,
  )
  const most = told.length > 0 ? ` Most often taken for another: ${told.join('; ')}.` : ''
  return `Confusion matrix of ${split} in ${NAMES[show]}: ${countText(right)} of ${plural(total, 'picture')} on the diagonal.${most}`
}
