import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'

/** What the run warned of; there is no such part where it did not. */
export function warnings({ record }: RunReport): Section | undefined {
  const { warnings: all } = record
  if (all.length === 0) return undefined
  return {
    id: 'warnings',
    title: all.length === 1 ? 'Warning' : 'Warnings',
    body: markup`<ul class="warnings">
      ${all.map(
        ({ code, message, hint }) =>
          markup`<li>
            <code>${code}</code> ${message}${hint !== undefined && markup`<small>${hint}</small>`}
          </li>`,
      )}
    </ul>`,
  }
}
