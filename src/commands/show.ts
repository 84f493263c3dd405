import { relative } from 'node:path'
import { readMarks, tagsOf } from '../runs/marks.ts'
import { predictionsOf } from '../runs/predictions.ts'
import { findRun, runsRoot } from '../runs/read.ts'
import type { EpochRecord, RunRecord, StageRecord } from '../runs/record.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import { bytesText, metricText, oneLine, secondsText } from '../util/text.ts'
import { wrap } from '../util/width.ts'
import type { CommandRun } from './command.ts'
import { formatOf } from './plan.ts'
import { firstPredictions, metricTable, modelLine, resultJson, spaced } from './screen/result.ts'
import { predictionTable } from './screen/predictions.ts'
import { phaseBlocks, textColumns } from './screen/phases.ts'
import { tableText, tableWidth, type Column, type TableFormat } from './table-text.ts'

export interface ShowFlags {
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline show RUN`: one run, its figures, epochs and stages. */
export const run: CommandRun = async ([reference], options, { stdout, env, cwd }) => {
  const flags: ShowFlags = options
  const found = findRun(String(reference), runsRoot(flags.runs, env, cwd), cwd)
  const { record, folder } = found
  const predictions = await predictionsOf(found)
  const marks = readMarks(folder)
  const [tags, note] = [tagsOf(record.tags, marks), marks.note ?? record.notes]
  if (flags.json) {
    const result = resultJson(record, folder, { cwd, predictions })
    stdout.write(`${JSON.stringify({ ...result, tags, note: note ?? null }, null, 2)}\n`)
    return
  }
  const format = formatOf(flags)
  if (format !== 'text') {
    stdout.write(predictions ? predictionTable(predictions, format) : epochTable(record, format))
    return
  }
  const [width, columns] = [tableWidth(stdout), textColumns(stdout)]
  const engine = record.engine
    ? `${record.engine.name} ${record.engine.version} on ${record.engine.device}`
    : 'no engine'
  const facts = [`${record.name} ${record.id}`, record.status, engine, `seed ${record.seed}`]
  const told = predictions ? modelLine(record) : `${modelLine(record)}: ${classList(record)}`
  const parts = [
    ...(record.problems ?? []).map((problem) => problemText(problem, columns)),
    ...(predictions
      ? [firstPredictions(predictions, width)]
      : [
          metricTable(record, width),
          epochTable(record, 'text', width),
          phaseBlocks(record.phases ?? [], columns),
        ]),
    stageTable(record, width),
  ]
  stdout.write(
    [
      ...spaced(facts, width),
      // Of a run that failed early no more is known than why.
      ...(predictions || record.classes.length > 0 ? wrap(told, columns) : []),
      ...(tags.length > 0 ? wrap(`tags: ${oneLine(tags.join(' '))}`, columns) : []),
      ...(note === undefined ? [] : wrap(oneLine(note), columns)),
      '',
      ...parts.filter((part) => part !== ''),
      ...record.warnings.flatMap(({ code, message }) => wrap(`! ${code} ${message}`, columns)),
      relative(cwd, folder) || '.',
      '',
    ].join('\n'),
  )
}

/** What a run failed with, as a block of its own. */
function problemText({ code, message, hint }: Diagnostic, columns: number): string {
  const lines = wrap(`✗ ${code} ${oneLine(message)}`, columns)
  const more = hint === undefined ? [] : wrap(`hint: ${oneLine(hint)}`, columns - 2)
  return [...lines, ...more.map((line) => `  ${line}`), ''].join('\n')
}

const figure = (value: number | undefined) => (value === undefined ? '' : metricText(value))

const EPOCH_COLUMNS: readonly Column<EpochRecord>[] = [
  { title: 'epoch', right: true, value: ({ epoch }) => String(epoch) },
  { title: 'loss', right: true, value: ({ train }) => figure(train['loss']) },
  { title: 'accuracy', right: true, value: ({ train }) => figure(train['accuracy']) },
  {
    title: 'validation loss',
    short: 'val. loss',
    right: true,
    value: (e) => figure(e.validation?.['loss']),
  },
  {
    title: 'validation accuracy',
    short: 'val. accuracy',
    right: true,
    value: (e) => figure(e.validation?.['accuracy']),
  },
]

const STAGE_COLUMNS: readonly Column<StageRecord>[] = [
  { title: 'stage', value: ({ id }) => id },
  { title: 'time', right: true, value: (s) => (s.cached ? 'cached' : secondsText(s.seconds)) },
  { title: 'bytes', right: true, value: ({ bytes }) => bytesText(bytes) },
  { title: 'fingerprint', extra: 1, value: ({ fingerprint }) => fingerprint.slice(7, 19) },
]

function epochTable({ epochs }: RunRecord, format: TableFormat, width = Infinity): string {
  if (epochs.length === 0) return ''
  const phase: Column<EpochRecord> = { title: 'phase', right: true, value: (e) => String(e.phase) }
  const columns = epochs.some((e) => e.phase > 1) ? [phase, ...EPOCH_COLUMNS] : EPOCH_COLUMNS
  return tableText(columns, epochs, format, width)
}

function stageTable({ stages }: RunRecord, width: number): string {
  return tableText(STAGE_COLUMNS, stages, 'text', width)
}

function classList({ classes }: RunRecord): string {
  const more = classes.length - 12
  return more > 0 ? `${classes.slice(0, 12).join(', ')} and ${more} more` : classes.join(', ')
}
