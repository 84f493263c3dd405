import { randomBytes } from 'node:crypto'

/** Pages that are not as they were. */
export interface Change {
  /** `<which watch>-<number>`, as in Last-Event-ID. */
  readonly id: string
  /** Their paths. */
  readonly pages: readonly string[]
}

/** What has changed, for whoever listens now or asks what was missed. */
export interface Changes {
  /** Of the newest. */
  readonly id: string
  add(pages: readonly string[]): void
  /** Those after the one with this id; undefined where they are not known (any more). */
  since(id: string): readonly Change[] | undefined
  listen(tell: (change: Change) => void): () => void
}

/** Whoever missed more reads the page again. */
const KEPT = 256

export function openChanges(): Changes {
  const own = randomBytes(4).toString('hex')
  const kept: Change[] = []
  const listeners = new Set<(change: Change) => void>()
  let last = 0
  const idOf = (number: number) => `${own}-${number}`
  return {
    get id() {
      return idOf(last)
    },
    add: (pages) => {
      last += 1
      const change = { id: idOf(last), pages }
      kept.push(change)
      if (kept.length > KEPT) kept.shift()
      for (const tell of listeners) tell(change)
    },
    since: (id) => {
      if (id === idOf(last)) return []
      const at = kept.findIndex((change) => change.id === id)
      if (at >= 0) return kept.slice(at + 1)
      // The one right before those that are kept.
      return id === idOf(last - kept.length) ? [...kept] : undefined
    },
    listen: (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
  }
}
