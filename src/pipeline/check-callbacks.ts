import { monitorParts } from '../training/callbacks.ts'
import { METRICS } from '../training/metrics.ts'
import { didYouMean } from '../util/suggest.ts'
import type { Checked } from './check.ts'
import type { Pipeline } from './pipeline.ts'
import type { Path } from './tree.ts'

/** Every key that names a split and a figure of it. */
function monitorsOf({ training }: Pipeline): { monitor: string; path: Path }[] {
  const { earlyStopping, reduceLROnPlateau, checkpoint } = training
  const found: readonly [string | undefined, Path][] = [
    [earlyStopping?.monitor, ['training', 'earlyStopping', 'monitor']],
    [reduceLROnPlateau?.monitor, ['training', 'reduceLROnPlateau', 'monitor']],
    [checkpoint.keepBest, ['training', 'checkpoint', 'keepBest']],
  ]
  return found.flatMap(([monitor, path]) => (monitor === undefined ? [] : [{ monitor, path }]))
}

/** What is monitored can be computed, and is better not the test split. */
export function checkMonitors({ pipeline, isWritten, report }: Checked): void {
  const { splits } = pipeline.dataset
  const figures = Object.keys(METRICS)
  for (const { monitor, path } of monitorsOf(pipeline)) {
    const { split, figure } = monitorParts(monitor)
    const at = isWritten(path) ? path : path.slice(0, -1)
    if (!splits[split]) {
      const what = isWritten(path) ? monitor : `${monitor}, its default`
      const hint =
        split === 'validation'
          ? 'add a split, for instance validation: {from: train, fraction: 0.2}; or monitor train.loss'
          : `the splits are ${Object.keys(splits).join(', ')}`
      report('WRONG_VALUE', at, `there is no split "${split}" to monitor (${what})`, { hint })
    } else if (!figures.includes(figure)) {
      const hint = didYouMean(figure, figures) ?? `the figures are ${figures.join(', ')}`
      report('WRONG_VALUE', at, `there is no figure "${figure}"`, { hint })
    } else if (split === 'test') {
      const message = `${monitor}: a model that is chosen by the test split looks better on it than it is`
      const hint = `monitor validation.${figure}`
      report('NOTE', at, message, { hint, severity: 'warning' })
    }
  }
}

/** Two keys say which epoch is the best one; they must mean the same. */
export function checkBest({ pipeline, report }: Checked): void {
  const { earlyStopping, checkpoint } = pipeline.training
  const { keepBest } = checkpoint
  if (keepBest === undefined || !earlyStopping?.restoreBest) return
  if (keepBest === earlyStopping.monitor) return
  const message = `the best epoch is that of ${keepBest} by keepBest, and that of ${earlyStopping.monitor} by restoreBest`
  const hint = 'take restoreBest out: training stops by its figure, and keeps the epoch of keepBest'
  report('CONFLICT', ['training', 'earlyStopping', 'restoreBest'], message, { hint })
}

/** Keras refuses it too: a schedule has the rate in its own hands. */
export function checkPlateau({ pipeline, report }: Checked): void {
  const { reduceLROnPlateau, phases = [pipeline] } = pipeline.training
  if (!reduceLROnPlateau) return
  const rates = phases.map(({ optimizer }) => optimizer.learningRate)
  const schedule = rates.find((rate) => typeof rate === 'object')
  if (schedule === undefined) return
  const message = `reduceLROnPlateau cannot lower a learning rate that is a schedule (${schedule.name})`
  const hint = 'take it out, or write optimizer.learningRate as a number'
  report('CONFLICT', ['training', 'reduceLROnPlateau'], message, { hint })
}
