import { createLogUpdate } from 'log-update'
import picocolors from 'picocolors'
import type { SweepEvent } from '../../sweeps/event.ts'
import type { Sweep } from '../../sweeps/sweep.ts'
import { isBetter } from '../../sweeps/trial-state.ts'
import { metricText, plural, secondsText } from '../../util/text.ts'
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
  const names = namesOf(sweep)
  const lines = trialLines(sweep, names)
  return {
    event: (event) => {
      names.event(event)
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
  const names = namesOf(sweep)
  const lines = trialLines(sweep, names)
  const running = new Map<string, RunningTrial>()
  const standing = standingOf(sweep, names.of)
  let timer: NodeJS.Timeout | undefined
  const draw = () => {
    timer = undefined
    const width = stream.columns || 80
    const rows = [...running].map(([id, { stage, text }]) => {
      const name = cut(names.of(id), Math.ceil(width / 2))
      return cut(`● ${name}  ${stage}  ${text}`, width)
    })
    const status = standing.text()
    region([...rows, ...(status ? [paint.dim(cut(status, width))] : [])].join('\n'))
  }
  return {
    event: (event) => {
      names.event(event)
      standing.event(event)
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

const ENDS: ReadonlySet<string> = new Set(['trialDone', 'trialStopped', 'trialFailed'])

/** Keeps the lines of running trials. */
function follow(running: Map<string, RunningTrial>, event: SweepEvent): void {
  if (event.type === 'trialStarted') {
    running.set(event.trial, { stage: 'begins', text: '', follow: followProgress() })
  }
  if (ENDS.has(event.type) && 'trial' in event) running.delete(event.trial!)
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
function trialLines({ name: title }: Sweep, names: ReturnType<typeof namesOf>) {
  /** Stages that several trials share are told once. */
  const told = new Set<string>()
  return (event: SweepEvent, colours: Colours, width: number): string[] => {
    const { good, bad, dim, warn } = colours
    switch (event.type) {
      case 'sweepStarted': {
        const before = event.finished > 0 ? `, ${event.finished} of them done before` : ''
        return [`sweep ${title}: ${plural(event.trials, 'trial')}${before}`]
      }
      case 'trialStarted':
      case 'workerFailed':
        return []
      case 'trialDone': {
        const name = names.of(event.trial)
        const value = event.value === undefined ? '' : `  ${metricText(event.value)}`
        const how = event.isPaused ? `paused after ${plural(event.epochs, 'epoch')}, ` : ''
        const took = `${how}${event.cached ? 'cached' : secondsText(event.seconds)}`
        return [cut(`${good('✓')} ${name}${value}  ${dim(took)}`, width)]
      }
      case 'trialStopped': {
        const name = names.of(event.trial)
        const value = event.value === undefined ? '' : `  ${metricText(event.value)}`
        const when = dim(`stopped after ${plural(event.epoch, 'epoch')}`)
        return [cut(`${warn('■')} ${name}${value}  ${when}`, width)]
      }
      case 'trialFailed': {
        const name = names.of(event.trial)
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
function standingOf({ block }: Sweep, name: (trial: string) => string) {
  const began = performance.now()
  let total = 0
  let before = 0
  let best: { readonly value: number; readonly trial: string } | undefined
  const ended = { done: new Set<string>(), cut: new Set<string>(), failed: new Set<string>() }
  return {
    event: (event: SweepEvent): void => {
      if (event.type === 'sweepStarted') {
        total = event.trials
        before = event.finished
      }
      if (event.type === 'trialFailed' && !event.again) ended.failed.add(event.trial)
      if (event.type === 'trialStopped') ended.cut.add(event.trial)
      if (event.type !== 'trialDone') return
      const { trial, value, isPaused } = event
      ended.cut[isPaused ? 'add' : 'delete'](trial)
      if (!isPaused) ended.done.add(trial)
      if (value === undefined || isPaused) return
      if (!best || isBetter(value, best.value, block.metric)) best = { value, trial }
    },
    text: (): string => {
      const own = ended.done.size + ended.cut.size + ended.failed.size
      const left = total - before - own
      const pace = (performance.now() - began) / 1000 / Math.max(1, own)
      return [
        `${before + ended.done.size}/${total} done`,
        ...(ended.cut.size > 0 ? [`${ended.cut.size} ended early`] : []),
        ...(ended.failed.size > 0 ? [`${ended.failed.size} failed`] : []),
        ...(best ? [`best ${metricText(best.value)} ${name(best.trial)}`] : []),
        ...(own > 0 && left > 0 ? [`${secondsText(left * pace)} left`] : []),
      ].join('  ')
    },
  }
}

/** What trials are called: by their parameters, which the event that starts one tells. */
function namesOf({ trials }: Sweep) {
  const parameters = new Map(trials.map((trial) => [trial.id, trial.parameters]))
  return {
    event: (event: SweepEvent): void => {
      if (event.type === 'trialStarted') parameters.set(event.trial, event.parameters)
    },
    of: (trial: string): string => parametersText(parameters.get(trial) ?? {}),
  }
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
