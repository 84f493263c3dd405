import { Writable } from 'node:stream'
import type { Output } from '../../src/commands/command.ts'

/** A stream that keeps what is written to it; with `columns` it says that it is a terminal. */
export function fakeOutput(columns?: number): {
  readonly stream: Output
  readonly text: () => string
} {
  let text = ''
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      done()
    },
  })
  if (columns !== undefined) Object.assign(stream, { isTTY: true, columns, rows: 40 })
  return { stream, text: () => text }
}
