import { relative } from 'node:path'
import type { Prediction } from '../../prediction/predict-pictures.ts'
import type { Json, JsonObject } from '../../util/json.ts'
import type { RunRecord } from '../../runs/record.ts'
import { countText, metricText, plural, secondsText } from '../../util/text.ts'
import { textWidth } from '../../util/width.ts'
import { tableText } from '../table-text.ts'
import { predictionTable } from './predictions.ts'

/** The contract of `run --json` (spec: cli.md). `dir` is relative to the current directory. */
export function resultJson(
  record: RunRecord,
  folder: string,
  {
    cwd,
    predictions,
  }: { readonly cwd: string; readonly predictions?: readonly Prediction[] | undefined },
): JsonObject {
  const { name, id, status, seed, engine, stages, epochs, metrics, parameters, warnings } = record
  return {
    run: { name, id, dir: relative(cwd, folder) || '.' },
    status,
    seed,
    engine: engine as unknown as Json,
    stages: stages as unknown as Json,
    epochs: epochs as unknown as Json,
    metrics: metrics as unknown as Json,
    parameters: { ...parameters },
    warnings: warnings as unknown as Json,
    ...(predictions ? { predictions: predictions as unknown as Json } : {}),
  }
}

/** What a finished run says at its end: figures, where it is, what to do next. */
export function resultText(
  record: RunRecord,
  folder: string,
  options: {
    readonly cwd: string
    readonly again: boolean
    readonly next: readonly string[]
    /** Of the terminal, for tables. */
    readonly width?: number
    /** Of a run without training. */
    readonly predictions?: readonly Prediction[] | undefined
  },
): string {
  const { engine } = record
  const how = options.again
    ? 'unchanged, from before'
    : `${record.status} in ${secondsText(record.seconds)}`
  const by = engine ? [`${engine.name} ${engine.version} on ${engine.device}`] : []
  return [
    ...spaced([`${record.name} ${record.id}`, how, ...by], options.width),
    '',
    options.predictions
      ? firstPredictions(options.predictions, options.width)
      : metricTable(record, options.width),
    `${relative(options.cwd, folder) || '.'}/summary.md`,
    ...options.next.map((command, i) => `${i === 0 ? 'next: ' : '      '}${command}`),
    '',
  ].join('\n')
}

/** More than so many pictures are a file to look into. */
const MOST = 20

/** The predictions of the first pictures as a table. */
export function firstPredictions(predictions: readonly Prediction[], width?: number): string {
  const table = predictionTable(predictions.slice(0, MOST), 'text', width)
  const more = predictions.length - MOST
  return more > 0 ? `${table}and ${countText(more)} more, in predictions.csv\n` : table
}

/** Facts beside each other, in as many lines as the width asks for. */
export function spaced(facts: readonly string[], width = Infinity): string[] {
  const lines: string[] = []
  for (const fact of facts) {
    const longer = `${lines.at(-1)}   ${fact}`
    if (lines.length === 0 || textWidth(longer) > width) lines.push(fact)
    else lines[lines.length - 1] = longer
  }
  return lines
}

/** A row a split; where that is too wide, a row a metric. */
export function metricTable({ metrics, pictures }: RunRecord, width = Infinity): string {
  const splits = Object.keys(metrics)
  const names = [...new Set(splits.flatMap((split) => Object.keys(metrics[split]!)))]
  if (names.length === 0) return ''
  const figure = (split: string, name: string): string => {
    if (name === 'pictures') return countText(pictures[split] ?? 0)
    const value = metrics[split]![name]
    return value === undefined ? '' : metricText(value)
  }
  const all = [...names, 'pictures']
  const bySplit = all.map((title) => ({
    title,
    right: true,
    value: (s: string) => figure(s, title),
  }))
  const table = tableText([{ title: 'split', value: (s) => s }, ...bySplit], splits, 'text')
  if (table.split('\n').every((line) => textWidth(line) <= width)) return table
  const byName = splits.map((title) => ({
    title,
    right: true,
    value: (n: string) => figure(title, n),
  }))
  return tableText([{ title: 'metric', value: (n) => n }, ...byName], all, 'text')
}

/** One line about the model, or what it predicted, for `show`. */
export function modelLine({ parameters, classes, predicted }: RunRecord): string {
  if (predicted) {
    const { pictures, bad } = predicted
    return `${plural(pictures, 'picture')} named${bad > 0 ? `, ${countText(bad)} could not be read` : ''}`
  }
  const trained = parameters.trainable.toLocaleString('en-US')
  return `${plural(parameters.total, 'parameter')}, ${trained} trained, ${plural(classes.length, 'class', 'classes')}`
}
