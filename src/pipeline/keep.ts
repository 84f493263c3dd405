import type { EngineInfo } from '../engines/engine.ts'
import { RATE } from '../engines/rate.ts'
import type { HeadLayer } from '../models/head.ts'
import type { ModelChoice } from '../models/base-model.ts'
import { featurePlan, frozenSeconds, type FeaturePlan } from '../training/feature-plan.ts'
import { failure } from '../util/diagnostic.ts'
import { bytesText } from '../util/text.ts'
import type { Freeze, Pipeline, SplitName } from './pipeline.ts'

/** How many pictures a split has, as the index says. */
export type Pictures = Readonly<Partial<Record<SplitName, number>>>

/**
 * Whether what leaves the frozen layers is kept, and why not: `nothing` is frozen that trained layers do not stand
 * before, the file says `never`, `quick`: running them again is about as quick, or they would pass the `budget`.
 */
export type Kept = 'kept' | 'nothing' | 'never' | 'quick' | 'budget'

/** What keeping would be, whether it is done or not. */
export interface Keeping {
  readonly kept: Kept
  readonly plan: FeaturePlan | undefined
  /** Of all splits that the phase reads; undefined where the number of their pictures is not known. */
  readonly bytes?: number | undefined
}

/** By the policy and the number of epochs; a budget is another question. */
export function keepingOf(
  pipeline: Pipeline,
  model: ModelChoice,
  { freeze, epochs }: { readonly freeze: Freeze; readonly epochs: number },
  engine: EngineInfo,
): Keeping {
  const { head, features } = pipeline
  const plan = featurePlan({ model, head: head as readonly HeadLayer[], freeze })
  if (!plan) return { kept: 'nothing', plan }
  if (features.when === 'never') return { kept: 'never', plan }
  if (plan.wholeTrunk || features.when === 'always' || variantsOf(pipeline) !== undefined) {
    return { kept: 'kept', plan }
  }
  // Of a machine that might be anyone's: what is kept must not depend on the one that is used today.
  const rate = engine.device.startsWith('gpu') ? GPU_RATE : RATE[engine.name] * 2
  const { kept, run } = frozenSeconds(plan, epochs, { rate, bytes: bytesOfNumber(pipeline) })
  return { kept: kept < PAYS * run ? 'kept' : 'quick', plan }
}

/** Kept features must save so much of the frozen layers' time. */
const PAYS = 0.9
/** Multiply-adds a second of a graphics card, roughly. */
const GPU_RATE = 3e12

/** Of a kept number. */
export function bytesOfNumber({ features }: Pipeline): number {
  return features.dtype === 'float16' ? 2 : 4
}

/** The splits of which something can be kept: a picture that is drawn anew every epoch leaves nothing. */
export function keepable({ augmentation }: Pipeline, splits: readonly SplitName[]): SplitName[] {
  return splits.filter((split) => split !== 'train' || augmentation?.bank !== 'none')
}

/** How many draws of each training picture a bank holds; undefined without one. */
function variantsOf({ augmentation }: Pipeline): number | undefined {
  return augmentation === undefined || augmentation.bank === 'none' ? undefined : augmentation.bank
}

/** What kept features of these splits take on the disk; undefined where the number of their pictures is not known. */
export function bytesOfSplits(
  pipeline: Pipeline,
  { numbers }: FeaturePlan,
  splits: readonly SplitName[],
  pictures: Pictures,
): number | undefined {
  let rows = 0
  for (const split of splits) {
    const count = pictures[split]
    if (count === undefined) return undefined
    rows += count * (split === 'train' ? (variantsOf(pipeline) ?? 1) : 1)
  }
  return rows * numbers * bytesOfNumber(pipeline)
}

/**
 * Whether so many bytes of kept features are within `features.maxBytes`. Throws CONFLICT where they are not and
 * the file says `always`.
 */
export function isWithinBudget({ features }: Pipeline, bytes: number): boolean {
  const { maxBytes, when } = features
  if (bytes <= maxBytes) return true
  if (when !== 'always') return false
  const what = `the kept features would take ${bytesText(bytes)}, and at most ${bytesText(maxBytes)} may be kept`
  throw failure('CONFLICT', `features.maxBytes: ${what}`, {
    hint: 'raise features.maxBytes, write dtype: float16, or features: auto to run the frozen layers at each step instead',
  })
}
