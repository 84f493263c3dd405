import { countText, plural } from '../../util/text.ts'
import { card, cards } from '../card.ts'
import { percentText } from '../figures.ts'
import { markup, type Html, type Part } from '../html.ts'
import type { Section } from '../page.ts'
import { pictureKey } from '../pictures.ts'
import { shownPictures, SHOWN, type RunReport } from '../read.ts'
import { worstMistakes, type Scored } from '../scored.ts'
import { table } from '../table.ts'

/** So many mistakes are listed by name behind the pictures. */
const LISTED = 300

/** What was named wrong at the highest cost, as pictures; where nothing was, what was the least sure. */
export function mistakes(report: RunReport): Section | undefined {
  const { evaluations, scored } = report
  const [evaluation] = evaluations
  if (!evaluation) return undefined
  const title = 'Worst mistakes'
  if (!scored) return { id: 'mistakes', title, body: markup`<p class="note">${UNKNOWN}</p>` }
  const { split } = evaluation
  const wrong = worstMistakes(scored, split)
  const shown = shownPictures(scored, split)
  if (shown.length === 0) return undefined
  const body = markup`<p class="note">${introduction(report, wrong, split)}</p>
${cards(shown.map((one) => mistakeCard(one, report)))}
${wrong.length > SHOWN.mistakes && list(wrong, split)}`
  return { id: 'mistakes', title: wrong.length > 0 ? title : 'Least sure', body }
}

const UNKNOWN =
  'Which pictures were named wrong is not known here: the run has no predictions.jsonl. Git does not keep it, and evaluation.predictions may be false; the same pipeline, run again, brings it back.'

function introduction({ thumbnails }: RunReport, wrong: readonly Scored[], split: string): Part {
  const gone =
    thumbnails.size === 0 &&
    ' The pictures are not where they were and the store has let go of their pixels, so there are names alone.'
  if (wrong.length === 0)
    return [`Every ${split} picture was named right. These were the closest.`, gone]
  const all = wrong.length <= SHOWN.mistakes
  const what = all
    ? `${plural(wrong.length, `${split} picture was`, `${split} pictures were`)} named wrong`
    : `${SHOWN.mistakes} of the ${plural(wrong.length, `${split} picture`)} that were named wrong`
  return [`${what}, the most costly first.`, gone]
}

function mistakeCard(one: Scored, { thumbnails }: RunReport): Html {
  const { image, label, predicted, probability, ofTruth } = one
  const isWrong = label !== predicted
  const says = (what: string, name: string, share: number | undefined): Html =>
    markup`<span class="ranked"><span><span class="muted">${what}</span> <b><bdi>${name}</bdi></b></span>${share !== undefined && markup` <span class="share">${percentText(share)}</span>`}</span>`
  return card({
    picture: thumbnails.get(pictureKey(one)),
    name: image,
    lines: isWrong
      ? [says('named', predicted, probability), says('is', label, ofTruth)]
      : [says('is', label, probability)],
  })
}

function list(wrong: readonly Scored[], split: string): Html {
  const more =
    wrong.length > LISTED
      ? `The first ${LISTED} of ${countText(wrong.length)} mistakes`
      : `All ${countText(wrong.length)} mistakes`
  return markup`<details><summary>${more} by name</summary>${table<Scored>(
    `Mistakes on ${split}`,
    [
      { title: 'picture', head: true, value: ({ image }) => image },
      { title: 'is', value: ({ label }) => label },
      { title: 'named', value: ({ predicted }) => predicted },
      { title: 'probability', right: true, value: ({ probability }) => percentText(probability) },
    ],
    wrong.slice(0, LISTED),
  )}</details>`
}
