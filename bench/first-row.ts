// Cats and dogs, the first row's shape, cold: whole processes, ours with an empty store against a Keras script that
// fits with ImageDataGenerator (bench/first_row.py), in turn. Then ours again, unchanged.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/first-row.js FOLDER [PAIRS]
// FOLDER has train/ and validation/, each with two classes. Random weights of NASNetMobile: its time is what counts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const [folder, pairs = '1'] = process.argv.slice(2)
const python = process.env['GRAFT_BENCH_PYTHON']
if (folder === undefined || python === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/first-row.js FOLDER [PAIRS]')
}
const root = fileURLToPath(new URL('../../', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'graft-bench-'))
const file = join(work, 'first-row.yaml')
writeFileSync(
  file,
  `name: first-row
seed: 8
dataset:
  source: {path: ${JSON.stringify(resolve(folder))}}
  splits: {train: train, validation: validation}
  imageSize: [224, 224]
  resize: nearest
preprocessing: {rescale: 1/255}
baseModel: {name: NASNetMobile, weights: none}
head: [Flatten, {Dense: {units: 500, activation: relu}}, {Dense: {units: 1, activation: sigmoid}}]
loss: BinaryCrossentropy
optimizer: {name: Adam, learningRate: 0.001}
training: {epochs: 5, batchSize: 16, lastBatch: drop}
`,
)

async function seconds(command: string, args: readonly string[]): Promise<number> {
  const began = performance.now()
  await execa(command, args, { cwd: work, stdio: 'ignore' })
  return (performance.now() - began) / 1000
}

const ours = (store: string) =>
  seconds(process.execPath, [join(root, 'dist/src/main.js'), 'run', file, '--store', store])
const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

const ratios: number[] = []
try {
  for (let pair = 0; pair < Number(pairs); pair += 1) {
    const store = join(work, `store-${pair}`)
    rmSync(join(work, 'runs'), { recursive: true, force: true })
    const cold = await ours(store)
    const again = [await ours(store), await ours(store), await ours(store)]
    const keras = await seconds(python, [join(root, 'bench/first_row.py'), resolve(folder)])
    ratios.push(keras / cold)
    console.log(
      `ours ${cold.toFixed(1)} s, Keras ${keras.toFixed(1)} s: ${(keras / cold).toFixed(2)}x; unchanged again ${median(again).toFixed(2)} s`,
    )
    rmSync(store, { recursive: true, force: true })
  }
  console.log(`median of ${ratios.length}: ${median(ratios).toFixed(2)}x`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
