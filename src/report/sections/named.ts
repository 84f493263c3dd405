import type { Prediction } from '../../prediction/predict-pictures.ts'
import { countText } from '../../util/text.ts'
import { bar } from '../bar.ts'
import { card, cards } from '../card.ts'
import { percentText } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { pictureKey } from '../pictures.ts'
import { SHOWN, type RunReport } from '../read.ts'
import { table } from '../table.ts'

/** So many pictures are listed by name. */
const LISTED = 500

/** What a run without training named its pictures. */
export function named({ record, named: all, thumbnails }: RunReport): Section | undefined {
  if (!record.predicted) return undefined
  const title = 'Pictures'
  if (!all) {
    return {
      id: 'pictures',
      title,
      body: markup`<p class="note">The run has no predictions.jsonl, which git does not keep: run the pipeline again.</p>`,
    }
  }
  const shown = all.slice(0, SHOWN.named)
  const gone = thumbnails.size === 0 && all.length > 0
  return {
    id: 'pictures',
    title,
    body: markup`${gone && markup`<p class="note">The pictures are not where they were, so there are names alone.</p>`}
${cards(
  shown.map(({ image, top }) =>
    card({
      picture: thumbnails.get(pictureKey({ split: '', image })),
      name: image,
      lines: top.map(ranked),
    }),
  ),
)}
${all.length > shown.length && list(all)}`,
  }
}

function ranked({ label, probability }: Prediction['top'][number]): Html {
  return markup`<span class="ranked"><bdi>${label}</bdi> <span class="share">${percentText(probability)}</span></span>${bar(probability)}`
}

function list(all: readonly Prediction[]): Html {
  const some = all.slice(0, LISTED)
  const says =
    some.length < all.length
      ? `The first ${LISTED} of ${countText(all.length)} pictures`
      : `All ${countText(all.length)} pictures`
  return markup`<details><summary>${says} by name</summary>${table<Prediction>(
    'Pictures with their most probable class',
    [
      { title: 'picture', head: true, value: ({ image }) => image },
      { title: 'named', value: ({ top }) => top[0]?.label },
      {
        title: 'probability',
        right: true,
        value: ({ top }) => top[0] && percentText(top[0].probability),
      },
    ],
    some,
  )}</details>`
}
