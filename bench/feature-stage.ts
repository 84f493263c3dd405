// From JPEGs to stored features: the stages index, pixels and features of `pipeline run` (engine and graph made inside that
// time) against Keras' image_dataset_from_directory + predict (bench/feature_stage.py, start-up not counted), in turn.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [PAIRS=5] [MODEL,MODEL]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const [folder, pairs = '5', models = 'MobileNetV2,NASNetMobile'] = process.argv.slice(2)
const python = process.env['GRAFT_BENCH_PYTHON']
if (folder === undefined || python === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [PAIRS]')
}
const root = fileURLToPath(new URL('../../', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'graft-bench-'))

async function ours(model: string): Promise<number> {
  const file = join(work, `${model}.yaml`)
  writeFileSync(
    file,
    `dataset:
  source: {path: ${JSON.stringify(resolve(folder!))}}
  splits: {train: train, validation: validation}
  imageSize: [224, 224]
baseModel: {name: ${model}, weights: none}
head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]
training: {epochs: 1}
`,
  )
  const store = join(work, 'store')
  const args = [join(root, 'dist/src/main.js'), 'run', file, '--store', store, '--json']
  const { stdout } = await execa(process.execPath, [...args, '--jobs', '1', '--log', 'json'], {
    cwd: work,
  })
  rmSync(store, { recursive: true, force: true })
  rmSync(join(work, 'runs'), { recursive: true, force: true })
  const { stages } = JSON.parse(stdout) as { stages: { kind: string; seconds: number }[] }
  return stages
    .filter(({ kind }) => ['index', 'pixels', 'features'].includes(kind))
    .reduce((sum, { seconds }) => sum + seconds, 0)
}

async function keras(model: string): Promise<number> {
  const script = join(root, 'bench/feature_stage.py')
  const { stdout } = await execa(python!, [script, resolve(folder!), model], { stderr: 'ignore' })
  return Number(stdout.trim().split('\n').at(-1))
}

try {
  for (const model of models.split(',')) {
    const ratios: number[] = []
    for (let pair = 0; pair < Number(pairs); pair += 1) {
      const a = await ours(model)
      const b = await keras(model)
      ratios.push(b / a)
      console.log(
        `${model}: ours ${a.toFixed(1)} s, Keras ${b.toFixed(1)} s, ${(b / a).toFixed(2)}x`,
      )
    }
    const sorted = ratios.sort((x, y) => x - y)
    const middle = sorted[Math.floor(sorted.length / 2)]!
    console.log(
      `${model}: median ${middle.toFixed(2)}x (${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)})`,
    )
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
