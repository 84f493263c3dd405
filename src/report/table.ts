import { markup, type Html, type Part } from './html.ts'

export interface HtmlColumn<Row> {
  /** Empty for bars beside a number: narrow screens go without them. */
  readonly title: string
  /** A number: to the right, figures of one width. */
  readonly right?: boolean
  /** Names the row: a header cell. */
  readonly head?: boolean
  readonly value: (row: Row) => Part
}

/** Tables with more rows may be broken over pages of paper. */
const LONG = 20

/** A table in a box of its own, which scrolls where the page is narrower: `caption` is read out, and seen only where `shown`. */
export function table<Row>(
  caption: string,
  columns: readonly HtmlColumn<Row>[],
  rows: readonly Row[],
  { shown = false }: { readonly shown?: boolean } = {},
): Html {
  const side = ({ right, title }: HtmlColumn<Row>) =>
    right === true ? markup` class="right"` : title === '' && markup` class="bars"`
  const cell = (column: HtmlColumn<Row>, row: Row) =>
    column.head
      ? markup`<th scope="row"${side(column)}>${column.value(row)}</th>`
      : markup`<td${side(column)}>${column.value(row)}</td>`
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table${rows.length > LONG && markup` class="long"`}>
<caption${!shown && markup` class="unseen"`}>${caption}</caption>
<thead><tr>${columns.map((column) => heading(column, side(column)))}</tr></thead>
<tbody>${rows.map(
    (row) => markup`
<tr>${columns.map((column) => cell(column, row))}</tr>`,
  )}
</tbody></table></div>`
}

/** A column of bars has no title, and an empty header cell would be one for nothing. */
function heading<Row>({ title }: HtmlColumn<Row>, side: Html | false): Html {
  return title === ''
    ? markup`<td class="bars"></td>`
    : markup`<th scope="col"${side}>${title}</th>`
}

/** Facts as a list of terms: a label of one or two words and what there is to say. */
export function facts(pairs: readonly (readonly [label: string, value: Part])[]): Html {
  return markup`<dl class="facts">
    ${pairs.map(
      ([label, value]) =>
        markup`<div>
          <dt>${label}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}
