import type { PlannedStage } from '../graph/plan.ts'
import { prepare } from '../runs/prepare.ts'
import { openWorkshop, type RunOptions } from '../runs/run.ts'
import { planPrepared } from '../runs/settle.ts'
import { digestOf } from '../util/digest.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import type { Sweep, Trial } from './sweep.ts'
import { stateOf, type TrialStatus } from './trial-state.ts'
import { readFolders } from './trials.ts'

/** The stages of one kind over all trials, those that trials share once. */
export interface KindPlan {
  readonly kind: string
  readonly distinct: number
  readonly cached: number
  /** Of the artifacts, as far as known; undefined where nothing is known. */
  readonly bytes: number | undefined
  /** Of what is to run, as far as it can be told. */
  readonly seconds: number | undefined
  /** Of those that run: for how many of them the seconds are known. */
  readonly timed: number
}

export interface TrialPlan {
  readonly trial: Trial
  readonly status: TrialStatus
  /** Stages that run for it and for no trial before it. */
  readonly own: number
}

export interface SweepPlan {
  readonly trials: readonly TrialPlan[]
  /** In the order in which they first appear. */
  readonly kinds: readonly KindPlan[]
}

type PlanOptions = Pick<
  RunOptions,
  'store' | 'maxStoreBytes' | 'runs' | 'force' | 'noCache' | 'signal'
> & { readonly offline: boolean; readonly verbose: boolean }

/** What a sweep would do; trials that are done need nothing. Nothing is executed. Throws what `planPrepared` does. */
export async function planSweep(sweep: Sweep, options: PlanOptions): Promise<SweepPlan> {
  const folders = readFolders(sweep)
  const seen = new Map<string, PlannedStage>()
  const trials: TrialPlan[] = []
  for (const trial of sweep.trials) {
    const folder = folders.get(trial.id)
    const status = folder ? stateOf(folder).status : 'waiting'
    const isOver = status === 'done' && options.force.length === 0 && !options.noCache
    let own = 0
    for (const [key, planned] of await stagesOf(sweep, trial, options)) {
      const isCounted = seen.get(key)?.state
      if (isOver) {
        // What a finished trial needed is not run again for it.
        if (!isCounted) seen.set(key, { ...planned, state: 'cached' })
        continue
      }
      if (isCounted && isCounted !== 'cached') continue
      seen.set(key, planned)
      if (planned.state !== 'cached') own += 1
    }
    trials.push({ trial, status, own })
  }
  return { trials, kinds: kindsOf([...seen.values()]) }
}

/** The stages of a trial, each under what it is known by: its fingerprint, or all that it comes from. */
async function stagesOf(
  { name }: Sweep,
  trial: Trial,
  options: PlanOptions,
): Promise<Map<string, PlannedStage>> {
  const { runs, offline, verbose, signal, force, noCache } = options
  const prepared = await prepare(trial.loaded, { runs, name, offline, verbose, pin: false })
  const workshop = await openWorkshop(prepared, options)
  try {
    const { plan } = await planPrepared(prepared, workshop, { signal, force, noCache })
    const keys = new Map<string, string>()
    for (const { stage, fingerprint } of plan) {
      const { kind, params, seed = null, numerics = null, needs } = stage
      const inputs = Object.entries(needs).map(([input, need]) => {
        const [id = '', part = ''] = need.split('#')
        return [input, keys.get(id) ?? id, part]
      })
      const document = { kind, params, seed, numerics, inputs } as unknown as Json
      keys.set(stage.id, fingerprint ?? digestOf(canonicalJson(document)))
    }
    return new Map(plan.map((planned) => [keys.get(planned.stage.id)!, planned]))
  } catch (error) {
    throw prepared.placed(error)
  } finally {
    await workshop.environment.close()
    workshop.store.close()
  }
}

function kindsOf(stages: readonly PlannedStage[]): KindPlan[] {
  const kinds = [...new Set(stages.map(({ stage }) => stage.kind))]
  return kinds.map((kind) => {
    const own = stages.filter(({ stage }) => stage.kind === kind)
    const bytes = own.flatMap(({ artifact, estimate }) => artifact?.bytes ?? estimate?.bytes ?? [])
    const left = own.filter(({ state }) => state !== 'cached')
    const seconds = left.flatMap(({ estimate }) => estimate?.seconds ?? [])
    return {
      kind,
      distinct: own.length,
      cached: own.length - left.length,
      bytes: bytes.length > 0 ? sum(bytes) : undefined,
      seconds: seconds.length > 0 ? sum(seconds) : undefined,
      timed: seconds.length,
    }
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
