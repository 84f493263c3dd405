import type { Change, Changes } from './changes.ts'
import { placeOfPath } from './paths.ts'
import type { Watch } from './watch.ts'

export interface Stream {
  readonly changes: Changes
  readonly watch: Watch
  /** Milliseconds between signs of life, by which a dead connection is noticed. */
  readonly heartbeat: number
  /** Of the last event that the reader has had. */
  readonly last: string | undefined
  /** Paths of pages that the reader shows. */
  readonly pages: readonly string[]
  /** Ends the stream from here. */
  readonly signal: AbortSignal
  readonly ended: () => void
}

/** Milliseconds after which a browser asks again. */
const RETRY_MS = 2000
/** Events that a reader may leave unread. */
const MOST_UNREAD = 1024

/**
 * The stream of events: `hello` where the reader may have missed something and has to look for itself, `change` with the
 * paths of pages. Ends when the reader goes, and for one that does not read.
 */
export function eventStream({
  changes,
  watch,
  heartbeat,
  last,
  pages,
  signal,
  ended,
}: Stream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const looked = pages.map(placeOfPath).filter((place) => place !== undefined)
  let stop = () => undefined as void
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const send = (text: string) => {
        if ((controller.desiredSize ?? 0) < -MOST_UNREAD) end()
        else controller.enqueue(encoder.encode(text))
      }
      const end = () => {
        stop()
        controller.close()
      }
      const missed = last === undefined ? undefined : changes.since(last)
      send(`retry: ${RETRY_MS}\n\n`)
      const forget = changes.listen((change) => send(changeText(change)))
      const leave = watch.begin(looked)
      const beat = setInterval(() => send(': alive\n\n'), heartbeat)
      signal.addEventListener('abort', end)
      stop = () => {
        signal.removeEventListener('abort', end)
        clearInterval(beat)
        forget()
        leave()
        ended()
      }
      if (missed) for (const change of missed) send(changeText(change))
      else send(eventText('hello', changes.id, {}))
    },
    cancel: () => stop(),
  })
}

function changeText({ id, pages }: Change): string {
  return eventText('change', id, { pages })
}

function eventText(event: string, id: string, data: object): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}
