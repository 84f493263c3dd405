import type { Comparison, Curve, MetricRow } from '../../runs/diff/compare.ts'
import { valueText } from '../../runs/diff/verdict.ts'
import type { Json, JsonObject } from '../../util/json.ts'
import { sparkline } from '../../util/sparkline.ts'
import { metricText, visible } from '../../util/text.ts'
import type { Column, TableFormat } from '../table-text.ts'

/** The contract of `compare --json`: lists have an entry a run, null where it has nothing of it. */
export function comparisonJson({ runs, keys, metrics, curves }: Comparison): Json {
  const listed = (values: readonly (Json | undefined)[]): Json =>
    values.map((value) => value ?? null)
  return {
    runs: runs.flatMap(({ record }) => {
      return record ? [{ name: record.name, id: record.id, status: record.status }] : []
    }),
    keys: keys.map(({ path, values }) => ({ path, values: listed(values) })),
    metrics: metrics.map(({ split, name, values, best }) => {
      return { split, name, values: listed(values), best: [...best] }
    }),
    curves: curves.map(({ split, name, values }) => {
      return { split, name, values: values.map((curve) => [...curve]) }
    }),
  }
}

/** Rows are places in the list of runs. */
type Row = number

/** Run, keys that vary, metrics with the best marked, curves; a narrow terminal loses curves first, then losses. */
export function comparisonColumns(
  { runs, keys, metrics, curves }: Comparison,
  format: TableFormat,
): Column<Row>[] {
  const records = runs.map(({ record }) => record)
  const names = new Set(records.map((record) => record?.name))
  const isUnfinished = records.some((record) => record?.status !== 'done')
  const text = (value: string | undefined) => visible(value ?? '').replace(/\s+/g, ' ')
  const name = { title: 'name', value: (i: Row) => text(records[i]?.name), least: 8 }
  const status = { title: 'status', value: (i: Row) => records[i]?.status ?? '' }
  return [
    ...(names.size > 1 || format === 'csv' ? [name] : []),
    { title: 'run', value: (i) => records[i]?.id ?? '' },
    ...(isUnfinished ? [status] : []),
    ...keys.map((key) => keyColumn(key, keys, format)),
    ...metrics.map((metric) => metricColumn(metric, format)),
    ...(format === 'csv' ? [] : shownCurves(curves).map(curveColumn)),
  ]
}

function keyColumn(
  { path, values }: Comparison['keys'][number],
  keys: Comparison['keys'],
  format: TableFormat,
): Column<Row> {
  const short = lastStep(path)
  const isClear = short !== path && keys.filter((key) => lastStep(key.path) === short).length === 1
  return {
    title: path,
    ...(isClear ? { short } : {}),
    least: 8,
    right: values.every((value) => value === undefined || typeof value === 'number'),
    value: (i) => {
      const text = format === 'csv' ? valueText(values[i], Infinity) : shortText(values[i])
      return visible(text).replace(/\s+/g, ' ')
    },
  }
}

/** Layers of a head by their names, with the one setting that says most: `GlobalAveragePooling2D, Dropout 0.5, Dense 2`. */
function shortText(value: Json | undefined): string {
  const isLayers = Array.isArray(value) && value.some((item: Json) => typeof item === 'object')
  if (!isLayers) return valueText(value)
  return (value as readonly Json[]).map(layerText).join(', ')
}

function layerText(item: Json): string {
  if (typeof item !== 'object' || item === null) return String(item)
  return Object.entries(item as JsonObject)
    .map(([kind, settings]) => {
      const { units, filters, rate } = (settings ?? {}) as JsonObject
      const says = units ?? filters ?? rate
      return says === undefined ? kind : `${kind} ${valueText(says)}`
    })
    .join(', ')
}

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

function metricColumn({ split, name, values, best }: MetricRow, format: TableFormat): Column<Row> {
  return {
    title: `${split}.${name}`,
    short: name,
    right: true,
    ...(name === 'accuracy' ? {} : { extra: 2 }),
    value: (i) => {
      const value = values[i]
      if (value === undefined) return format === 'csv' ? '' : '-'
      if (format === 'csv') return String(value)
      return best.includes(i) ? `* ${metricText(value)}` : metricText(value)
    },
  }
}

/** Of validation, where there is one: what a training does to its own pictures says less. */
function shownCurves(curves: readonly Curve[]): readonly Curve[] {
  return curves.filter(({ split }) => split === curves[0]?.split)
}

/** All on one scale, so that they can be compared. */
function curveColumn({ split, name, values }: Curve): Column<Row> {
  const known = values.flat().filter(Number.isFinite)
  const scale = { least: Math.min(...known), most: Math.max(...known) }
  return {
    title: `${split}.${name} by epoch`,
    short: `${name} by epoch`,
    extra: 1,
    value: (i) => sparkline(values[i] ?? [], scale),
  }
}
