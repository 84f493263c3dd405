import type { EarlyTerminate } from '../pipeline/pipeline.generated.ts'
import { repeatsOf } from './candidates.ts'
import { ashaDecision, type AshaDecision, type AshaRule, type AshaTrial } from './early/asha.ts'
import { nextCandidate } from './sampler.ts'
import type { Sweep, Trial } from './sweep.ts'
import { claimTicket, readTicket } from './ticket.ts'
import { addTrial, claimTrial, type TrialClaim, type TrialFolder } from './trial-folder.ts'
import { reaches, stateOf, valueOf, valuesOf, type TrialState } from './trial-state.ts'
import {
  closeEnded,
  openTrials,
  readFolders,
  trialsFolder,
  turnFolder,
  withSuggested,
  type BeginOptions,
} from './trials.ts'

/** What a worker does next. */
export type Next =
  /** Runs a trial, up to so many epochs where it is not to be trained to its end yet. */
  | {
      readonly type: 'run'
      readonly trial: Trial
      readonly claim: TrialClaim
      readonly epochs?: number | undefined
    }
  /** The next trial has to be suggested first; never told outside. */
  | { readonly type: 'suggest' }
  /** Others are at work, and what they come to may bring more; `rest`: only if they die, as all that is left is theirs. */
  | { readonly type: 'wait'; readonly for: 'others' | 'rest' }
  | { readonly type: 'end' }

const WAIT: Next = { type: 'wait', for: 'others' }

/** Also gives the sweep with the trials that have been suggested since. `only`: no other trial is run. */
export async function nextTrial(
  before: Sweep,
  only: ReadonlySet<string> | undefined,
): Promise<{ readonly sweep: Sweep; readonly next: Next }> {
  const sweep = await withSuggested(before)
  closeEnded(sweep)
  const folders = readFolders(sweep)
  if (isOver(sweep, folders)) return { sweep, next: { type: 'end' } }
  const { earlyTerminate } = sweep.block
  const next =
    earlyTerminate?.type === 'asha'
      ? takeByRungs(sweep, folders, only, ruleOf(sweep, earlyTerminate))
      : takeOpen(sweep, folders, only)
  if (next.type === 'run' || only) return { sweep, next }
  const suggestion = await suggest(sweep)
  // The one that was added is found again, by whichever process is first.
  if (suggestion === 'added') return nextTrial(sweep, only)
  if (suggestion === 'busy') return { sweep, next: WAIT }
  return { sweep, next: next.type === 'suggest' ? afterLast(sweep, folders) : next }
}

/** Where TPE has nothing left to suggest before maxTrials: what runs may still be promoted. */
function afterLast(sweep: Sweep, folders: ReadonlyMap<string, TrialFolder>): Next {
  const known = { ...sweep, block: { ...sweep.block, maxTrials: sweep.trials.length } }
  const { earlyTerminate } = sweep.block
  if (earlyTerminate?.type !== 'asha') return { type: 'end' }
  return takeByRungs(known, folders, undefined, ruleOf(sweep, earlyTerminate))
}

/** Whether a trial has reached the target, or one has failed that ends the sweep. */
function isOver(sweep: Sweep, folders: ReadonlyMap<string, TrialFolder>): boolean {
  if (isReached(sweep, folders)) return true
  if (sweep.block.onError !== 'stop') return false
  return sweep.trials.some(({ id }) => {
    const folder = folders.get(id)
    return folder?.ticket.state === 'closed' && stateOf(folder).status === 'failed'
  })
}

function isReached({ block, trials }: Sweep, folders: ReadonlyMap<string, TrialFolder>): boolean {
  return trials.some(({ id }) => {
    const folder = folders.get(id)
    const value = folder && valueOf(stateOf(folder), block.metric)
    return value !== undefined && reaches(value, block.metric)
  })
}

function takeOpen(
  { trials }: Sweep,
  folders: ReadonlyMap<string, TrialFolder>,
  only: ReadonlySet<string> | undefined,
): Next {
  const wanted = trials.filter(({ id }) => !only || only.has(id))
  for (const trial of wanted) {
    const folder = folders.get(trial.id)
    const claim = folder && claimTrial(folder)
    if (claim) return { type: 'run', trial, claim }
  }
  const isBusy = wanted.some(({ id }) => folders.get(id)?.ticket.state === 'claimed')
  return isBusy ? { type: 'wait', for: 'rest' } : { type: 'end' }
}

/** By asynchronous successive halving. Where another process was quicker, things stand differently: look again. */
function takeByRungs(
  sweep: Sweep,
  folders: ReadonlyMap<string, TrialFolder>,
  only: ReadonlySet<string> | undefined,
  rule: AshaRule,
): Next {
  const { trials } = sweep
  const { decision, fresh } = decideByRungs(sweep, folders, only, rule)
  if (decision.type === 'wait') return WAIT
  if (decision.type === 'end') return decision
  if (decision.type === 'start' && fresh.length === 0) return { type: 'suggest' }
  const candidates = decision.type === 'start' ? fresh : [trials[decision.trial]!]
  for (const trial of candidates) {
    const claim = claimTrial(folders.get(trial.id)!, { again: true })
    if (claim) return { type: 'run', trial, claim, epochs: decision.rung }
  }
  return WAIT
}

function decideByRungs(
  { trials, block }: Sweep,
  folders: ReadonlyMap<string, TrialFolder>,
  only: ReadonlySet<string> | undefined,
  rule: AshaRule,
): { readonly decision: AshaDecision; readonly fresh: readonly Trial[] } {
  const stateFor = (id: string) => {
    const folder = folders.get(id)
    return folder && stateOf(folder)
  }
  const wanted = trials.filter(({ id }) => !only || only.has(id))
  const isFresh = ({ id }: Trial) => stateFor(id)?.status === 'waiting' && !stateFor(id)?.paused
  const known = trials.flatMap((trial, number): AshaTrial[] => {
    const state = stateFor(trial.id)
    return state && !isFresh(trial) ? [ashaTrial(state, number, block.metric, rule)] : []
  })
  const fresh = wanted.filter(isFresh)
  const isOpen = block.method === 'tpe' && !only
  const canStart = fresh.length > 0 || (isOpen && trials.length < block.maxTrials!)
  return { decision: ashaDecision(known, rule, canStart, isOpen ? 'last' : 'first'), fresh }
}

/**
 * How many workers would find something to do now, at most; nothing is claimed. Trials count that nobody is at, and those that
 * are still to be suggested.
 */
export function workLeft(sweep: Sweep, options: BeginOptions): number {
  const folders = readFolders(sweep)
  // What has failed is opened again, and does not end the sweep.
  if (isReached(sweep, folders)) return 0
  const open = openTrials(sweep, options).size
  if (options.onlyFailed) return open
  const work = open + suggestionsLeft(sweep, folders)
  const { earlyTerminate } = sweep.block
  if (work > 0 || earlyTerminate?.type !== 'asha') return work
  const { decision } = decideByRungs(sweep, folders, undefined, ruleOf(sweep, earlyTerminate))
  return decision.type === 'promote' ? 1 : 0
}

/** Trials that TPE will add before it has as many as it may; none where it has tried all there are. */
function suggestionsLeft(
  { block, trials }: Sweep,
  folders: ReadonlyMap<string, TrialFolder>,
): number {
  if (block.method !== 'tpe') return 0
  const repeats = repeatsOf(block).length
  const left = Math.floor(block.maxTrials! / repeats) * repeats - trials.length
  if (left <= 0) return 0
  const tried = trials.map(({ id, parameters }) => {
    const folder = folders.get(id)
    return { parameters, state: folder && stateOf(folder) }
  })
  return nextCandidate(block, tried) ? left : 0
}

function ruleOf(
  { block }: Sweep,
  { min = 1, max, eta = 3 }: Extract<EarlyTerminate, { type: 'asha' }>,
): AshaRule {
  return { goal: block.metric.goal, min, max, eta }
}

function ashaTrial(
  state: TrialState,
  number: number,
  metric: Sweep['block']['metric'],
  { min }: AshaRule,
): AshaTrial {
  const { status, paused, done } = state
  // A trial that was interrupted on its way up stands at the rung that it had come to.
  const isPaused = status === 'paused' || (status === 'waiting' && paused !== undefined)
  return {
    number,
    state: isPaused ? 'paused' : status === 'running' || status === 'done' ? status : 'failed',
    rung: (done ?? paused)?.rung ?? min,
    values: valuesOf(state, metric),
  }
}

/** Adds what TPE suggests next: by one process at a time, as each suggestion depends on all before. */
async function suggest(sweep: Sweep): Promise<'added' | 'nothing' | 'busy'> {
  if (sweep.block.method !== 'tpe') return 'nothing'
  const folder = turnFolder(sweep)
  const ticket = readTicket(folder)
  const claim = ticket && claimTicket(folder, ticket)
  if (!claim) return 'busy'
  try {
    // Others may have suggested since.
    const now = await withSuggested(sweep)
    if (now.trials.length !== sweep.trials.length) return 'added'
    const folders = readFolders(now)
    const tried = now.trials.map(({ id, parameters }) => {
      const own = folders.get(id)
      return { parameters, state: own && stateOf(own) }
    })
    const candidate = nextCandidate(now.block, tried)
    if (!candidate) return 'nothing'
    const { number } = candidate
    for (const repeat of repeatsOf(now.block)) {
      const parameters = { ...candidate.parameters, ...repeat }
      const { id } = await now.resolve(parameters)
      await addTrial(trialsFolder(now), { id, number, parameters })
    }
    return 'added'
  } finally {
    claim.release('open')
  }
}
