import type { Output } from '../command.ts'
import type { Printer } from './printer.ts'

/** One JSON object a line: the event with the time it was printed, ISO 8601. */
export function jsonPrinter(stream: Output): Printer {
  return {
    event: (event) => {
      stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
    },
    close: () => {},
  }
}
