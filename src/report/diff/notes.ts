import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import type { DiffReport } from './read.ts'

/** What is missing, and what is not known because of it. */
export function notes({ diff }: DiffReport): Section | undefined {
  if (diff.notes.length === 0) return undefined
  return {
    id: 'unknown',
    title: 'What is not known',
    body: markup`<ul class="told">${diff.notes.map((note) => markup`<li>${note}</li>`)}</ul>`,
  }
}
