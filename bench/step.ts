// What a training step costs against Keras 3's `fit`, batch 16, 224 x 224, random weights, Adam, warm processes in turn: an
// epoch each, without what either prepares before and tidies up behind it. Ours is the loop of `pipeline run` on packs in
// the order of its shuffle. Keras gets pictures preprocessed ahead, as float32 in memory, in their order, and whichever is
// the quicker of arrays and of a batched, prefetched tf.data.Dataset. `kept`: ours reads the frozen layers' outputs.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/step.js FOLDER [CASES] [PAIRS=5] [STEPS=40]
// FOLDER has a folder of pictures for each class. CASES: parts of titles, with commas between.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildModel } from '../src/models/base-model.ts'
import { headLayers, type HeadLayer } from '../src/models/head.ts'
import type { WeightMap } from '../src/models/layer-graph.ts'
import { initialize } from '../src/models/weights/initializers.ts'
import { writeWeights } from '../src/stages/weight-files.ts'
import { featurePlan } from '../src/training/feature-plan.ts'
import { wholeModel, type ModelOptions } from '../src/training/model.ts'
import { trainingProgram } from '../src/training/training-program.ts'
import { bytesText } from '../src/util/text.ts'
import { mixedPictures } from './support/memory.ts'
import { keptPacks, pixelPack } from './support/packs.ts'
import { alternate, report, reportLoad, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { epochCost } from './support/training.ts'
import { openEngine, SIZE, temporaryFolder, trunkOptions } from './support/trunks.ts'

const [folder, only = '', pairs = '5', steps = '40'] = process.argv.slice(2)
if (folder === undefined) {
  throw new Error(
    'GRAFT_BENCH_PYTHON=python node dist/bench/step.js FOLDER [CASES] [PAIRS] [STEPS]',
  )
}
const BATCH = 16
const OPTIMIZER = { name: 'Adam', learningRate: 1e-4 } as const
const LOSS = 'SparseCategoricalCrossentropy'

const small = (units: number): HeadLayer[] => [
  'GlobalAveragePooling2D',
  { Dense: { units, activation: 'softmax' } },
]
/** The head of the fruits row. */
const large: HeadLayer[] = [
  'Flatten',
  { Dense: { units: 1000, activation: 'relu' } },
  { Dense: { units: 120, activation: 'softmax' } },
]

interface Case {
  readonly model: string
  readonly first: number
  readonly head: readonly HeadLayer[]
  readonly kept: boolean
  /** Times quicker than Keras; undefined: only looked at. */
  readonly bar?: number
}

const CASES: Readonly<Record<string, Case>> = {
  'MobileNetV2 first 100': {
    model: 'MobileNetV2',
    first: 100,
    head: small(20),
    kept: false,
    bar: 1,
  },
  'MobileNetV2 first 100 kept': {
    model: 'MobileNetV2',
    first: 100,
    head: small(20),
    kept: true,
    bar: 1.5,
  },
  'NASNetMobile first 600': {
    model: 'NASNetMobile',
    first: 600,
    head: small(20),
    kept: false,
    bar: 1.15,
  },
  'NASNetMobile first 600 kept': {
    model: 'NASNetMobile',
    first: 600,
    head: small(20),
    kept: true,
    bar: 2.2,
  },
  'InceptionV3 first 249': {
    model: 'InceptionV3',
    first: 249,
    head: small(20),
    kept: false,
    bar: 1.05,
  },
  'InceptionV3 first 249 kept': {
    model: 'InceptionV3',
    first: 249,
    head: small(20),
    kept: true,
  },
  // Nothing but the input layer frozen.
  'EfficientNetB0 whole': { model: 'EfficientNetB0', first: 1, head: small(20), kept: false },
  'NASNetMobile first 600 fruits head': {
    model: 'NASNetMobile',
    first: 600,
    head: large,
    kept: false,
  },
  'NASNetMobile first 600 fruits head kept': {
    model: 'NASNetMobile',
    first: 600,
    head: large,
    kept: true,
  },
}

const work = temporaryFolder()
const count = Number(steps) * BATCH
const pictures = await mixedPictures(folder, { count, size: SIZE, out: join(work, 'stages') })
// The classes of the pictures have no say in what a step costs: the small head has 20.
const labels = pictures.labels.map((label) => label % 20)
writeFileSync(join(work, 'pixels'), pictures.pixels)
writeFileSync(join(work, 'labels'), labels)
const pixels = await pixelPack(join(work, 'pixel-pack'), pictures)
const engine = await openEngine()

reportLoad()
for (const [title, given] of Object.entries(CASES)) {
  if (only.split(',').some((part) => title.includes(part))) await compare(title, given)
}
reportLoad()
await pixels.close()
await engine.close()

async function compare(
  title: string,
  { model: name, first, head, kept, bar }: Case,
): Promise<void> {
  const { model, preprocessing } = trunkOptions(name)
  const options: ModelOptions = { model, head, freeze: { first }, classes: 20 }
  const weights = randomWeights(options)
  const theirs = await keras(name, options, weights)

  const plan = featurePlan(options)
  const trunk = { model, preprocessing }
  const source =
    kept && plan
      ? await keptPacks(join(work, title), engine, {
          source: pixels,
          plan,
          trunk,
          weights,
          batch: 32,
        })
      : pixels
  const { program, shape } = trainingProgram({
    model: wholeModel(options),
    loss: { name: LOSS },
    weights,
    train: {
      start: { inputs: source.inputs, preprocessing: kept ? { mode: 'none' } : preprocessing },
      optimizer: OPTIMIZER,
      batches: [BATCH],
    },
  })
  const session = await engine.compile(program)
  const train = { source, labels }
  let epoch = 0
  const ours = () => {
    epoch += 1
    return epochCost({ session, shape, train, optimizer: OPTIMIZER, batchSize: BATCH, epoch })
  }
  await ours()
  const rounds = await alternate(Number(pairs), ours, theirs.epoch)
  const size = kept && plan ? `, ${bytesText(plan.numbers * 4)} a picture` : ''
  report(`${title}${size}; Keras over ${theirs.form}`, rounds, {
    count: Number(steps),
    unit: 'steps',
    bar,
  })
  await session.close()
  if (kept) await source.close()
  await theirs.close()
}

/** A warm Keras with the form of the data that it is quicker on. */
async function keras(name: string, options: ModelOptions, weights: WeightMap) {
  const { graph, trunk, frozen } = wholeModel(options)
  await writeWeights(join(work, 'initial'), graph, weights)
  const python = startPython('keras_steps.py')
  await python.ask({
    do: 'build',
    model: name,
    size: SIZE,
    first: frozen.size,
    head: options.head,
    names: headLayers(graph, trunk).map((layer) => layer.name),
    weights: join(work, 'initial'),
    loss: LOSS,
    optimizer: OPTIMIZER.name,
    rate: OPTIMIZER.learningRate,
  })
  await python.ask({ do: 'data', pixels: join(work, 'pixels'), labels: join(work, 'labels') })
  const over = (form: string) => python.ask<Cost>({ do: 'epoch', batch: BATCH, form })
  // A fresh model warms up in its first epoch; then each form is seen twice.
  await over('arrays')
  const seen: [number, string][] = []
  for (const form of ['arrays', 'dataset', 'arrays', 'dataset']) {
    seen.push([(await over(form)).wall, form])
  }
  const [, form] = seen.reduce((least, next) => (next[0] < least[0] ? next : least))
  return { form, epoch: () => over(form), close: () => python.close() }
}

function randomWeights(options: ModelOptions): WeightMap {
  const { graph, trunk } = wholeModel(options)
  const ofTrunk = initialize(buildModel(options.model), 1)
  return new Map([...ofTrunk, ...initialize(headLayers(graph, trunk), 1)])
}
