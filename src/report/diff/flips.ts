import type { Flip } from '../../runs/diff/predictions.ts'
import { countText, plural } from '../../util/text.ts'
import { card, cards } from '../card.ts'
import { percentText } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { pictureKey } from '../pictures.ts'
import { table, type HtmlColumn } from '../table.ts'
import { CHANGES, flipsOf, type DiffReport } from './read.ts'

/** So many are listed by name behind the pictures. */
const LISTED = 500

const TITLES: Readonly<Record<Flip['change'], string>> = {
  lost: 'Right to wrong',
  won: 'Wrong to right',
  other: 'Named otherwise',
}

/** Pictures whose answer changed, with both answers side by side. */
export function flips(report: DiffReport): Section | undefined {
  const { predictions } = report.diff
  if (!predictions) return undefined
  const kinds = CHANGES.filter((change) => flipsOf(report, change).all.length > 0)
  const body =
    kinds.length === 0
      ? markup`<p>No picture that both have went from right to wrong or from wrong to right.</p>`
      : markup`${report.thumbnails.size === 0 && markup`<p class="note">${GONE}</p>`}
${kinds.map((change) => kind(change, report))}`
  return { id: 'flips', title: 'Flipped pictures', body }
}

const GONE =
  'The pictures are not where they were and the store has let go of their pixels, so there are names alone.'

function kind(change: Flip['change'], report: DiffReport): Html {
  const { all, shown, rest } = flipsOf(report, change)
  const splits = new Set(report.diff.predictions!.flips.map(({ split }) => split))
  const of = rest.length > 0 ? `, ${shown.length} of them here` : ''
  return markup`<h3>${TITLES[change]}</h3>
<p class="note">${plural(all.length, 'picture')}${of}, the most certain answer of B first.</p>
${cards(shown.map((flip) => flipCard(flip, report, splits.size > 1)))}
${rest.length > 0 && list(change, all)}`
}

function flipCard(flip: Flip, { thumbnails }: DiffReport, isSplitSaid: boolean): Html {
  const { split, image, truth, a, b } = flip
  const is =
    truth !== undefined &&
    markup`<span class="muted">is</span> <b><bdi>${truth}</bdi></b>${isSplitSaid && markup` <span class="muted">in ${split}</span>`}`
  return card({
    picture: thumbnails.get(pictureKey(flip)),
    name: image,
    lines: [
      ...(is === false ? [] : [is]),
      markup`<dl class="says">${answer('A', a, truth)}${answer('B', b, truth)}</dl>`,
    ],
  })
}

/** Right or wrong is said by a sign and in words, not by a colour alone. */
function answer(
  side: 'A' | 'B',
  { predicted, probability, ofTruth }: Flip['a'],
  truth?: string,
): Html {
  const isRight = predicted === truth
  const sign =
    truth !== undefined &&
    markup`<span class="${isRight ? 'sign good' : 'sign bad'}" role="img" aria-label="${isRight ? 'right' : 'wrong'}">${isRight ? '✓' : '✗'}</span>`
  const rest = !isRight && ofTruth !== undefined
  return markup`<div><dt><span class="side ${side.toLowerCase()}">${side}</span></dt>
<dd>${sign} <bdi>${predicted}</bdi> <span class="share">${percentText(probability)}</span>${
    rest && markup`<small><bdi>${truth}</bdi> ${percentText(ofTruth)}</small>`
  }</dd></div>`
}

function list(change: Flip['change'], all: readonly Flip[]): Html {
  const some = all.slice(0, LISTED)
  const says =
    some.length < all.length
      ? `The first ${LISTED} of ${countText(all.length)} pictures`
      : `All ${countText(all.length)} pictures`
  const isLabelled = change !== 'other'
  const columns: readonly HtmlColumn<Flip>[] = [
    { title: 'picture', head: true, value: ({ image }) => image },
    ...(isLabelled ? [{ title: 'is', value: ({ truth }: Flip) => truth }] : []),
    { title: 'A', value: ({ a }) => a.predicted },
    { title: 'of A', right: true, value: ({ a }) => percentText(a.probability) },
    { title: 'B', value: ({ b }) => b.predicted },
    { title: 'of B', right: true, value: ({ b }) => percentText(b.probability) },
  ]
  return markup`<details><summary>${says} by name</summary>${table(TITLES[change], columns, some)}</details>`
}
