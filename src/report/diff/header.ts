import type { Side } from '../../runs/diff/side.ts'
import { countText, secondsText } from '../../util/text.ts'
import { dateText } from '../figures.ts'
import { markup, type Html, type Part } from '../html.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

/** The top of the page: the verdict, and what is compared. */
export function header({ diff }: DiffReport): Html {
  const { a, b, verdict } = diff
  // Figures on different pictures are not to be compared: nothing may be read before that.
  const isLoud = verdict.startsWith('DIFFERENT ')
  return markup`<header>
    <h1>
      <span class="who"><span class="side a">A</span> <bdi>${a.title}</bdi></span>
      <span class="who"><span class="side b">B</span> <bdi>${b.title}</bdi></span>
    </h1>
    <p class="${isLoud ? 'judgement loud' : 'judgement'}">${verdict}</p>
    ${sides(a, b)}
  </header>`
}

interface Row {
  readonly title: string
  readonly value: (side: Side) => Part
}

const ROWS: readonly Row[] = [
  { title: 'Status', value: ({ record }) => record?.status ?? 'a file, not run' },
  { title: 'Started', value: ({ record }) => record && dateText(record.started) },
  { title: 'Took', value: ({ record }) => record && secondsText(record.seconds) },
  { title: 'Seed', value: ({ record }) => record?.seed },
  {
    title: 'Epochs',
    value: ({ record }) => record && record.epochs.length > 0 && countText(record.epochs.length),
  },
  {
    title: 'Parameters trained',
    value: ({ record }) => record && !record.predicted && countText(record.parameters.trainable),
  },
]

function sides(a: Side, b: Side): Html {
  const isKnown = ({ value }: Row) =>
    [a, b].some((side) => ![undefined, false].includes(value(side) as undefined))
  return markup`<div class="sides">${table<Row>(
    'What is compared',
    [
      { title: 'side', head: true, value: ({ title }) => title },
      { title: 'A', value: ({ value }) => value(a) },
      { title: 'B', value: ({ value }) => value(b) },
    ],
    ROWS.filter(isKnown),
  )}</div>`
}
