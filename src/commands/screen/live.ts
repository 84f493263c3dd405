import type { Output } from '../command.ts'
import { createLogUpdate } from 'log-update'
import picocolors from 'picocolors'
import stringWidth from 'string-width'
import type { Event } from '../../graph/event.ts'
import { bar, followProgress, lastingLines } from './lines.ts'
import type { Printer } from './printer.ts'

interface Running {
  readonly follow: ReturnType<typeof followProgress>
  progress: Extract<Event, { type: 'stageProgress' }> | undefined
  text: string
}

/** Redrawn at most so often, so that drawing costs nothing beside the work. */
const EVERY_MS = 80

/** Finished stages stay as lines; below them, one line a running stage with its bar, pace and time left. */
export function livePrinter(stream: Output, { color }: { readonly color: boolean }): Printer {
  const paint = picocolors.createColors(color)
  const colours = { good: paint.green, bad: paint.red, warn: paint.yellow, dim: paint.dim }
  const region = createLogUpdate(stream, { showCursor: true })
  const running = new Map<string, Running>()
  let timer: NodeJS.Timeout | undefined

  const draw = (): void => {
    timer = undefined
    const width = stream.columns || 80
    region([...running].map(([id, stage]) => runningLine(id, stage, width, paint.cyan)).join('\n'))
  }
  const soon = (): void => {
    timer ??= setTimeout(draw, EVERY_MS)
  }
  return {
    event: (event) => {
      if (event.type === 'stageStarted') {
        running.set(event.stage, { follow: followProgress(), progress: undefined, text: '' })
      }
      if (event.type === 'stageProgress') {
        const stage = running.get(event.stage)
        if (stage) {
          stage.progress = event
          stage.text = stage.follow.text(event, performance.now() / 1000)
        }
      }
      if (event.type === 'stageDone' || event.type === 'stageFailed') running.delete(event.stage)
      const lines = lastingLines(event, colours, stream.columns || 80)
      if (lines.length > 0) {
        region.clear()
        for (const line of lines) stream.write(`${line}\n`)
      }
      soon()
    },
    close: () => {
      clearTimeout(timer)
      region.clear()
      region.done()
    },
  }
}

function runningLine(
  id: string,
  stage: Running,
  width: number,
  paint: (text: string) => string,
): string {
  const { progress, text } = stage
  const room = width - stringWidth(`● ${id}    ${text}`) - 1
  const drawn =
    progress?.total !== undefined && room >= 8
      ? `  ${paint(bar(progress.done, progress.total, Math.min(24, room)))}`
      : ''
  return cut(`${paint('●')} ${id}${drawn}  ${text}`, width)
}

/** A line that is too long would wrap, and a wrapped line cannot be redrawn in place. */
function cut(line: string, width: number): string {
  if (stringWidth(line) < width) return line
  let text = line
  while (stringWidth(text) >= width - 1) text = text.slice(0, -1)
  return `${text}…`
}
