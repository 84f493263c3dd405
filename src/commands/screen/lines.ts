import type { Event } from '../../graph/event.ts'
import { bytesText, countText, metricText, secondsText } from '../../util/text.ts'
import { wrap } from '../../util/width.ts'

export type Paint = (text: string) => string
export interface Colours {
  readonly good: Paint
  readonly bad: Paint
  readonly warn: Paint
  readonly dim: Paint
}

/**
 * The lasting lines an event leaves; none for what only moves a live region. Sentences are broken to the width of a
 * terminal.
 */
export function lastingLines(event: Event, colours: Colours, width = Infinity): string[] {
  const { good, bad, warn, dim } = colours
  switch (event.type) {
    case 'stageDone': {
      const size = event.bytes > 0 ? dim(`  ${bytesText(event.bytes)}`) : ''
      if (event.cached) return [`${good('✓')} ${event.stage}  ${dim('cached')}${size}`]
      return [`${good('✓')} ${event.stage}  ${secondsText(event.seconds)}${size}`]
    }
    case 'stageFailed':
      return [`${bad('✗')} ${event.stage}  failed`]
    case 'epochDone':
      return epochLines(event, dim, width)
    case 'warning': {
      const { code, message, hint, at } = event.diagnostic
      const place = at ? `${at.file}:${at.line}:${at.col} ` : ''
      const [first = '', ...more] = wrap(`${place}${code} ${message}`, width - 2)
      return [
        `${warn('!')} ${first.replace(code, (text) => warn(text))}`,
        ...more.map((line) => `  ${line}`),
        ...(hint ? wrap(`hint: ${hint}`, width - 2).map((line) => `  ${dim(line)}`) : []),
      ]
    }
    case 'note':
      return wrap(event.message, width - 2).map((line) => `  ${dim(line)}`)
    case 'stageWaiting':
      return [
        `  ${event.stage}: another process (pid ${event.pid}) is at it; waiting for its result`,
      ]
    case 'planStarted':
    case 'stageStarted':
    case 'stageProgress':
      return []
    case 'runDone':
      if (event.status !== 'interrupted') return []
      return [
        `${warn('!')} interrupted; what is finished is kept, the same command goes on from there`,
      ]
  }
}

/** In one line where that fits, if need be without the names that validation's figures share with those before them. */
function epochLines(
  event: Extract<Event, { type: 'epochDone' }>,
  dim: Paint,
  width: number,
): string[] {
  const { train, validation } = event
  const head = `  epoch ${String(event.epoch).padStart(String(event.epochs).length)}/${event.epochs}  `
  const took = secondsText(event.seconds)
  if (!validation) return [`${head}${figures(train)}  ${dim(took)}`]
  const isSame = Object.keys(train).join() === Object.keys(validation).join()
  const bare = Object.values(validation).map(metricText).join('  ')
  for (const text of [figures(validation), ...(isSame ? [bare] : [])]) {
    const plain = `${head}${figures(train)}  validation ${text}  ${took}`
    if (plain.length > width) continue
    return [`${head}${figures(train)}  ${dim('validation')} ${text}  ${dim(took)}`]
  }
  const below = `${' '.repeat(head.length)}${dim('validation')} ${figures(validation)}`
  return [`${head}${figures(train)}  ${dim(took)}`, below]
}

type Progress = Extract<Event, { type: 'stageProgress' }>

/**
 * Follows one stage: its pace is taken from its first report on, so that starting up is not part of it.
 * `text` says how far it is, its pace and the time left.
 */
export function followProgress(): { readonly text: (event: Progress, seconds: number) => string } {
  let first: { readonly done: number; readonly seconds: number } | undefined
  return {
    text: (event, seconds) => {
      first ??= { done: event.done, seconds }
      const took = seconds - first.seconds
      return progressText(event, took > 0 ? (event.done - first.done) / took : 0)
    },
  }
}

function progressText({ done, total, unit }: Progress, pace: number): string {
  const amount = (n: number) => (unit === 'bytes' ? bytesText(n) : countText(n))
  const label = unit === 'bytes' ? '' : ` ${unit}`
  const speed = pace > 0 ? `  ${unit === 'bytes' ? bytesText(pace) : paceText(pace)}${label}/s` : ''
  if (total === undefined) return `${amount(done)}${label}${speed}`
  const left = pace > 0 && done < total ? `  ${secondsText((total - done) / pace)} left` : ''
  return `${amount(done)}/${amount(total)}${label}${speed}${left}`
}

export function bar(done: number, total: number, width: number): string {
  const filled = Math.round((Math.min(done, total) / Math.max(1, total)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

function paceText(pace: number): string {
  return pace < 9.95 ? pace.toFixed(1) : countText(pace)
}

function figures(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${metricText(value)}`)
    .join('  ')
}
