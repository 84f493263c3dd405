import type { AnyPrepared } from '../runs/prepare.ts'
import { openWorkshop, type RunOptions } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import type { Digest } from '../util/digest.ts'

/**
 * The stages of a trial that are to be computed again: of those that `force` and `noCache` name, the ones that this process
 * has not computed since the sweep began. What trials share is computed again once.
 */
export async function forcedStages(
  prepared: AnyPrepared,
  options: Pick<RunOptions, 'store' | 'maxStoreBytes' | 'signal' | 'force' | 'noCache'>,
  computed: ReadonlySet<Digest>,
): Promise<string[]> {
  const { force, noCache, signal } = options
  if (force.length === 0 && !noCache) return []
  const workshop = await openWorkshop(prepared, options)
  try {
    const { plan } = await planPrepared(prepared, workshop, { signal })
    const isMeant = ({ id, kind }: { readonly id: string; readonly kind: string }) =>
      noCache || force.includes(id) || force.includes(kind)
    return plan
      .filter(({ fingerprint }) => fingerprint === undefined || !computed.has(fingerprint))
      .map(({ stage }) => stage)
      .filter(isMeant)
      .map(({ id }) => id)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}
