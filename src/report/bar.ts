import { markup, type Html } from './html.ts'

/** A length 0..1 in a cell of a table, beside the number that it is of. */
export function bar(share: number, tone = 'accent'): Html {
  const width = Math.round(Math.max(0, Math.min(1, share)) * 1000) / 10
  return markup`<span class="bar" aria-hidden="true"
    ><i style="width:${width}%;background:var(--${tone})"></i
  ></span>`
}
