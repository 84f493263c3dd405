import type { PhaseSettings, Pipeline } from './pipeline.ts'

/** What each phase is told; without `training.phases` there is one. */
export function phaseSettings({ freeze, optimizer, training }: Pipeline): readonly PhaseSettings[] {
  return training.phases ?? [{ epochs: training.epochs, freeze, optimizer }]
}
