import { countText } from '../../util/text.ts'
import { figureText, metricTitle, rangeText } from '../figures.ts'
import { markup, type Part } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { tally, wilson } from '../statistics.ts'
import { table } from '../table.ts'

interface Row {
  readonly title: string
  readonly value: (split: string) => Part
}

/** The figures of every evaluated split. */
export function metrics({ record, evaluations }: RunReport): Section | undefined {
  const all = record.metrics
  const known = Object.keys(all)
  if (known.length === 0) return undefined
  const splits = [...new Set([...evaluations.map(({ split }) => split), ...known])]
  const names = [...new Set(splits.flatMap((split) => Object.keys(all[split] ?? {})))]
  const rows: Row[] = [
    ...names.map((name) => ({
      title: metricTitle(name),
      value: (split: string) => figureText(name, all[split]?.[name]),
    })),
    { title: 'Accuracy, 95 % interval', value: (split) => interval(evaluations, split) },
    { title: 'Pictures', value: (split) => countText(record.pictures[split] ?? 0) },
  ]
  return {
    id: 'metrics',
    title: 'Metrics',
    body: markup`${table(
      'Metrics by split',
      [
        { title: 'metric', head: true, value: (row: Row) => row.title },
        ...splits.map((split) => ({
          title: split,
          right: true,
          value: (row: Row) => row.value(split),
        })),
      ],
      rows,
    )}`,
  }
}

function interval(evaluations: RunReport['evaluations'], split: string): string {
  const evaluation = evaluations.find((one) => one.split === split)
  if (!evaluation) return '–'
  const { right, total } = tally(evaluation.confusion)
  const [low, high] = wilson(right, total)
  return rangeText(low, high)
}
