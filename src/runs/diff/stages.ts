import { changesBetween, changesText, type Change } from '../../graph/why.ts'
import type { StageSide } from './side.ts'

/** A stage: the same, or with another fingerprint or output, or only in one of the sides. */
export interface StageDiff {
  readonly id: string
  /** One line for a person. */
  readonly why: string
  /** Components of the fingerprint that differ; empty where the store no longer knows them. */
  readonly changes: readonly Change[]
  readonly same: boolean
}

/** Every stage of both, in the order of B. */
export function stagesDiff(a: readonly StageSide[], b: readonly StageSide[]): StageDiff[] {
  const [left, right] = [byId(a), byId(b)]
  const ids = [...new Set([...right.keys(), ...left.keys()])]
  return ids.map((id) => stageDiff(id, left.get(id), right.get(id)))
}

function stageDiff(id: string, a: StageSide | undefined, b: StageSide | undefined): StageDiff {
  const row = (why: string, changes: readonly Change[] = []) => ({ id, why, changes, same: false })
  if (!a || !b) return row(`only in ${a ? 'A' : 'B'}`)
  const isOutputKnown = a.digest !== undefined && b.digest !== undefined
  const isOutputSame = isOutputKnown && a.digest === b.digest
  if (a.fingerprint === undefined || b.fingerprint === undefined) {
    return row('not known before the stages ahead of it have run')
  }
  if (a.fingerprint === b.fingerprint) {
    if (!isOutputKnown || isOutputSame) return { ...row('the same'), same: true }
    return row('computed twice from the same, with other output')
  }
  const changes = a.document && b.document ? changesBetween(a.document, b.document) : []
  const reason = changes.length > 0 ? changesText(changes) : 'its fingerprint differs'
  return row(isOutputSame ? `${reason}; the output is the same` : reason, changes)
}

function byId(stages: readonly StageSide[]): Map<string, StageSide> {
  return new Map(stages.map((stage) => [stage.id, stage]))
}
