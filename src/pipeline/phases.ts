import type { EngineInfo } from '../engines/engine.ts'
import type { ModelChoice } from '../models/base-model.ts'
import type { HeadLayer } from '../models/head.ts'
import type { FeaturePlan } from '../training/feature-plan.ts'
import { monitored, type CallbackSettings } from '../training/callbacks.ts'
import { wholeModel, type WholeModel } from '../training/model.ts'
import {
  bytesOfSplits,
  isWithinBudget,
  keepable,
  keepingOf,
  type Keeping,
  type Pictures,
} from './keep.ts'
import { namedModel } from './base-model.ts'
import { phaseSettings } from './phase-settings.ts'
import type { Freeze, Optimizer, PhaseSettings, Pipeline, SplitName } from './pipeline.ts'

/** One stretch of training with a freeze policy and an optimizer of its own: one train stage. */
export interface Phase {
  /** Of its stage: `train`, or `train:2` where there are several. */
  readonly id: string
  /** From 1. */
  readonly number: number
  readonly freeze: Freeze
  readonly optimizer: Optimizer
  /** Epochs are counted over all phases. */
  readonly firstEpoch: number
  readonly lastEpoch: number
  /** The stage before, whose weights it begins with. */
  readonly previous: string | undefined
  readonly keeping: Keeping
  /** The splits that it reads as features; the others are read as pixels. */
  readonly features: ReadonlyMap<SplitName, FeatureUse>
}

/** Stored features of a split: one features stage, which several phases may share. */
export interface FeatureUse {
  /** Of its stage: `features:train`, or `features:train:2` where an earlier phase has other ones. */
  readonly id: string
  readonly split: SplitName
  readonly plan: FeaturePlan
  /** The train stage that has changed weights which this phase freezes. */
  readonly model: string | undefined
}

/** What of a phase the number of pictures has no say in. */
export interface PhaseDraft {
  readonly settings: PhaseSettings
  /** As if there were room for everything. */
  readonly keeping: Keeping
  /** An earlier phase has trained what this one freezes. */
  readonly isChangedBefore: boolean
}

/** One for each phase; without `training.phases` the one that the file's own keys describe. */
export function draftPhases(
  pipeline: Pipeline,
  engine: EngineInfo,
  model: ModelChoice = namedModel(pipeline),
): PhaseDraft[] {
  const given = phaseSettings(pipeline)
  return given.map((settings, i) => ({
    settings,
    keeping: keepingOf(pipeline, model, settings, engine),
    isChangedBefore: changedBefore(pipeline, model, settings.freeze, given.slice(0, i)),
  }))
}

/**
 * The phases of a pipeline. What is kept is decided one after the other: features that would pass the budget together with
 * those of the phases before are not kept. Without `pictures` all are taken to fit. Throws CONFLICT where they
 * do not and the file says `always`.
 */
export function resolvePhases(
  pipeline: Pipeline,
  splits: readonly SplitName[],
  drafts: readonly PhaseDraft[],
  pictures: Pictures = {},
): Phase[] {
  const names = new Map<string, string>()
  const phases: Phase[] = []
  let bytes = 0
  for (const [i, { settings, keeping, isChangedBefore }] of drafts.entries()) {
    const { epochs, freeze, optimizer } = settings
    const before = phases.at(-1)
    const firstEpoch = (before?.lastEpoch ?? 0) + 1
    const previous = before?.id
    const model = isChangedBefore ? previous : undefined
    const isLast = i === drafts.length - 1
    const read = keepable(pipeline, splitsRead(pipeline, splits, { isLast, model }))
    const { plan } = keeping
    const take = (of: readonly SplitName[]) => plan && bytesOfSplits(pipeline, plan, of, pictures)
    const uses = keeping.kept === 'kept' ? featureUses(read, plan!, model, i + 1, names) : []
    const added = uses.filter(({ key }) => !names.has(key))
    const sum = bytes + (take(added.map(({ use }) => use.split)) ?? 0)
    const fits = added.length === 0 || isWithinBudget(pipeline, sum)
    if (fits) {
      bytes = sum
      for (const { key, use } of added) names.set(key, use.id)
    }
    phases.push({
      id: drafts.length > 1 ? `train:${i + 1}` : 'train',
      number: i + 1,
      freeze,
      optimizer,
      firstEpoch,
      lastEpoch: firstEpoch + epochs - 1,
      previous,
      keeping: { ...keeping, ...(fits ? {} : { kept: 'budget' }), bytes: take(read) },
      features: new Map(fits ? uses.map(({ use }) => [use.split, use]) : []),
    })
  }
  return phases
}

/**
 * Training reads train, validation, and what it watches; the last phase's model is evaluated, unless the best one may be
 * an earlier phase's, with another trunk (`model`).
 */
function splitsRead(
  pipeline: Pipeline,
  splits: readonly SplitName[],
  { isLast, model }: { readonly isLast: boolean; readonly model: string | undefined },
): SplitName[] {
  const { evaluation, training } = pipeline
  const isOwn = training.checkpoint.keepBest === undefined || model === undefined
  const isEvaluated = isLast && isOwn && evaluation.on.includes('test')
  return splits.filter((split) => split !== 'test' || isEvaluated || watchesTest(pipeline))
}

/** Whether a callback monitors a figure of the test split. */
export function watchesTest(pipeline: Pipeline): boolean {
  return monitored(callbacksOf(pipeline)).some(({ split }) => split === 'test')
}

export function callbacksOf({ training }: Pipeline): CallbackSettings {
  const { earlyStopping, reduceLROnPlateau, checkpoint } = training
  const { keepBest } = checkpoint
  return {
    ...(earlyStopping ? { earlyStopping } : {}),
    ...(reduceLROnPlateau ? { reduceLROnPlateau } : {}),
    ...(keepBest === undefined ? {} : { keepBest }),
  }
}

/** The features of each split, under the ids that earlier phases have given the same ones (`names`, by key). */
function featureUses(
  splits: readonly SplitName[],
  plan: FeaturePlan,
  model: string | undefined,
  phase: number,
  names: ReadonlyMap<string, string>,
): { readonly key: string; readonly use: FeatureUse }[] {
  return splits.map((split) => {
    const key = JSON.stringify([split, plan.ends, plan.tail, model])
    const taken = [...names.values()].includes(`features:${split}`)
    const id = names.get(key) ?? (taken ? `features:${split}:${phase}` : `features:${split}`)
    return { key, use: { id, split, plan, model } }
  })
}

/** Whether an earlier phase has trained what this one freezes: then its frozen pass is of other weights. */
function changedBefore(
  pipeline: Pipeline,
  model: ModelChoice,
  freeze: Freeze,
  earlier: readonly PhaseSettings[],
): boolean {
  if (earlier.every((phase) => phase.freeze === 'all')) return false
  const frozen = whole(pipeline, model, freeze).frozen
  return earlier.some((phase) =>
    whole(pipeline, model, phase.freeze).trained.some((layer) => frozen.has(layer.name)),
  )
}

function whole(pipeline: Pipeline, model: ModelChoice, freeze: Freeze): WholeModel {
  const head = pipeline.head as readonly HeadLayer[]
  // The number of classes has no say in what is frozen.
  return wholeModel({ model, head, freeze, classes: 2 })
}
