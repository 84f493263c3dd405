import type { EvaluationFile } from '../../stages/evaluate.ts'
import { countText, metricText } from '../../util/text.ts'
import { bar } from '../bar.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { table, type HtmlColumn } from '../table.ts'

type ClassRow = EvaluationFile['perClass'][number]

/** So many are shown at once; the rest is behind a summary. */
const SHOWN = 24

/** Precision, recall and F1 of every class, the weakest first. */
export function classes({ evaluations }: RunReport): Section | undefined {
  const [first, ...others] = evaluations
  if (!first || first.perClass.length === 0) return undefined
  return {
    id: 'classes',
    title: 'Class by class',
    body: markup`<p class="note">The weakest first. Precision: of what is named so, the share that is; recall: of what is so, the share that is named so.</p>
${classTables(first)}${others.map(
      (one) =>
        markup`<details class="more"><summary>The same of ${one.split}</summary>${classTables(one)}</details>`,
    )}`,
  }
}

function classTables({ perClass, split }: EvaluationFile): Html {
  const sorted = perClass.toSorted((a, b) => a.f1 - b.f1)
  const columns = columnsOf(perClass.some(({ auc }) => typeof auc === 'number'))
  const [shown, rest] = [sorted.slice(0, SHOWN), sorted.slice(SHOWN)]
  return markup`${table(`Classes of ${split}`, columns, shown)}${
    rest.length > 0 &&
    markup`<details><summary>${countText(rest.length)} more, all of them better</summary>${table(`More classes of ${split}`, columns, rest)}</details>`
  }`
}

function columnsOf(hasAuc: boolean): HtmlColumn<ClassRow>[] {
  const figure = (title: string, key: 'precision' | 'recall'): HtmlColumn<ClassRow> => ({
    title,
    right: true,
    value: (row) => metricText(row[key]),
  })
  return [
    { title: 'class', head: true, value: ({ label }) => label },
    { title: 'F1', right: true, value: ({ f1 }) => metricText(f1) },
    { title: '', value: ({ f1 }) => bar(f1) },
    figure('precision', 'precision'),
    figure('recall', 'recall'),
    ...(hasAuc
      ? [
          {
            title: 'AUC',
            right: true,
            value: ({ auc }: ClassRow) => (typeof auc === 'number' ? metricText(auc) : '–'),
          },
        ]
      : []),
    { title: 'pictures', right: true, value: ({ support }) => countText(support) },
  ]
}
