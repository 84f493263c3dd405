import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Program, Tensor, Update } from '../../../src/program/program.ts'
import { LOSSES, weightedMean, type LossName } from '../../../src/training/losses.ts'
import { updatesFor, type OptimizerConfig } from '../../../src/training/optimizers.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, unpack, type Packed } from '../../support/golden.ts'

interface Golden {
  readonly batchSize: number
  readonly x: Packed
  /** By number of units. */
  readonly labels: Readonly<Record<string, Packed>>
  readonly runs: readonly Run[]
}
interface Run {
  readonly kind: 'single' | 'hidden' | 'normalized'
  readonly optimizer: OptimizerConfig & { readonly learningRate: number }
  readonly loss: LossName
  readonly labelSmoothing: number
  readonly classWeight: readonly number[] | null
  /** In Keras' order of `get_weights`. */
  readonly start: readonly Packed[]
  /** Of each step. */
  readonly losses: readonly number[]
  readonly weights: readonly Packed[]
}

/** Weights in Keras' order by kind of network; moving averages are not trained. */
const NAMES: Readonly<Record<Run['kind'], readonly string[]>> = {
  single: ['k2', 'b2'],
  hidden: ['k1', 'b1', 'k2', 'b2'],
  normalized: ['k1', 'b1', 'gamma', 'beta', 'moving_mean', 'moving_variance', 'k2', 'b2'],
}

/** Whole trainings of 30 steps, losses and final weights, against Keras 3 (goldens: test/golden/training.py). */
export function trainingContract(engine: () => Engine): void {
  const golden = readGolden<Golden>('training')
  describe('training', () => {
    for (const run of golden.runs) {
      test(titleOf(run), async () => {
        const session = await engine().compile(programOf(golden, run))
        for (const [i, want] of run.losses.entries()) {
          const { entry, feeds } = batchOf(golden, run, i)
          const { loss } = await session.run(entry, feeds)
          assertClose(loss, [want], 1e-4, `loss of step ${i + 1}`)
        }
        const got = await session.read(NAMES[run.kind])
        for (const [i, name] of NAMES[run.kind].entries()) {
          if (isNoise(run, name)) continue
          assertClose(got.get(name), floats(run.weights[i]!), 1e-3, name, 1e-3)
        }
        await session.close()
      })
    }
  })
}

/** A bias before a batch normalization has no gradient but rounding errors, which Adam makes whole steps of. */
function isNoise({ kind, optimizer }: Run, name: string): boolean {
  const unseen = name === 'b1' || name === 'moving_mean'
  return kind === 'normalized' && optimizer.name === 'Adam' && unseen
}

function titleOf({ kind, optimizer, loss, labelSmoothing, classWeight, start }: Run): string {
  const { name, ...settings } = optimizer
  return [
    `${kind}, ${loss}, ${name} ${JSON.stringify(settings)}`,
    ...(start.every((w) => floats(w).every((v) => v === 0)) ? ['from zero'] : []),
    ...(labelSmoothing > 0 ? [`labels smoothed ${labelSmoothing}`] : []),
    ...(classWeight ? ['class weights'] : []),
  ].join(', ')
}

function batchOf({ x, labels, batchSize }: Golden, run: Run, step: number) {
  const [n, features] = x.shape as [number, number]
  const units = unitsOf(run)
  const perEpoch = Math.ceil(n / batchSize)
  const first = (step % perEpoch) * batchSize
  const size = Math.min(batchSize, n - first)
  const classes = [...unpack(labels[units]!)].slice(first, first + size)
  const feeds = {
    x: floats(x).slice(first * features, (first + size) * features),
    targets: Float32Array.from(
      classes.flatMap((c) =>
        units === 1 ? [c] : Array.from({ length: units }, (_, i) => +(i === c)),
      ),
    ),
    weights: Float32Array.from(classes, (c) => run.classWeight?.[c] ?? 1),
    learningRate: Float32Array.of(run.optimizer.learningRate),
    step: Float32Array.of(step + 1),
  }
  return { entry: `train@${size}`, feeds }
}

/** One program with an entry for the full and one for the last batch. */
function programOf(golden: Golden, run: Run): Program {
  const [n, features] = golden.x.shape as [number, number]
  const b = new Builder()
  const initial = new Map(NAMES[run.kind].map((name, i) => [name, run.start[i]!]))
  const weight = (name: string): Tensor => {
    const start = initial.get(name)!
    return b.variable(name, start.shape, floats(start))
  }
  for (const size of new Set([golden.batchSize, n % golden.batchSize])) {
    const targets = b.input('targets', [size, unitsOf(run)])
    const averages: Update[] = []
    const logits = networkOf(run.kind)(b, b.input('x', [size, features]), weight, averages)
    const { labelSmoothing } = run
    const perExample = LOSSES[run.loss].perExample(b, logits, targets, { labelSmoothing })
    const loss = weightedMean(b, perExample, b.input('weights', [size]))
    const trained = NAMES[run.kind].filter((name) => !name.startsWith('moving'))
    const slopes = gradients(b, loss, trained.map(weight))
    assert.ok(slopes.every(Boolean))
    const { updates } = updatesFor(
      b,
      run.optimizer,
      trained.map((name, i) => ({ name, shape: weight(name).shape, gradient: slopes[i]! })),
    )
    b.entry(`train@${size}`, { fetches: { loss }, updates: [...updates, ...averages] })
  }
  return b.program()
}

type Network = (
  b: Builder,
  x: Tensor,
  weight: (name: string) => Tensor,
  averages: Update[],
) => Tensor

function networkOf(kind: Run['kind']): Network {
  const dense: (i: 1 | 2) => Network = (i) => (b, x, weight) =>
    b.biasAdd(b.matMul(x, weight(`k${i}`)), weight(`b${i}`))
  const networks: Readonly<Record<Run['kind'], Network>> = {
    single: dense(2),
    hidden: (b, x, weight, averages) =>
      dense(2)(b, b.relu(dense(1)(b, x, weight, averages)), weight, averages),
    normalized: (b, x, weight, averages) => {
      const wide = normalize(b, dense(1)(b, x, weight, averages), weight, averages)
      return dense(2)(b, b.relu(wide), weight, averages)
    },
  }
  return networks[kind]
}

/** Batch normalization as Keras trains it (momentum 0.9, epsilon 1e-3). */
const normalize: Network = (b, x, weight, averages) => {
  const [y, mean, variance] = b.batchNorm(x, weight('gamma'), weight('beta'), 1e-3)
  for (const [name, value] of [
    ['moving_mean', mean],
    ['moving_variance', variance],
  ] as const) {
    const kept = b.multiply(weight(name), b.scalar(0.9))
    const moved = b.add(kept, b.multiply(value, b.scalar(1 - 0.9)))
    averages.push({ kind: 'assign', variable: name, value: moved })
  }
  return y
}

function unitsOf(run: Run): number {
  return run.loss === 'BinaryCrossentropy' ? 1 : 4
}
