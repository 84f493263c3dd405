import type { MetricDiff } from '../../runs/diff/metrics.ts'
import { probabilityText } from '../../runs/diff/verdict.ts'
import { figureText, isPercent, metricTitle } from '../figures.ts'
import { markup, type Part } from '../html.ts'
import type { Section } from '../page.ts'
import { table } from '../table.ts'
import type { DiffReport } from './read.ts'

/** Every figure of both, which way it went, and whether that is more than chance. */
export function metrics({ diff }: DiffReport): Section | undefined {
  const rows = diff.metrics
  if (rows.length === 0) return undefined
  const isTested = rows.some(({ noise }) => noise !== undefined)
  return {
    id: 'metrics',
    title: 'Metrics',
    body: markup`${table<MetricDiff>(
      'Metrics of both, by split',
      [
        { title: 'metric', head: true, value: ({ name }) => metricTitle(name) },
        { title: 'on', value: ({ split }) => split },
        { title: 'A', right: true, value: ({ name, a }) => figureText(name, a) },
        { title: 'B', right: true, value: ({ name, b }) => figureText(name, b) },
        { title: 'change', right: true, value: changeText },
        {
          title: 'better',
          value: ({ better }) => better && markup`<b>${better.toUpperCase()}</b>`,
        },
        ...(isTested ? [{ title: 'noise', value: noiseText }] : []),
      ],
      rows,
    )}${isTested && markup`<p class="note">${TEST}</p>`}`,
  }
}

const TEST =
  "Noise: McNemar's exact test on the pictures that only one of them names right. p is how probable so uneven a split is where neither is better; beyond noise is p below 0.05."

function changeText({ name, delta }: MetricDiff): Part {
  if (delta === undefined) return '–'
  if (delta === 0) return 'equal'
  const sign = delta < 0 ? '−' : '+'
  const size = Math.abs(delta)
  return isPercent(name)
    ? `${sign}${(size * 100).toFixed(1)} points`
    : `${sign}${figureText(name, size)}`
}

function noiseText({ noise, p }: MetricDiff): Part {
  return noise && markup`<span class="whole">${noise} (p ${probabilityText(p!)})</span>`
}
