import type { InstallEvent } from '../../engines/tensorflow/install/install.ts'
import { bytesText } from '../../util/text.ts'
import type { Output } from '../command.ts'
import { bar } from './lines.ts'

/** Shows an install: on a terminal one line that changes, elsewhere a line a step. */
export function installScreen(stream: Output): {
  readonly event: (event: InstallEvent) => void
  readonly close: () => void
} {
  const live = stream.isTTY === true
  let current: string | undefined
  let open = false
  const step = (message: string): void => {
    if (message === current) return
    if (open) stream.write('\n')
    open = false
    current = message
    if (!live) stream.write(`${message}\n`)
  }
  return {
    event: (event) => {
      step(event.type === 'step' ? event.message : event.what)
      if (!live) return
      stream.write(`\r\u001B[K${event.type === 'step' ? event.message : progressLine(event)}`)
      open = true
    },
    close: () => {
      if (open) stream.write('\n')
      open = false
    },
  }
}

function progressLine({ what, done, total }: Extract<InstallEvent, { type: 'progress' }>): string {
  if (total === undefined) return `${what}  ${bytesText(done)}`
  return `${what}  ${bar(done, total, 24)}  ${bytesText(done)}/${bytesText(total)}`
}
