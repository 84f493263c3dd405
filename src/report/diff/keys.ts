import { isNaming, type ConfigDiff } from '../../runs/diff/config.ts'
import type { Side } from '../../runs/diff/side.ts'
import { valueText } from '../../runs/diff/verdict.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

/** Longer values are cut. */
const LONGEST = 200

/** Keys of the pipeline whose values differ, with the lines that say so. */
export function keys({ diff }: DiffReport): Section | undefined {
  const { config } = diff
  if (!config) return undefined
  const rows = config.filter((row) => !row.same && !isNaming(row))
  const [title, id] = ['Configuration', 'configuration']
  if (rows.length === 0) return { id, title, body: markup`<p>No key differs.</p>` }
  return {
    id,
    title,
    body: markup`${table<ConfigDiff>(
      'Keys that differ',
      [
        { title: 'key', head: true, value: ({ path }) => markup`<code>${path}</code>` },
        { title: 'A', value: ({ a, at }) => said(a, at.a, diff.a) },
        { title: 'B', value: ({ b, at }) => said(b, at.b, diff.b) },
      ],
      rows,
    )}`,
  }
}

/** Of a run the folder is known: `resolved.yaml:31`. */
function said(value: ConfigDiff['a'], at: string | undefined, { record }: Side): Html {
  if (value === undefined) return markup`<span class="muted">not there</span>`
  const place = record ? at?.split('/').at(-1) : at
  return markup`<code>${valueText(value, LONGEST)}</code>${
    place !== undefined && markup` <small class="at">${place}</small>`
  }`
}
