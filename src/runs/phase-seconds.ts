import type { HeadLayer } from '../models/head.ts'
import { namedModel } from '../pipeline/base-model.ts'
import { bytesOfNumber, keepable } from '../pipeline/keep.ts'
import type { Phase } from '../pipeline/phases.ts'
import { wholeModel } from '../training/model.ts'
import { pictureSeconds } from '../training/step-seconds.ts'
import type { Prepared } from './prepare.ts'

/** About how long a phase takes here: what its features take once, and an epoch (validation included) with them and without. */
export interface PhaseSeconds {
  readonly once: number
  readonly epoch: { readonly kept: number; readonly run: number }
}

/** Undefined where the pictures are not counted yet, and for devices that nobody has measured. */
export function phaseSeconds(
  {
    pipeline,
    pictures,
    engine,
    model: base = namedModel(pipeline),
  }: Pick<Prepared, 'pipeline' | 'pictures' | 'engine'> & Partial<Pick<Prepared, 'model'>>,
  phase: Phase,
  cores: number,
): PhaseSeconds | undefined {
  if (!pictures) return undefined
  const head = pipeline.head as readonly HeadLayer[]
  const { freeze, keeping } = phase
  const model = wholeModel({ model: base, head, freeze, classes: 2 })
  const seconds = pictureSeconds(model, keeping.plan, engine, cores)
  if (!seconds) return undefined
  const { plan, bytes = 0 } = keeping
  const rows = plan ? bytes / (plan.numbers * bytesOfNumber(pipeline)) : 0
  const { train = 0, validation = 0 } = pictures
  const { step, score } = seconds
  // Pictures that are drawn anew pass the frozen layers each time.
  const stepKept = keepable(pipeline, ['train']).length > 0 ? step.kept : step.run
  return {
    once: seconds.once * rows,
    epoch: {
      kept: train * stepKept + validation * score.kept,
      run: train * step.run + validation * score.run,
    },
  }
}
