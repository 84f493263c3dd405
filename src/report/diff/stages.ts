import type { StageDiff } from '../../runs/diff/stages.ts'
import { plural } from '../../util/text.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

/** Stages that were made of something else, and of what. */
export function stages({ diff }: DiffReport): Section | undefined {
  const { stages: all } = diff
  if (!all || all.length === 0) return undefined
  const rows = all.filter(({ same }) => !same)
  const others = all.length - rows.length
  const says = `${plural(others, 'stage is', 'stages are')} the same${others > 0 ? `: ${all.flatMap(({ id, same }) => (same ? [id] : [])).join(', ')}` : ''}.`
  return {
    id: 'stages',
    title: 'Stages',
    body: markup`${
      rows.length > 0 &&
      table<StageDiff>(
        'Stages that differ',
        [
          { title: 'stage', head: true, value: ({ id }) => id },
          { title: 'why', value: ({ why }) => why },
        ],
        rows,
      )
    }${others > 0 && markup`<p class="note">${says}</p>`}`,
  }
}
