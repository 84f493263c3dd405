import { changesBetween, changesText, type Change } from '../../graph/why.ts'
import type { FingerprintDocument } from '../../graph/stage.ts'
import type { StageSide } from './side.ts'

/** A stage: the same, or with another fingerprint or output, or only in one of the sides. */
export interface StageDiff {
  readonly id: string
  /** One line for a person. */
  readonly why: string
  /** Components of the fingerprint that differ; undefined where the store does not know what it is made of. */
  readonly changes: readonly Change[] | undefined
  readonly same: boolean
}

/** Every stage of both, in the order of B. */
export function stagesDiff(a: readonly StageSide[], b: readonly StageSide[]): StageDiff[] {
  const [left, right] = [byId(a), byId(b)]
  const different = new Set<string>()
  return [...new Set([...right.keys(), ...left.keys()])].map((id) => {
    const row = stageDiff(id, left.get(id), right.get(id), different)
    if (!row.same) different.add(id)
    return row
  })
}

function stageDiff(
  id: string,
  a: StageSide | undefined,
  b: StageSide | undefined,
  different: ReadonlySet<string>,
): StageDiff {
  const row = (why: string, changes: readonly Change[] = []) => ({ id, why, changes, same: false })
  if (!a || !b) return row(`only in ${a ? 'A' : 'B'}`)
  if (a.fingerprint === undefined || b.fingerprint === undefined) {
    const { changes, why, same } = foreseen(a, b, different)
    return { ...row(why, changes), same }
  }
  const isOutputKnown = a.digest !== undefined && b.digest !== undefined
  const isOutputSame = isOutputKnown && a.digest === b.digest
  if (a.fingerprint === b.fingerprint) {
    if (!isOutputKnown || isOutputSame) return { ...row('the same'), same: true }
    return row('computed twice from the same, with other output')
  }
  const changes = a.document && b.document && changesBetween(a.document, b.document)
  const reason = changes ? reasonText(changes) : 'its fingerprint differs'
  return { ...row(isOutputSame ? `${reason}; the output is the same` : reason), changes }
}

/** Few values are told one by one, of more only what they belong to: `params.head` rather than all of its settings. */
function reasonText(changes: readonly Change[]): string {
  if (changes.length <= FEW) return changesText(changes)
  const groups = new Set(changes.map(({ path }) => /^[^.[]+(?:\.[^.[]+)?/.exec(path)![0]))
  const words = [...groups].map((path) => path.replace(/^inputs\./, 'input ')).sort()
  return `${words.join(', ')} changed`
}

/** As many as `changesText` names. */
const FEW = 3

/** Of a stage whose fingerprint is open, as stages ahead of it are yet to run: its own settings, and theirs. */
function foreseen(
  a: StageSide,
  b: StageSide,
  different: ReadonlySet<string>,
): Pick<StageDiff, 'why' | 'changes' | 'same'> {
  const [left, right] = [settingsOf(a), settingsOf(b)]
  if (!left || !right) {
    return { why: 'not known before it has run', changes: undefined, same: false }
  }
  const changes = changesBetween(left, right)
  if (changes.length > 0) return { why: reasonText(changes), changes, same: false }
  const ahead = [...new Set(b.needs ?? a.needs)].filter((id) => different.has(id))
  return ahead.length > 0
    ? { why: `follows ${ahead.join(', ')}`, changes, same: false }
    : { why: 'the same', changes, same: true }
}

/** As a document without inputs, whatever the version of its kind. */
function settingsOf({ kind, document, settings }: StageSide): FingerprintDocument | undefined {
  const { params, seed, numerics } = document ?? settings ?? {}
  if (!params) return undefined
  const drawn = seed === undefined ? {} : { seed }
  return { kind, version: 0, params, inputs: {}, ...drawn, ...(numerics ? { numerics } : {}) }
}

function byId(stages: readonly StageSide[]): Map<string, StageSide> {
  return new Map(stages.map((stage) => [stage.id, stage]))
}
