import type { Output } from '../command.ts'
import type { Printer } from './printer.ts'
import { lastingLines, progressText, type Colours } from './lines.ts'

const NONE: Colours = { good: same, bad: same, warn: same, dim: same }
/** A long stage says where it is no more often than this. */
const EVERY_SECONDS = 10

/** Lines for pipes, files and CI: no colour, nothing rewritten, a progress line every ten seconds of a stage. */
export function plainPrinter(stream: Output): Printer {
  const started = new Map<string, number>()
  const spoke = new Map<string, number>()
  const now = () => performance.now() / 1000
  return {
    event: (event) => {
      if (event.type === 'stageStarted') {
        started.set(event.stage, now())
        spoke.set(event.stage, now())
      }
      if (event.type === 'stageProgress' && now() - (spoke.get(event.stage) ?? 0) > EVERY_SECONDS) {
        spoke.set(event.stage, now())
        const seconds = now() - (started.get(event.stage) ?? now())
        stream.write(`  ${event.stage}  ${progressText(event, seconds)}\n`)
      }
      for (const line of lastingLines(event, NONE)) stream.write(`${line}\n`)
    },
    close: () => {},
  }
}

function same(text: string): string {
  return text
}
