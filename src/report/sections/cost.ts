import type { StageRecord } from '../../runs/record.ts'
import { bytesText, secondsText } from '../../util/text.ts'
import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { bar } from '../bar.ts'
import { table } from '../table.ts'

/** What each stage took, and what the store had already. */
export function cost({ record }: RunReport): Section | undefined {
  const { stages, seconds } = record
  if (stages.length === 0) return undefined
  const longest = Math.max(...stages.map((stage) => (stage.cached ? 0 : stage.seconds)), 0.001)
  const cached = stages.filter((stage) => stage.cached).length
  const of = cached === 0 ? '' : ` ${cached} of ${stages.length} stages were in the store already.`
  return {
    id: 'cost',
    title: 'What it cost',
    body: markup`<p>${secondsText(seconds)} in all.${of}</p>
      ${table<StageRecord>(
        'Stages with their time and size',
        [
          { title: 'stage', head: true, value: ({ id }) => id },
          {
            title: 'time',
            right: true,
            value: (stage) =>
              stage.cached ? markup`<span class="muted">cached</span>` : secondsText(stage.seconds),
          },
          { title: '', value: (stage) => bar(stage.cached ? 0 : stage.seconds / longest) },
          { title: 'size', right: true, value: ({ bytes }) => bytesText(bytes) },
        ],
        stages,
      )}`,
  }
}
