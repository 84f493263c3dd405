import type { Column as RunColumn, TableRun } from '../runs/list/columns.ts'
import type { Value } from '../runs/list/settings.ts'
import { metricText, oneLine, secondsText } from '../util/text.ts'
import type { Column, TableFormat } from './table-text.ts'

/** Of `ls` without `--columns`; tags only where a run has some. */
export const DEFAULT_KEYS = ['name', 'id', 'status', 'split', 'accuracy', 'loss', 'engine', 'tags']

/** What a terminal that is too narrow loses of these, and to how many cells they may be cut. */
const NARROW: Readonly<Record<string, Pick<Column<TableRun>, 'extra' | 'least'>>> = {
  name: { least: 8 },
  split: { extra: 2 },
  loss: { extra: 4 },
  engine: { extra: 1 },
  tags: { extra: 3, least: 12 },
  note: { least: 16 },
}

/** How some are shown to people; a spreadsheet gets plain numbers and times. */
const TEXTS: Readonly<Record<string, (value: Value) => string>> = {
  started: (iso) => String(iso).slice(0, 16).replace('T', ' '),
  seconds: (seconds) => secondsText(Number(seconds)),
  commit: (commit) => String(commit).slice(0, 8),
  dirty: (isDirty) => (isDirty === true ? 'yes' : ''),
}

interface Look {
  readonly format: TableFormat
  /** They were asked for, and are never left out. */
  readonly isAsked: boolean
}

/** The columns of a table of these runs. */
export function tableColumns(
  columns: ReadonlyMap<string, RunColumn>,
  runs: readonly TableRun[],
  look: Look,
): Column<TableRun>[] {
  const lasts = [...columns.keys()].map(lastStep)
  return [...columns].map(([key, column]) => {
    const short = lastStep(key)
    const isClear = short !== key && lasts.filter((last) => last === short).length === 1
    return { ...tableColumn(key, column, runs, look), ...(isClear ? { short } : {}) }
  })
}

function lastStep(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1)
}

function tableColumn(
  key: string,
  { kind, of }: RunColumn,
  runs: readonly TableRun[],
  { format, isAsked }: Look,
): Column<TableRun> {
  const { extra, least } = (kind === 'own' && NARROW[key]) || {}
  const text = format === 'csv' ? plainText : kind === 'own' ? TEXTS[key] : undefined
  const values = runs.map(of)
  const isNumeric = values.every((value) => value === undefined || typeof value === 'number')
  return {
    title: key,
    ...(isAsked || extra === undefined ? {} : { extra }),
    ...(kind === 'setting' ? { least: 8 } : least === undefined ? {} : { least }),
    right: isNumeric && (kind === 'metric' || values.some((value) => value !== undefined)),
    value: (run) => {
      const value = of(run)
      if (value === undefined) return ''
      const shown = text ?? (kind === 'metric' ? figureText : plainText)
      return format === 'csv' ? shown(value) : oneLine(shown(value))
    },
  }
}

function figureText(value: Value): string {
  return metricText(Number(value))
}

/** Lists with spaces between. */
function plainText(value: Value): string {
  return typeof value === 'object' ? value.join(' ') : String(value)
}
