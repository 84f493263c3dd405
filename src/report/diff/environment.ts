import type { EnvironmentDiff } from '../../runs/diff/environment.ts'
import { valueText } from '../../runs/diff/verdict.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

/** What of engine, versions, machine and commit differs. */
export function environment({ diff }: DiffReport): Section | undefined {
  if (!diff.a.record || !diff.b.record) return undefined
  const rows = diff.environment.filter(({ same }) => !same)
  const body =
    rows.length === 0
      ? markup`<p>Engine, versions, machine and commit are the same.</p>`
      : table<EnvironmentDiff>(
          'What of the environment differs',
          [
            { title: 'name', head: true, value: ({ name }) => name },
            { title: 'A', value: ({ a }) => valueText(a) },
            { title: 'B', value: ({ b }) => valueText(b) },
          ],
          rows,
        )
  return { id: 'environment', title: 'Environment', body }
}
