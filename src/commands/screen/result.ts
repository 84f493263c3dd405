import { relative } from 'node:path'
import type { Json } from '../../util/json.ts'
import type { RunRecord } from '../../runs/record.ts'
import { countText, metricText, plural, secondsText } from '../../util/text.ts'
import { tableText, type Column } from '../table-text.ts'

/** The contract of `run --json` (spec: cli.md). `dir` is relative to the current directory. */
export function resultJson(record: RunRecord, folder: string, cwd: string): Json {
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
  }
}

/** What a finished run says at its end: figures, where it is, what to do next. */
export function resultText(
  record: RunRecord,
  folder: string,
  options: { readonly cwd: string; readonly again: boolean; readonly next: readonly string[] },
): string {
  const { engine } = record
  const how = options.again
    ? 'unchanged, from before'
    : `${record.status} in ${secondsText(record.seconds)}`
  const by = engine ? `   ${engine.name} ${engine.version} on ${engine.device}` : ''
  return [
    `${record.name} ${record.id}   ${how}${by}`,
    '',
    metricTable(record),
    `${relative(options.cwd, folder) || '.'}/summary.md`,
    ...options.next.map((command, i) => `${i === 0 ? 'next: ' : '      '}${command}`),
    '',
  ].join('\n')
}

export function metricTable({ metrics, pictures }: RunRecord): string {
  const names = [...new Set(Object.values(metrics).flatMap((figures) => Object.keys(figures)))]
  if (names.length === 0) return ''
  const columns: Column<readonly [string, Readonly<Record<string, number>>]>[] = [
    { title: 'split', value: ([split]) => split },
    ...names.map((name) => ({
      title: name,
      right: true,
      value: ([, figures]: readonly [string, Readonly<Record<string, number>>]) =>
        figures[name] === undefined ? '' : metricText(figures[name]),
    })),
    { title: 'pictures', right: true, value: ([split]) => countText(pictures[split] ?? 0) },
  ]
  return tableText(columns, Object.entries(metrics), 'text')
}

/** One line about the model, for `show`. */
export function modelLine({ parameters, classes }: RunRecord): string {
  const trained = parameters.trainable.toLocaleString('en-US')
  return `${plural(parameters.total, 'parameter')}, ${trained} trained, ${plural(classes.length, 'class', 'classes')}`
}
