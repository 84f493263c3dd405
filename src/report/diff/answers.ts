import type { PredictionDiff, SplitAnswers } from '../../runs/diff/predictions.ts'
import { countText } from '../../util/text.ts'
import { bar } from '../bar.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { table, type HtmlColumn } from '../table.ts'
import type { DiffReport } from './read.ts'

type ClassRow = PredictionDiff['classes'][number]

/** So many classes are shown at once. */
const SHOWN = 24

/** How many pictures both name right or wrong, and only one of them; by class. */
export function answers({ diff }: DiffReport): Section | undefined {
  const { predictions } = diff
  const splits = predictions?.splits.filter(isLabelled) ?? []
  if (!predictions || splits.length === 0) return undefined
  return {
    id: 'answers',
    title: 'Answers',
    body: markup`${table<SplitAnswers>('Answers to the pictures that both have', COLUMNS, splits)}
${predictions.classes.length > 0 && byClass(predictions.classes)}`,
  }
}

function isLabelled({ rightInBoth, wrongInBoth, lost, won }: SplitAnswers): boolean {
  return rightInBoth + wrongInBoth + lost + won > 0
}

const count = (title: string, key: keyof SplitAnswers): HtmlColumn<SplitAnswers> => ({
  title,
  right: true,
  value: (row) => countText(Number(row[key])),
})

const COLUMNS: readonly HtmlColumn<SplitAnswers>[] = [
  { title: 'split', head: true, value: ({ split }) => split },
  count('in both', 'both'),
  count('right in both', 'rightInBoth'),
  count('wrong in both', 'wrongInBoth'),
  count('right to wrong', 'lost'),
  count('wrong to right', 'won'),
  {
    title: 'only in one',
    right: true,
    value: ({ onlyA, onlyB, relabelled }) => countText(onlyA + onlyB + relabelled),
  },
]

function byClass(classes: readonly ClassRow[]): Html {
  const most = Math.max(...classes.map(({ lost, won }) => Math.max(lost, won)))
  const columns: readonly HtmlColumn<ClassRow>[] = [
    { title: 'class', head: true, value: ({ label }) => label },
    { title: 'right to wrong', right: true, value: ({ lost }) => countText(lost) },
    { title: '', value: ({ lost }) => bar(lost / most, 'wrong') },
    { title: 'wrong to right', right: true, value: ({ won }) => countText(won) },
    { title: '', value: ({ won }) => bar(won / most) },
  ]
  const [shown, rest] = [classes.slice(0, SHOWN), classes.slice(SHOWN)]
  return markup`<h3>By class</h3>${table('Flipped pictures by their class', columns, shown)}${
    rest.length > 0 &&
    markup`<details><summary>${countText(rest.length)} more</summary>${table('More classes with flipped pictures', columns, rest)}</details>`
  }`
}
