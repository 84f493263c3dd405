import { METRICS, type MetricName } from '../training/metrics.ts'
import { metricText } from '../util/text.ts'

const SPACE = '\u00a0'

/** 78.9 %; 0.1 % and not 0.0 % for the least that there is, 99.9 % for what is not all. */
export function percentText(share: number, digits = 1): string {
  if (!Number.isFinite(share)) return '–'
  const least = 10 ** -digits
  const percent = share * 100
  const isInside = share > 0 && share < 1
  const shown = isInside ? Math.min(Math.max(percent, least), 100 - least) : percent
  return `${shown.toFixed(share === 0 || share === 1 ? 0 : digits)}${SPACE}%`
}

/** 72.5 – 84.2 %. */
export function rangeText(low: number, high: number): string {
  return `${percentText(low).replace(`${SPACE}%`, '')} – ${percentText(high)}`
}

const IN_PERCENT: ReadonlySet<string> = new Set(['accuracy', 'top5Accuracy'])

/** Shares of pictures are shown in percent, everything else as it is. */
export function isPercent(metric: string): boolean {
  return IN_PERCENT.has(metric)
}

/** A metric for people; an en dash where there is none. */
export function figureText(metric: string, value: number | null | undefined): string {
  if (value === undefined || value === null) return '–'
  if (isPercent(metric)) return percentText(value)
  const size = Math.abs(value)
  return size >= 1e6 || (size > 0 && size < 5e-5) ? value.toExponential(2) : metricText(value)
}

/** What a metric is called in a table. */
export function metricTitle(metric: string): string {
  return TITLES[metric] ?? metric
}

const TITLES: Readonly<Record<string, string>> = {
  loss: 'Loss',
  accuracy: 'Accuracy',
  top5Accuracy: 'Top-5 accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
  auc: 'AUC',
}

/** Whether more of a metric is better; what is not known is not said. */
export function isHigherBetter(metric: string): boolean | undefined {
  if (!Object.hasOwn(METRICS, metric)) return undefined
  return METRICS[metric as MetricName].better === 'higher'
}

/** 25 Nov 2026, 19:47 UTC. */
export function dateText(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  const day = date.toLocaleDateString('en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  })
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`
}
