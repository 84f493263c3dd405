import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSweep, type Values } from '../../src/pipeline/sweep-block.ts'
import { readSweepReport, type SweepReport } from '../../src/report/sweep/read.ts'
import type { Sweep } from '../../src/sweeps/sweep.ts'
import type { TrialLine } from '../../src/sweeps/trial-folder.ts'
import { canonicalJson } from '../../src/util/json.ts'

/** A trial as its folder has it. */
export interface MadeTrial {
  readonly parameters: Values
  /** Without lines nothing has happened to it. */
  readonly log?: readonly TrialLine[]
}

const TIME = '2026-11-24T10:15:00Z'

/** What is logged of a trial that was trained; `accuracies` on validation, by epoch. */
export function trained(
  accuracies: readonly number[],
  end: 'done' | 'paused' | 'stopped' = 'done',
) {
  const epochs = accuracies.length
  const lines = accuracies.map((accuracy, i): TrialLine => ({
    type: 'epoch',
    epoch: i + 1,
    epochs,
    train: { accuracy: 1, loss: 0.1 },
    validation: { accuracy, loss: 1 - accuracy },
    seconds: 0.5,
  }))
  const metrics = { 'validation.accuracy': accuracies.at(-1)! }
  const last: TrialLine =
    end === 'stopped'
      ? { type: 'stopped', time: TIME, epoch: epochs, metrics }
      : {
          type: end,
          time: TIME,
          run: `made/20261124-10150${epochs}-aaaaaa`,
          metrics,
          epochs,
          seconds: 2,
          cached: false,
        }
  return [...lines, last]
}

export function failed(message: string): readonly TrialLine[] {
  return [{ type: 'failed', time: TIME, code: 'NOT_FINITE', message }]
}

/** The page's data of a sweep whose trials have left these logs. `yaml`: the sweep block, as YAML. */
export async function sweepReportOf(
  yaml: string,
  trials: readonly MadeTrial[],
  { name = 'made', epochs = 3 } = {},
): Promise<SweepReport> {
  const root = mkdtempSync(join(tmpdir(), 'graft-sweep-'))
  try {
    const file = join(root, 'sweep.yaml')
    writeFileSync(file, `seed: 1\n${yaml}`)
    const block = (await readSweep(file, { env: {}, cwd: root }))!
    const folder = join(root, 'runs/made/sweep')
    mkdirSync(join(folder, 'trials'), { recursive: true })
    const made = trials.map(({ parameters, log }, i) => {
      const id = `trial${i}`
      const at = join(folder, 'trials', id)
      mkdirSync(at)
      writeFileSync(join(at, 'trial.json'), JSON.stringify({ id, parameters }))
      writeFileSync(join(at, log ? 'closed' : 'open'), '')
      writeFileSync(
        join(at, 'log.jsonl'),
        (log ?? []).map((l) => `${JSON.stringify(l)}\n`).join(''),
      )
      const own = Object.entries(parameters).filter(([key]) => !block.repeat.has(key))
      const whole = { pipeline: { training: { epochs } } }
      return { id, parameters, group: canonicalJson(Object.fromEntries(own)), whole }
    })
    const sweep = { file, name, block, folder, trials: made, warnings: [] }
    return readSweepReport(sweep as unknown as Sweep, { file: 'sweep.yaml', set: ['seed=2'] })
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** Rates by batch sizes: the best is rate 0.01 at 16, one has failed, one was stopped. */
export function littleSweep(): Promise<SweepReport> {
  const rates = [0.001, 0.01, 0.1]
  const grid = rates.flatMap((rate) => [8, 16].map((size) => ({ rate, size })))
  const logs = [
    trained([0.5, 0.6, 0.7]),
    trained([0.5, 0.7, 0.8]),
    trained([0.6, 0.7, 0.8]),
    trained([0.7, 0.8, 0.9]),
    failed('the loss is NaN'),
    trained([0.4], 'stopped'),
  ]
  return sweepReportOf(
    `sweep:
  earlyTerminate: {type: median, min: 1}
  parameters:
    optimizer.learningRate: {values: [0.001, 0.01, 0.1]}
    training.batchSize: {values: [8, 16]}
`,
    grid.map(({ rate, size }, i) => ({
      parameters: { 'optimizer.learningRate': rate, 'training.batchSize': size },
      log: logs[i]!,
    })),
  )
}
