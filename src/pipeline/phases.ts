import type { EngineInfo } from '../engines/engine.ts'
import type { HeadLayer } from '../models/head.ts'
import { featurePlan, frozenSeconds, type FeaturePlan } from '../training/feature-plan.ts'
import { RATE } from '../engines/rate.ts'
import type { BaseModelOptions } from '../models/published.ts'
import { wholeModel, type WholeModel } from '../training/model.ts'
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

/** The phases of a pipeline; without `training.phases` the one that the file's own keys describe. */
export function resolvePhases(
  pipeline: Pipeline,
  splits: readonly SplitName[],
  engine: EngineInfo,
): Phase[] {
  const given = phaseSettings(pipeline)
  const several = given.length > 1
  const names = new Map<string, string>()
  const phases: Phase[] = []
  for (const [i, { epochs, freeze, optimizer }] of given.entries()) {
    const before = phases.at(-1)
    const firstEpoch = (before?.lastEpoch ?? 0) + 1
    const previous = before?.id
    const plan = keptPlan(pipeline, freeze, epochs, engine)
    const features = new Map<SplitName, FeatureUse>()
    for (const split of plan ? splits.filter((name) => isKept(pipeline, name)) : []) {
      const model = changedBefore(pipeline, freeze, given.slice(0, i)) ? previous : undefined
      const key = JSON.stringify([split, plan!.ends, plan!.tail, model])
      const taken = [...names.values()].includes(`features:${split}`)
      const id = names.get(key) ?? (taken ? `features:${split}:${i + 1}` : `features:${split}`)
      names.set(key, id)
      features.set(split, { id, split, plan: plan!, model })
    }
    phases.push({
      id: several ? `train:${i + 1}` : 'train',
      number: i + 1,
      freeze,
      optimizer,
      firstEpoch,
      lastEpoch: firstEpoch + epochs - 1,
      previous,
      features,
    })
  }
  return phases
}

/** A picture that is drawn anew every epoch has nothing that could be kept. */
function isKept({ augmentation }: Pipeline, split: SplitName): boolean {
  return split !== 'train' || augmentation === undefined || augmentation.bank !== 'none'
}

/** What is kept of a frozen trunk, if that is wanted and pays. */
function keptPlan(
  pipeline: Pipeline,
  freeze: Freeze,
  epochs: number,
  engine: EngineInfo,
): FeaturePlan | undefined {
  const { head, features } = pipeline
  if (features.when === 'never') return undefined
  const plan = featurePlan({ model: modelOf(pipeline), head: head as readonly HeadLayer[], freeze })
  const hasBank = pipeline.augmentation !== undefined && pipeline.augmentation.bank !== 'none'
  if (!plan || plan.wholeTrunk || features.when === 'always' || hasBank) return plan
  // Of a machine that might be anyone's: what is kept must not depend on the one that is used today.
  const rate = engine.device.startsWith('gpu') ? GPU_RATE : RATE[engine.name] * 2
  const bytes = features.dtype === 'float16' ? 2 : 4
  const { kept, run } = frozenSeconds(plan, epochs, { rate, bytes })
  return kept < PAYS * run ? plan : undefined
}

/** Kept features must save so much of the frozen layers' time. */
const PAYS = 0.9
/** Multiply-adds a second of a graphics card, roughly. */
const GPU_RATE = 3e12

/** Whether an earlier phase has trained what this one freezes: then its frozen pass is of other weights. */
function changedBefore(
  pipeline: Pipeline,
  freeze: Freeze,
  earlier: readonly PhaseSettings[],
): boolean {
  if (earlier.every((phase) => phase.freeze === 'all')) return false
  const frozen = whole(pipeline, freeze).frozen
  return earlier.some((phase) =>
    whole(pipeline, phase.freeze).trained.some((layer) => frozen.has(layer.name)),
  )
}

function whole(pipeline: Pipeline, freeze: Freeze): WholeModel {
  const head = pipeline.head as readonly HeadLayer[]
  // The number of classes has no say in what is frozen.
  return wholeModel({ model: modelOf(pipeline), head, freeze, classes: 2 })
}

function modelOf({ baseModel, dataset }: Pipeline): BaseModelOptions {
  const { name, includeTop, pooling, alpha } = baseModel
  return { name, includeTop, pooling, alpha, inputShape: [...dataset.imageSize, 3] }
}
