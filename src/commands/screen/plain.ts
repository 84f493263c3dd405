import type { Output } from '../command.ts'
import type { Printer } from './printer.ts'
import { followProgress, lastingLines, type Colours } from './lines.ts'

const NONE: Colours = { good: same, bad: same, warn: same, dim: same }
/** A long stage says where it is no more often than this. */
const EVERY_SECONDS = 10

/** Lines for pipes, files and CI: no colour, nothing rewritten, a progress line every ten seconds of a stage. */
export function plainPrinter(stream: Output): Printer {
  const running = new Map<string, { follow: ReturnType<typeof followProgress>; spoke: number }>()
  const now = () => performance.now() / 1000
  return {
    event: (event) => {
      if (event.type === 'stageStarted') {
        running.set(event.stage, { follow: followProgress(), spoke: now() })
      }
      const stage = event.type === 'stageProgress' ? running.get(event.stage) : undefined
      if (stage && event.type === 'stageProgress') {
        const text = stage.follow.text(event, now())
        if (now() - stage.spoke > EVERY_SECONDS) {
          stage.spoke = now()
          stream.write(`  ${event.stage}  ${text}\n`)
        }
      }
      for (const line of lastingLines(event, NONE)) stream.write(`${line}\n`)
    },
    close: () => {},
  }
}

function same(text: string): string {
  return text
}
