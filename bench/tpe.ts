import { suggestRandom } from '../src/sweeps/samplers/random.ts'
import { suggestTpe } from '../src/sweeps/samplers/tpe.ts'
import { bestFound, OBJECTIVES, quantile } from '../test/support/objectives.ts'
import { startPython } from './support/python.ts'

/**
 * The best of 60 trials by TPE on Branin, Hartmann-6 and a noisy quadratic with a bad category, against random search and against
 * Optuna's TPE, multivariate, in its default settings and with independent parameters; Python needs Optuna alone:
 *
 *     GRAFT_BENCH_PYTHON=python3 node dist/bench/tpe.js [SEEDS] [TRIALS]
 *
 * Quartiles over the seeds of the true value where the lowest one was seen; lower is better. The bar: our median below random's,
 * not above Optuna's upper quartile. A median of 20 seeds is itself uncertain by about half the distance between quartiles on the
 * noisy function (blocks of 20 seeds, ours and Optuna's alike, lie between 0.02 and 0.05): 160 seeds tell samplers apart.
 */
const [seeds = 20, trials = 60] = process.argv.slice(2).map(Number)

const OPTUNA = ['multivariate', 'default', 'independent'] as const

const python = startPython('tpe.py')
for (const [name, objective] of Object.entries(OBJECTIVES)) {
  const { dimensions } = objective
  const begun = performance.now()
  const rows: Record<string, readonly number[]> = {
    random: bestFound(objective, seeds, trials, (tried, seed) =>
      suggestRandom(
        dimensions,
        tried.map(({ point }) => point),
        { seed, number: tried.length },
      ),
    ),
    ours: bestFound(objective, seeds, trials, (tried, seed) =>
      suggestTpe(
        dimensions,
        tried.map((one) => ({ ...one, state: 'done' })),
        { seed, number: tried.length, goal: 'minimize' },
      ),
    ),
  }
  const seconds = (performance.now() - begun) / 1000
  for (const sampler of OPTUNA) {
    rows[`Optuna ${sampler}`] = await python.ask<number[]>({ name, sampler, seeds, trials })
  }
  console.log(`${name} (ours and random: ${seconds.toFixed(1)} s)`)
  for (const [who, values] of Object.entries(rows)) {
    const quartiles = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(4))
    console.log(`  ${who.padEnd(20)} ${quartiles.map((text) => text.padStart(9)).join(' ')}`)
  }
  const median = quantile(rows['ours']!, 0.5)
  const optuna = OPTUNA.map((sampler) => rows[`Optuna ${sampler}`]!)
  const isBetter = median < quantile(rows['random']!, 0.5)
  const isNear = optuna.every((values) => median <= quantile(values, 0.75))
  console.log(`  ${isBetter && isNear ? 'holds' : 'MISSED'}`)
}
await python.close()
