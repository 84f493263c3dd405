import { relative } from 'node:path'
import { findRun, runsRoot } from '../runs/read.ts'
import type { RunRecord } from '../runs/record.ts'
import { bytesText, metricText, secondsText } from '../util/text.ts'
import type { CommandContext } from './context.ts'
import { formatOf } from './plan.ts'
import { metricTable, modelLine, resultJson } from './screen/result.ts'
import { tableText, type TableFormat } from './screen/table.ts'

export interface ShowFlags {
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline show RUN`: one run, its figures, epochs and stages. */
export async function run(
  [reference]: readonly string[],
  flags: ShowFlags,
  { stdout, env, cwd }: CommandContext,
): Promise<void> {
  const { record, folder } = findRun(reference!, runsRoot(flags.runs, env, cwd), cwd)
  if (flags.json) {
    stdout.write(`${JSON.stringify(resultJson(record, folder, cwd), null, 2)}\n`)
    return
  }
  const format = formatOf(flags)
  if (format !== 'text') {
    stdout.write(epochTable(record, format))
    return
  }
  const engine = record.engine
    ? `${record.engine.name} ${record.engine.version} on ${record.engine.device}`
    : 'no engine'
  stdout.write(
    [
      `${record.name} ${record.id}   ${record.status}   ${engine}   seed ${record.seed}`,
      `${modelLine(record)}: ${record.classes.slice(0, 12).join(', ')}`,
      '',
      metricTable(record),
      epochTable(record, 'text'),
      stageTable(record),
      ...record.warnings.map(({ code, message }) => `! ${code} ${message}`),
      relative(cwd, folder) || '.',
      '',
    ].join('\n'),
  )
}

function epochTable({ epochs }: RunRecord, format: TableFormat): string {
  if (epochs.length === 0) return ''
  const text = (value: number | undefined) => (value === undefined ? '' : metricText(value))
  const rows = epochs.map(({ epoch, train, validation }) => [
    epoch,
    text(train['loss']),
    text(train['accuracy']),
    text(validation?.['loss']),
    text(validation?.['accuracy']),
  ])
  const headings = ['epoch', 'loss', 'accuracy', 'validation loss', 'validation accuracy']
  return tableText(headings, rows, format)
}

function stageTable({ stages }: RunRecord): string {
  const rows = stages.map((stage) => [
    stage.id,
    stage.cached ? 'cached' : secondsText(stage.seconds),
    bytesText(stage.bytes),
    stage.fingerprint.slice(7, 19),
  ])
  return tableText(['stage', 'time', 'bytes', 'fingerprint'], rows)
}
