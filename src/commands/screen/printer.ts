import type { Output } from '../command.ts'
import type { Event } from '../../graph/event.ts'

/** Where events go while a plan runs. Everything is written to stderr: stdout belongs to the result. */
export interface Printer {
  event(event: Event): void
  /** Takes a live region off the screen; nothing is printed afterwards. */
  close(): void
}

export type LogStyle = 'auto' | 'plain' | 'json'

/** `auto` is live on a terminal and plain lines elsewhere (a pipe, a file, CI, TERM=dumb). */
export async function openPrinter(
  style: LogStyle,
  stream: Output,
  env: NodeJS.ProcessEnv,
): Promise<Printer> {
  if (style === 'json') return (await import('./json.ts')).jsonPrinter(stream)
  const live = style === 'auto' && stream.isTTY && !env['CI'] && env['TERM'] !== 'dumb'
  if (live) return (await import('./live.ts')).livePrinter(stream, { color: !env['NO_COLOR'] })
  return (await import('./plain.ts')).plainPrinter(stream)
}
