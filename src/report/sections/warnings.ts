import type { Diagnostic } from '../../util/diagnostic.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'

/** What a failed run failed with. */
export function problems({ record }: RunReport): Section | undefined {
  const { problems: all = [] } = record
  if (all.length === 0) return undefined
  return { id: 'problems', title: 'What went wrong', body: list(all, 'problems') }
}

/** What the run warned of; there is no such part where it did not. */
export function warnings({ record }: RunReport): Section | undefined {
  const { warnings: all } = record
  if (all.length === 0) return undefined
  return {
    id: 'warnings',
    title: all.length === 1 ? 'Warning' : 'Warnings',
    body: list(all, 'warnings'),
  }
}

function list(all: readonly Diagnostic[], kind: 'problems' | 'warnings'): Html {
  return markup`<ul class="told ${kind}">${all.map(
    ({ code, message, hint }) =>
      markup`<li><code>${code}</code> ${message}${hint !== undefined && markup`<small>${hint}</small>`}</li>`,
  )}</ul>`
}
