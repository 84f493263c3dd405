import { createLogUpdate } from 'log-update'
import picocolors from 'picocolors'
import { sweepResults } from '../../sweeps/results.ts'
import type { SweepEvent } from '../../sweeps/event.ts'
import type { Sweep } from '../../sweeps/sweep.ts'
import { readFolders } from '../../sweeps/trials.ts'
import { metricText, secondsText } from '../../util/text.ts'
import { textWidth } from '../../util/width.ts'
import type { Output } from '../command.ts'
import { followProgress, lastingLines, type Colours } from './lines.ts'
import type { LogStyle } from './printer.ts'
import { parametersText } from './sweep-result.ts'

export interface SweepPrinter {
  readonly event: (event: SweepEvent) => void
  readonly close: () => void
}

/** Live on a terminal: one line a running trial, below them the best so far, how many are left and for how long. Else lines. */
export async function openSweepPrinter(
  style: LogStyle,
  stream: Output,
  env: NodeJS.ProcessEnv,
  sweep: Sweep,
): Promise<SweepPrinter> {
  if (style === 'json') {
    return {
      event: (event) =>
        void stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
      close: () => {},
    }
  }
  const live = style === 'auto' && stream.isTTY && !env['CI'] && env['TERM'] !== 'dumb'
  return live ? livePrinter(stream, sweep, !env['NO_COLOR']) : plainPrinter(stream, sweep)
}

const NONE: Colours = { good: same, bad: same, warn: same, dim: same }

function plainPrinter(stream: Output, sweep: Sweep): SweepPrinter {
  const lines = trialLines(sweep)
  return {
    event: (event) => {
      for (const line of lines(event, NONE, Infinity)) stream.write(`${line}\n`)
    },
    close: () => {},
  }
}

interface RunningTrial {
  stage: string
  text: string
  follow: ReturnType<typeof followProgress>
}

const EVERY_MS = 100

function livePrinter(stream: Output, sweep: Sweep, color: boolean): SweepPrinter {
  const paint = picocolors.createColors(color)
  const colours = { good: paint.green, bad: paint.red, warn: paint.yellow, dim: paint.dim }
  const region = createLogUpdate(stream, { showCursor: true })
  const lines = trialLines(sweep)
  const running = new Map<string, RunningTrial>()
  const standing = standingOf(sweep)
  let timer: NodeJS.Timeout | undefined
  const draw = () => {
    timer = undefined
    const width = stream.columns || 80
    const rows = [...running].map(([id, { stage, text }]) => {
      const name = parametersText(parametersOf(sweep, id), sweep)
      return cut(`● ${name}  ${stage}  ${text}`, width)
    })
    const status = standing()
    region([...rows, ...(status ? [paint.dim(cut(status, width))] : [])].join('\n'))
  }
  return {
    event: (event) => {
      follow(running, event)
      const lasting = lines(event, colours, stream.columns || 80)
      if (lasting.length > 0) {
        region.clear()
        for (const line of lasting) stream.write(`${line}\n`)
      }
      timer ??= setTimeout(draw, EVERY_MS)
    },
    close: () => {
      clearTimeout(timer)
      region.clear()
      region.done()
    },
  }
}

/** Keeps the lines of running trials. */
function follow(running: Map<string, RunningTrial>, event: SweepEvent): void {
  if (event.type === 'trialStarted') {
    running.set(event.trial, { stage: 'begins', text: '', follow: followProgress() })
  }
  if (event.type === 'trialDone' || event.type === 'trialFailed') running.delete(event.trial)
  const trial = 'trial' in event && event.trial ? running.get(event.trial) : undefined
  if (!trial) return
  if (event.type === 'stageStarted') {
    Object.assign(trial, { stage: event.stage, text: '', follow: followProgress() })
  }
  if (event.type === 'stageProgress') {
    trial.stage = event.stage
    trial.text = trial.follow.text(event, performance.now() / 1000)
  }
}

/** The lasting lines of a sweep: one when a trial ends, those of shared stages, warnings. */
function trialLines(sweep: Sweep) {
  /** Stages that several trials share are told once. */
  const told = new Set<string>()
  return (event: SweepEvent, colours: Colours, width: number): string[] => {
    const { good, bad, dim, warn } = colours
    switch (event.type) {
      case 'sweepStarted': {
        const { name, trials } = sweep
        const before = event.finished > 0 ? `, ${event.finished} of them done before` : ''
        return [`sweep ${name}: ${trials.length} trials${before}`]
      }
      case 'trialStarted':
      case 'workerFailed':
        return []
      case 'trialDone': {
        const name = parametersText(parametersOf(sweep, event.trial), sweep)
        const value = event.value === undefined ? '' : `  ${metricText(event.value)}`
        const took = event.cached ? 'cached' : secondsText(event.seconds)
        return [cut(`${good('✓')} ${name}${value}  ${dim(took)}`, width)]
      }
      case 'trialFailed': {
        const name = parametersText(parametersOf(sweep, event.trial), sweep)
        const again = event.again ? '; it is tried again' : ''
        return [`${bad('✗')} ${name}  failed: ${event.message}${again}`]
      }
      case 'workerEnded':
        return [`${warn('!')} the worker ${event.pid} ended ${event.how}; another takes its place`]
      case 'sweepDone':
        if (event.status !== 'interrupted') return []
        return [
          `${warn('!')} interrupted; what is finished is kept, the same command goes on from there`,
        ]
      case 'stageDone': {
        // What trials share is done once and then cached; a cached stage says nothing.
        if (event.cached || event.stage === 'train' || event.stage.startsWith('evaluate')) return []
        return told.has(event.fingerprint)
          ? []
          : (told.add(event.fingerprint), lastingLines(event, colours, width))
      }
      case 'epochDone':
      case 'stageWaiting':
        return []
      case 'note':
        return event.trial === undefined ? lastingLines(event, colours, width) : []
      case 'warning':
      case 'stageFailed':
        return event.trial === undefined ? lastingLines(event, colours, width) : []
      default:
        return []
    }
  }
}

/** Best so far, how many are done, failed and left, and how long the rest takes at this pace. */
function standingOf(sweep: Sweep): () => string {
  const began = performance.now()
  let first: number | undefined
  return () => {
    const { trials, best } = sweepResults(sweep, readFolders(sweep))
    const done = trials.filter(({ status }) => status === 'done').length
    const failed = trials.filter(({ status }) => status === 'failed').length
    first ??= done
    const left = trials.length - done - failed
    const pace = (performance.now() - began) / 1000 / Math.max(1, done - first)
    return [
      `${done}/${trials.length} done`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(best?.value === undefined
        ? []
        : [`best ${metricText(best.value)} ${parametersText(best.parameters, sweep)}`]),
      ...(done > first && left > 0 ? [`${secondsText(left * pace)} left`] : []),
    ].join('  ')
  }
}

function parametersOf(sweep: Sweep, id: string) {
  return sweep.trials.find((trial) => trial.id === id)?.parameters ?? {}
}

function cut(line: string, width: number): string {
  if (textWidth(line) < width) return line
  let text = line
  while (textWidth(text) >= width - 1) text = text.slice(0, -1)
  return `${text}…`
}

function same(text: string): string {
  return text
}
