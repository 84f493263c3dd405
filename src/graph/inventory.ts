import type { Digest } from '../util/digest.ts'
import { entriesOf, type Entry } from './gc.ts'
import { namesIn } from './results.ts'
import type { Store } from './store.ts'

/** One thing in the store, with what is known of where it comes from. */
export interface Item extends Entry {
  /** The stage that made it, where its result is still known. */
  readonly stage?: string | undefined
  readonly kind?: string | undefined
  /** ISO 8601, UTC. */
  readonly created?: string | undefined
  /** A living process reads it, or works in it. */
  readonly inUse: boolean
}

/** Everything in the store, the most recently used first. */
export function inventory(store: Store): Item[] {
  const made = new Map(
    namesIn(store.layout.results).flatMap((kind) =>
      store.history(kind).map((result) => [result.digest, result] as const),
    ),
  )
  return entriesOf(store.layout)
    .filter((entry) => entry.what !== 'state' || entry.bytes > 0)
    .map((entry) => {
      const result = entry.what === 'artifact' ? made.get(digestOf(entry)) : undefined
      const inUse = store.claims.isUsed(entry.what === 'work' ? 'run' : 'use', entry.key)
      const { stage, document, created } = result ?? {}
      return { ...entry, stage, kind: document?.kind ?? entry.kind, created, inUse }
    })
    .sort((a, b) => b.used - a.used)
}

export interface Verification {
  readonly checked: number
  readonly bytes: number
  readonly damaged: readonly { readonly digest: Digest; readonly damage: string }[]
}

/** Hashes every byte of every artifact; the damaged ones are moved to quarantine/. */
export async function verifyStore(
  store: Store,
  progress: (bytes: number, of: number) => void = () => undefined,
): Promise<Verification> {
  const artifacts = entriesOf(store.layout).filter((entry) => entry.what === 'artifact')
  const bytes = artifacts.reduce((sum, entry) => sum + entry.bytes, 0)
  const damaged: { digest: Digest; damage: string }[] = []
  let done = 0
  for (const entry of artifacts) {
    const damage = await store.verify(digestOf(entry))
    if (damage !== undefined) damaged.push({ digest: digestOf(entry), damage })
    done += entry.bytes
    progress(done, bytes)
  }
  return { checked: artifacts.length, bytes, damaged }
}

function digestOf(entry: Entry): Digest {
  return `sha256:${entry.key}`
}
