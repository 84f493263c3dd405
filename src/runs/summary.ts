import { metricText, plural, secondsText } from '../util/text.ts'
import { phaseLines, phaseTitle } from './phase-text.ts'
import type { RunRecord } from './record.ts'

/** summary.md: what a person wants to read of a run, in Markdown. */
export function summaryMarkdown(record: RunRecord): string {
  const { engine, parameters, predicted } = record
  const what = predicted
    ? predictedText(predicted)
    : `${plural(parameters.total, 'parameter')}, ${parameters.trainable.toLocaleString('en-US')} of them trained. ${plural(record.classes.length, 'class', 'classes')}: ${listText(record.classes)}.`
  const lines = [
    `# ${record.name}`,
    '',
    `Run ${record.id}, ${record.status}, seed ${record.seed}${
      engine ? `, ${engine.name} ${engine.version} on ${engine.device}` : ''
    }.`,
    '',
    what,
    '',
    ...metricTable(record),
    ...epochTable(record),
    ...trainingSection(record),
    '## Stages',
    '',
    '| stage | time |',
    '|---|---|',
    ...record.stages.map((s) => `| ${s.id} | ${s.cached ? 'cached' : secondsText(s.seconds)} |`),
    '',
  ]
  return `${lines.join('\n')}`
}

function predictedText({ pictures, bad }: NonNullable<RunRecord['predicted']>): string {
  const others = bad === 0 ? '' : ` ${plural(bad, 'other')} could not be read.`
  return `Predictions of ${plural(pictures, 'picture')}: \`predictions.csv\`, \`predictions.jsonl\`.${others}`
}

function metricTable({ metrics, pictures }: RunRecord): string[] {
  const splits = Object.keys(metrics)
  if (splits.length === 0) return []
  const names = [...new Set(splits.flatMap((split) => Object.keys(metrics[split]!)))]
  return [
    '## Metrics',
    '',
    `| | ${splits.map((s) => `${s} (${plural(pictures[s] ?? 0, 'picture')})`).join(' | ')} |`,
    `|---|${splits.map(() => '---|').join('')}`,
    ...names.map((name) => {
      const values = splits.map((s) => {
        const value = metrics[s]![name]
        return value === undefined ? '' : metricText(value)
      })
      return `| ${name} | ${values.join(' | ')} |`
    }),
    '',
    ...splits.map((split) => `![confusion matrix of ${split}](confusion-${split}.svg)`),
    '',
  ]
}

function trainingSection({ phases = [] }: RunRecord): string[] {
  if (phases.length === 0) return []
  const blocks = phases.flatMap((phase) => [
    `${phaseTitle(phase)}`,
    '',
    ...phaseLines(phase).map(({ label, text }) => `- ${label}: ${text}`),
    '',
  ])
  return ['## Training', '', ...blocks, 'Every layer: `freeze.json`.', '']
}

function epochTable({ epochs }: RunRecord): string[] {
  if (epochs.length === 0) return []
  const cell = (value: number | undefined) => (value === undefined ? '' : metricText(value))
  return [
    '## Epochs',
    '',
    '| epoch | loss | accuracy | validation loss | validation accuracy |',
    '|---|---|---|---|---|',
    ...epochs.map(
      ({ epoch, train, validation }) =>
        `| ${epoch} | ${cell(train['loss'])} | ${cell(train['accuracy'])} | ${cell(validation?.['loss'])} | ${cell(validation?.['accuracy'])} |`,
    ),
    '',
  ]
}

function listText(names: readonly string[]): string {
  if (names.length <= 12) return names.join(', ')
  return `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
}
