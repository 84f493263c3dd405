import { markup, type Html, type Part } from './html.ts'

/** A drawing with its caption, and the same in figures for who cannot see it or wants to know exactly. */
export function figure({
  caption,
  drawing,
  figures,
  legend,
}: {
  readonly caption: Part
  readonly drawing: Html
  readonly figures: Html
  readonly legend?: Html | undefined
}): Html {
  return markup`<figure>
    <figcaption>${caption}</figcaption>
    ${legend}
    <div class="drawing">${drawing}</div>
    <details>
      <summary>In figures</summary>
      ${figures}
    </details>
  </figure>`
}

/** What the lines of a drawing are, each with a stroke of it. */
export function legend(
  lines: readonly { readonly name: string; readonly colour: string; readonly dashed?: boolean }[],
): Html {
  return markup`<ul class="legend">
    ${lines.map(
      ({ name, colour, dashed }) =>
        markup`<li><span class="${dashed ? 'stroke dashed' : 'stroke'}" style="color:${colour}"></span>${name}</li>`,
    )}
  </ul>`
}
