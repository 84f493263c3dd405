import type { ConfigDiff } from '../../runs/diff/config.ts'
import type { DataDiff, Move, Picture } from '../../runs/diff/data.ts'
import type { RunDiff } from '../../runs/diff/diff.ts'
import type { EnvironmentDiff } from '../../runs/diff/environment.ts'
import type { MetricDiff } from '../../runs/diff/metrics.ts'
import type { Flip, PredictionDiff, SplitAnswers } from '../../runs/diff/predictions.ts'
import type { StageDiff } from '../../runs/diff/stages.ts'
import { probabilityText, valueText } from '../../runs/diff/verdict.ts'
import { countText, visible } from '../../util/text.ts'
import { blocksText, leastWidth, tableText, type Column, type TableFormat } from '../table-text.ts'
import { code } from './markdown.ts'

export interface DiffStyle {
  /** Decimals of metrics. */
  readonly precision: number
  /** Every picture, not only the first ones. */
  readonly all: boolean
}

/** A section, or a part of one. */
export interface Block {
  readonly title: string
  readonly text: string
  /** Lists of pictures. */
  readonly isLong?: boolean
}

interface Shown<Row> extends Column<Row> {
  /** A word of ours: no name, number or value of a file. */
  readonly isWord?: boolean
}

/** Pictures and classes that are named of each kind. */
const SHOWN = 10

interface Form {
  readonly format: TableFormat
  readonly width: number
}

/** All that differs, in the order in which a person asks. */
export function blocksOf(diff: RunDiff, style: DiffStyle, form: Form): Block[] {
  const table = <Row>(title: string, columns: readonly Shown<Row>[], rows: readonly Row[]) =>
    rows.length === 0 ? [] : [{ title, text: tableOf(columns, rows, form) }]
  const { metrics, config, data, stages, environment, predictions } = diff
  return [
    ...table('Metrics', metricColumns(style), metrics),
    ...table('Config', configColumns(style), config ?? []),
    ...(data ? dataBlocks(data, style, form) : []),
    ...table('Stages', STAGES, stages ?? []),
    ...table('Environment', ENVIRONMENT, environment),
    ...(predictions ? predictionBlocks(predictions, style, form) : []),
  ]
}

/** Cells are of files and pictures whose names may be anything. */
function tableOf<Row>(columns: readonly Shown<Row>[], rows: readonly Row[], form: Form): string {
  const safe = columns.map((column) => ({
    ...column,
    value: (row: Row) => {
      const text = visible(column.value(row)).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
      const isPlain = form.format !== 'md' || column.right || column.isWord || text === ''
      return isPlain ? text : code(text)
    },
  }))
  // A last column of text is broken at spaces.
  const last = safe.at(-1)!
  const least = leastWidth(last.right ? safe : safe.with(-1, { ...last, least: 16 }), rows)
  const isTooWide = form.format === 'text' && least > form.width
  return isTooWide ? blocksText(safe, rows) : tableText(safe, rows, form.format, form.width)
}

function metricColumns({ precision }: DiffStyle): readonly Shown<MetricDiff>[] {
  const figure = (value: number | undefined) =>
    value === undefined ? '-' : value.toFixed(precision)
  return [
    { title: 'split', isWord: true, value: ({ split }) => split },
    { title: 'metric', isWord: true, value: ({ name }) => name },
    { title: 'A', right: true, value: ({ a }) => figure(a) },
    { title: 'B', right: true, value: ({ b }) => figure(b) },
    {
      title: 'change',
      right: true,
      value: ({ delta }) => (delta === undefined ? '' : `${delta < 0 ? '' : '+'}${figure(delta)}`),
    },
    {
      title: 'better',
      extra: 1,
      isWord: true,
      value: ({ better }) => (better === undefined ? '' : better.toUpperCase()),
    },
    {
      title: 'noise',
      isWord: true,
      value: ({ noise, p }) => (noise ? `${noise} (p ${probabilityText(p!)})` : ''),
    },
  ]
}

function configColumns({ all }: DiffStyle): readonly Shown<ConfigDiff>[] {
  const text = (value: ConfigDiff['a']) => valueText(value, all ? Infinity : 60)
  return [
    { title: 'key', least: 16, value: ({ path }) => path },
    { title: 'A -> B', value: ({ a, b, same }) => (same ? text(a) : `${text(a)} -> ${text(b)}`) },
    { title: 'A at', extra: 1, value: ({ at }) => at.a ?? '-' },
    { title: 'B at', extra: 1, value: ({ at }) => at.b ?? '-' },
  ]
}

const STAGES: readonly Shown<StageDiff>[] = [
  { title: 'stage', value: ({ id }) => id },
  { title: 'why', value: ({ why }) => why },
]

const ENVIRONMENT: readonly Shown<EnvironmentDiff>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'A', value: ({ a }) => valueText(a) },
  { title: 'B', value: ({ b }) => valueText(b) },
]

type SplitRow = DataDiff['splits'][number]

const count = (title: keyof SplitRow): Shown<SplitRow> => ({
  title,
  right: true,
  value: (row) => countText(Number(row[title])),
})

const SPLITS: readonly Shown<SplitRow>[] = [
  { title: 'split', isWord: true, value: ({ split }) => split },
  { ...count('a'), title: 'A' },
  { ...count('b'), title: 'B' },
  ...(['added', 'removed', 'changed', 'relabelled', 'moved'] as const).map(count),
]

function dataBlocks(data: DataDiff, style: DiffStyle, form: Form): Block[] {
  if (data.splits.length === 0) return []
  const pictures: readonly Shown<Picture>[] = [
    { title: 'split', isWord: true, value: ({ split }) => split },
    { title: 'picture', least: 16, value: ({ image }) => image },
    { title: 'class', value: ({ label }) => label },
  ]
  const moves: readonly Shown<Move>[] = [
    { title: 'split', isWord: true, value: ({ a, b }) => arrow(a.split, b.split) },
    { title: 'picture', least: 16, value: ({ a, b }) => arrow(a.image, b.image) },
    { title: 'class', value: ({ a, b }) => arrow(a.label, b.label) },
  ]
  const list = <Row>(what: string, columns: readonly Shown<Row>[], rows: readonly Row[]) =>
    listBlock(`Pictures ${what}`, columns, rows, style, form)
  return [
    { title: 'Data', text: tableOf(SPLITS, data.splits, form) },
    ...list('added', pictures, data.added),
    ...list('removed', pictures, data.removed),
    ...list('changed', pictures, data.changed),
    ...list('relabelled', moves, data.relabelled),
    ...list('moved', moves, data.moved),
  ]
}

function arrow(a: string, b: string): string {
  return a === b ? a : `${a} -> ${b}`
}

function listBlock<Row>(
  title: string,
  columns: readonly Shown<Row>[],
  rows: readonly Row[],
  style: DiffStyle,
  form: Form,
): Block[] {
  if (rows.length === 0) return []
  const text = listText(columns, rows, style, form)
  return [{ title: `${title}: ${countText(rows.length)}`, text, isLong: true }]
}

/** The first rows, and how many more there are. */
function listText<Row>(
  columns: readonly Shown<Row>[],
  rows: readonly Row[],
  { all }: DiffStyle,
  form: Form,
): string {
  const shown = all ? rows : rows.slice(0, SHOWN)
  const more = rows.length - shown.length
  const text = tableOf(columns, shown, form)
  if (more === 0) return text
  return `${text}${form.format === 'md' ? '\n' : ''}and ${countText(more)} more (--all)\n`
}

const ANSWERS: readonly Shown<SplitAnswers>[] = [
  { title: 'split', isWord: true, value: ({ split }) => split },
  { title: 'in both', short: 'both', right: true, value: ({ both }) => countText(both) },
  {
    title: 'right in both',
    short: 'right',
    right: true,
    value: ({ rightInBoth }) => countText(rightInBoth),
  },
  {
    title: 'wrong in both',
    short: 'wrong',
    right: true,
    value: ({ wrongInBoth }) => countText(wrongInBoth),
  },
  { title: 'right to wrong', short: 'lost', right: true, value: ({ lost }) => countText(lost) },
  { title: 'wrong to right', short: 'won', right: true, value: ({ won }) => countText(won) },
]

const CLASSES: readonly Shown<PredictionDiff['classes'][number]>[] = [
  { title: 'class', value: ({ label }) => label },
  { title: 'right to wrong', short: 'lost', right: true, value: ({ lost }) => countText(lost) },
  { title: 'wrong to right', short: 'won', right: true, value: ({ won }) => countText(won) },
]

const FLIPS: readonly Shown<Flip>[] = [
  { title: 'picture', least: 16, value: ({ image }) => image },
  { title: 'truth', value: ({ truth }) => truth ?? '' },
  { title: 'A says', value: ({ a }) => `${a.predicted} ${a.probability.toFixed(4)}` },
  { title: 'B says', value: ({ b }) => `${b.predicted} ${b.probability.toFixed(4)}` },
  {
    title: 'of the truth',
    extra: 1,
    value: ({ a, b }) => `${a.ofTruth?.toFixed(4) ?? '-'} -> ${b.ofTruth?.toFixed(4) ?? '-'}`,
  },
]

const OTHERS = FLIPS.filter(({ title }) => title !== 'truth' && title !== 'of the truth')

function predictionBlocks(
  { splits, flips, classes }: PredictionDiff,
  style: DiffStyle,
  form: Form,
): Block[] {
  const split: readonly Shown<Flip>[] =
    splits.length > 1 ? [{ title: 'split', isWord: true, value: (flip) => flip.split }] : []
  const list = (title: string, change: Flip['change'], columns = FLIPS) => {
    const chosen = flips.filter((flip) => flip.change === change)
    return listBlock(title, [...split, ...columns], chosen, style, form)
  }
  const counts = style.all || flips.length > 0 ? [tableOf(ANSWERS, splits, form)] : []
  const byClass = classes.length > 0 ? [listText(CLASSES, classes, style, form)] : []
  const text = [...counts, ...byClass].join('\n')
  return [
    ...(text === '' ? [] : [{ title: 'Predictions', text }]),
    ...list('Right to wrong', 'lost'),
    ...list('Wrong to right', 'won'),
    ...list('Named otherwise', 'other', OTHERS),
  ]
}
