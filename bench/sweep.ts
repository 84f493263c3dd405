// What a sweep costs beside its trials: a grid of 24 trials (head, learning rate, and whether the last layers of
// EfficientNetLite0 are trained too), against the shared stages and then each trial's own training, run one after the other
// by `pipeline run` (their own stages' seconds, without the start of each process); and how long the finished sweep takes
// again. With `asha` instead: 27 heads by successive halving against all of them to their end: the best of each, and the
// epochs. PICTURES has a folder for each class below TRAIN; a fifth of them is for validation. Stores are new ones.
// Run: node dist/bench/sweep.js PICTURES TRAIN [grid|asha] [CLASSES]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

const [pictures, train, what = 'grid', count = '20'] = process.argv.slice(2)
if (pictures === undefined || train === undefined) {
  throw new Error('usage: node dist/bench/sweep.js PICTURES TRAIN [grid|asha] [CLASSES]')
}
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'))

interface SweepResult {
  readonly trials: readonly {
    readonly parameters: Readonly<Record<string, unknown>>
    readonly value?: number
    readonly epochs: number
    readonly status: string
  }[]
  readonly best: string
}

interface RunResult {
  readonly stages: readonly { readonly kind: string; readonly cached: boolean; seconds: number }[]
}

function pipeline<Result>(store: string, ...args: string[]): { seconds: number; result: Result } {
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, ...args, '--store', join(folder, store), '--json', '--log', 'plain'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return { seconds, result: JSON.parse(stdout) as Result }
}

const classes = readdirSync(join(pictures, train)).sort().slice(0, Number(count))
const isTwo = classes.length === 2
const FILE = {
  name: 'bench',
  seed: 8,
  dataset: {
    source: { path: resolve(pictures) },
    classes,
    splits: { train, validation: { from: 'train', fraction: 0.2 } },
  },
  baseModel: { name: 'EfficientNetLite0', weights: 'imagenet', pooling: 'avg' },
  freeze: 'all',
  head: [
    { Dense: { units: 128, activation: 'relu' } },
    isTwo
      ? { Dense: { units: 1, activation: 'sigmoid' } }
      : { Dense: { units: 'classes', activation: 'softmax' } },
  ],
}
const write = (name: string, settings: object) =>
  writeFileSync(join(folder, name), stringify({ ...FILE, ...settings }))

const RATES = [0.0003, 0.001, 0.003, 0.01]
const UNITS = [32, 128, 500]
const FREEZES = ['all', { first: 130 }]

function grid(): void {
  const parameters = {
    'head.0.Dense.units': { values: UNITS },
    'optimizer.learningRate': { values: RATES },
    freeze: { values: FREEZES },
  }
  const training = { epochs: 5, batchSize: 16 }
  write('grid.yaml', { training, sweep: { parameters } })
  write('one.yaml', { training })
  const swept = pipeline<SweepResult>('a', 'run', 'grid.yaml')
  const again = pipeline<SweepResult>('a', 'run', 'grid.yaml')
  let shared = 0
  let own = 0
  for (const { parameters: values } of swept.result.trials) {
    const sets = Object.entries(values).flatMap(([key, v]) => [
      '--set',
      `${key}=${JSON.stringify(v)}`,
    ])
    const on = ['--set', 'evaluation.on=[validation]', '--name', 'alone']
    const { result } = pipeline<RunResult>('b', 'run', 'one.yaml', ...sets, ...on)
    for (const { kind, cached, seconds } of result.stages) {
      if (cached) continue
      if (kind === 'train' || kind === 'evaluate') own += seconds
      else shared += seconds
    }
  }
  const alone = shared + own
  console.log(`${swept.result.trials.length} trials in ${swept.seconds.toFixed(1)} s`)
  console.log(`shared stages ${shared.toFixed(1)} s, trainings and evaluations ${own.toFixed(1)} s`)
  console.log(`ratio ${(swept.seconds / alone).toFixed(2)}, again ${again.seconds.toFixed(2)} s`)
}

function asha(): void {
  const parameters = {
    'head.0.Dense.units': { values: [16, 64, 256] },
    'optimizer.learningRate': { values: [0.0001, 0.001, 0.01] },
    'training.batchSize': { values: [16, 32, 64] },
  }
  const max = 9
  write('all.yaml', { training: { epochs: max }, sweep: { parameters } })
  write('asha.yaml', { sweep: { parameters, earlyTerminate: { type: 'asha', min: 1, max } } })
  for (const name of ['all', 'asha']) {
    const { seconds, result } = pipeline<SweepResult>(name, 'run', `${name}.yaml`, '--name', name)
    const values = result.trials.filter(({ status }) => status !== 'stopped')
    const best = Math.max(...values.map(({ value = -Infinity }) => value))
    const epochs = result.trials.reduce((sum, trial) => sum + trial.epochs, 0)
    const line = `best ${best.toFixed(4)}, ${epochs} epochs of ${result.trials.length * max}`
    console.log(`${name}: ${line}, ${seconds.toFixed(1)} s`)
  }
}

try {
  if (what === 'asha') asha()
  else grid()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
