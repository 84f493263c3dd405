// The head's loss at each of 30 training steps against Keras 3, on real features, from zero weights, without shuffling:
// every optimizer with every loss. Ours is the program and the loop that `pipeline run` trains with.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/head-steps.js FOLDER MOBILENETV2_NO_TOP.h5
// FOLDER has one folder of pictures for each of two classes. Prints the greatest relative difference.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openPack } from '../src/data/pack.ts'
import { readLabels } from '../src/data/index-table.ts'
import type { Session } from '../src/engines/engine.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import type { HeadLayer } from '../src/models/head.ts'
import { initialize } from '../src/models/weights/initializers.ts'
import { readWeights } from '../src/models/weights/read.ts'
import { openEnvironment } from '../src/stages/environment.ts'
import { WEIGHTS_FILE, writeWeights } from '../src/stages/weight-files.ts'
import { fit, type LabelledSplit } from '../src/training/fit.ts'
import { headGraph, headProgram } from '../src/training/head-program.ts'
import type { LossName } from '../src/training/losses.ts'
import type { OptimizerName } from '../src/training/optimizers.ts'
import { permutation } from '../src/util/rng.ts'
import { startPython } from './support/python.ts'
import { folderFeatures } from './support/stages.ts'
import { openEngine, temporaryFolder, trunkOptions } from './support/trunks.ts'

const [pictures, weightsFile] = process.argv.slice(2)
if (pictures === undefined || weightsFile === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/head-steps.js FOLDER WEIGHTS.h5')
}
const STEPS = 30
const BATCH = 16
const BAR = 1e-3
const RATES: Readonly<Record<OptimizerName, number>> = {
  SGD: 0.05,
  RMSprop: 0.001,
  Adam: 0.001,
  AdamW: 0.001,
  Adagrad: 0.01,
  Adadelta: 0.1,
  Adamax: 0.002,
  Nadam: 0.001,
}
const WIDTHS: Readonly<Record<LossName, number>> = {
  BinaryCrossentropy: 1,
  CategoricalCrossentropy: 2,
  SparseCategoricalCrossentropy: 2,
}

const ZEROS = { kernelInitializer: 'Zeros', biasInitializer: 'Zeros' } as const

const work = temporaryFolder()
const environment = openEnvironment(openEngine)
const trunk = { ...trunkOptions('MobileNetV2'), tail: 'GlobalAveragePooling2D' as const }
const graph = buildBaseModel(trunk.model)
await writeWeights(
  join(work, WEIGHTS_FILE),
  graph,
  await readWeights(weightsFile, graph, undefined),
)
const out = join(work, 'stages')
const { index, features } = await folderFeatures(environment, {
  ...trunk,
  pictures,
  weights: work,
  out,
})
const train = await mixed(index, features)
const python = startPython('keras_side.py')

for (const loss of Object.keys(WIDTHS) as LossName[]) {
  for (const name of Object.keys(RATES) as OptimizerName[]) {
    const learningRate = RATES[name]
    const mine = await environment.onEngine(async (engine) => {
      const activation = WIDTHS[loss] === 1 ? 'sigmoid' : 'softmax'
      const head: HeadLayer[] = [{ Dense: { ...ZEROS, units: WIDTHS[loss], activation } }]
      const options = { ...trunk, head, classes: 2, loss: { name: loss } }
      const optimizer = { name, learningRate }
      const initial = initialize(headGraph(options).layers, 1)
      const training = { optimizer, batches: [BATCH] }
      const { program, shape } = headProgram(options, initial, training, 0)
      const session = await engine.compile(program)
      const losses = await lossesOf(session, (recording) => ({
        session: recording,
        head: shape,
        train,
        optimizer,
      }))
      await session.close()
      return losses
    })
    const { losses: theirs } = await python.ask<{ losses: number[] }>({
      do: 'head',
      features: join(work, 'features'),
      labels: join(work, 'labels'),
      loss,
      optimizer: name,
      rate: learningRate,
      width: WIDTHS[loss],
      batch: BATCH,
      steps: STEPS,
    })
    const apart = mine.map((value, i) => Math.abs(value - theirs[i]!) / Math.abs(theirs[i]!))
    const worst = Math.max(...apart)
    const verdict = mine.length === STEPS && worst <= BAR ? 'met' : 'NOT met'
    console.log(
      `${loss}, ${name}: ${mine[0]!.toFixed(4)} to ${mine.at(-1)!.toFixed(4)}, apart by ${worst.toExponential(1)}, bar ${BAR}: ${verdict}`,
    )
  }
}
await python.close()
await environment.close()

/** The features in an order that mixes the classes, in memory, and in files for Python. */
async function mixed(indexPath: string, featuresPath: string): Promise<LabelledSplit> {
  const { labels } = await readLabels(indexPath, 'train')
  const pack = await openPack(join(featuresPath, 'train'))
  const order = permutation(pack.count, 1, 'bench')
  const values = (await pack.gather(order)) as Float32Array
  const mixedLabels = order.map((row) => labels[row]!)
  await pack.close()
  writeFileSync(join(work, 'features'), values)
  writeFileSync(join(work, 'labels'), mixedLabels)
  const { width, count } = pack
  return {
    labels: mixedLabels,
    features: {
      pictures: count,
      size: width,
      gather: (rows, into) => {
        rows.forEach((row, i) =>
          into.set(values.subarray(row * width, (row + 1) * width), i * width),
        )
        return Promise.resolve()
      },
    },
  }
}

/** The losses of the first steps, as the loop sees them come out of the session. */
async function lossesOf(
  session: Session,
  options: (
    recording: Session,
  ) => Pick<Parameters<typeof fit>[0], 'session' | 'head' | 'train' | 'optimizer'>,
): Promise<number[]> {
  const losses: number[] = []
  const recording: Session = {
    concurrency: 1,
    run: async (entry, feeds) => {
      const result = await session.run(entry, feeds)
      losses.push(result['loss']![0]!)
      return result
    },
    read: (names) => session.read(names),
    write: (values) => session.write(values),
    close: () => session.close(),
  }
  const given = options(recording)
  const perEpoch = Math.floor(given.train.features.pictures / BATCH)
  await fit({
    ...given,
    validation: undefined,
    epochs: Math.ceil(STEPS / perEpoch),
    batchSize: BATCH,
    lastBatch: 'drop',
    shuffle: false,
    seed: 1,
    classWeights: Float32Array.of(1, 1),
    signal: new AbortController().signal,
    onEpoch: () => undefined,
    onBatch: () => undefined,
  })
  return losses.slice(0, STEPS)
}
