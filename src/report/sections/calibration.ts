import { countText, plural } from '../../util/text.ts'
import { calibrate, type Bin, type Calibration } from '../calibration.ts'
import { confidenceChart } from '../charts/counts.ts'
import { reliabilityChart } from '../charts/reliability.ts'
import { figure, legend } from '../figure.ts'
import { percentText } from '../figures.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { table, type HtmlColumn } from '../table.ts'

/** Whether probabilities can be believed: the reliability diagram with its error, and how sure the answers were. */
export function calibration({ evaluations, scored }: RunReport): Section | undefined {
  const [evaluation] = evaluations
  const made =
    evaluation && scored && calibrate(scored.filter(({ split }) => split === evaluation.split))
  if (!made) return undefined
  const { error, pictures } = made
  return {
    id: 'calibration',
    title: 'Calibration',
    body: markup`<p>${sentence(made)} The expected calibration error is ${percentText(error)} (${made.bins.length} bins, ${plural(pictures, `${evaluation.split} picture`)}).</p>
<div class="pair">${[
      figure({
        caption: markup`Right by probability <small>on the dashed line answers are as often right as they say</small>`,
        legend: legend([{ name: 'right, with its 95 % interval', colour: 'var(--accent)' }]),
        drawing: reliabilityChart(made, spoken(made)),
        figures: shareTable(made),
      }),
      figure({
        caption: markup`How sure the answers were <small>pictures by the probability of the answer</small>`,
        legend: legend([
          { name: 'right', colour: 'var(--accent)' },
          { name: 'wrong', colour: 'var(--wrong)' },
        ]),
        drawing: confidenceChart(made, spokenCounts(made)),
        figures: countTable(made),
      }),
    ]}</div>`,
  }
}

/** Too sure, not sure enough, or neither as far as so many pictures can tell. */
export function sentence({ excess, pictures, bins }: Calibration): string {
  const right = bins.reduce((sum, bin) => sum + bin.right, 0) / pictures
  const noise = 1.96 * Math.sqrt(Math.max(right * (1 - right), 0.25 / pictures) / pictures)
  const points = `${(Math.abs(excess) * 100).toFixed(1)} points`
  if (Math.abs(excess) <= noise)
    return 'On average the answers are as often right as they say, within what so many pictures can tell.'
  return excess > 0
    ? `The answers are too sure: on average their probability is ${points} above how often they are right.`
    : `The answers are not sure enough: on average they are right ${points} more often than their probability says.`
}

function shareTable({ bins }: Calibration): Html {
  return table<Bin>(
    'Share that was right, by probability',
    [
      PROBABILITY,
      { title: 'right', right: true, value: ({ right, count }) => percentText(right / count) },
      {
        title: 'mean probability',
        right: true,
        value: ({ confidence }) => percentText(confidence),
      },
      { title: 'pictures', right: true, value: ({ count }) => countText(count) },
    ],
    bins.filter(({ count }) => count > 0),
  )
}

function countTable({ bins }: Calibration): Html {
  return table<Bin>(
    'Pictures by the probability of their answer',
    [
      PROBABILITY,
      { title: 'right', right: true, value: ({ right }) => countText(right) },
      { title: 'wrong', right: true, value: ({ right, count }) => countText(count - right) },
    ],
    bins.filter(({ count }) => count > 0),
  )
}

const PROBABILITY: HtmlColumn<Bin> = {
  title: 'probability',
  head: true,
  right: true,
  value: ({ from, to }) => `${percentText(from)} – ${percentText(to)}`,
}

function spoken({ bins, error }: Calibration): string {
  const told = bins
    .filter(({ count }) => count > 0)
    .map(
      ({ from, to, right, count }) =>
        `${percentText(from, 0)} to ${percentText(to, 0)}: ${percentText(right / count, 0)} right`,
    )
  return `Reliability diagram, expected calibration error ${percentText(error)}. By probability of the answer: ${told.join('; ')}.`
}

function spokenCounts({ bins, pictures }: Calibration): string {
  const sure = bins.at(-1)!
  return `Histogram of probabilities: ${countText(sure.count)} of ${plural(pictures, 'answer')} above ${percentText(sure.from, 0)}, ${countText(sure.count - sure.right)} of those wrong.`
}
