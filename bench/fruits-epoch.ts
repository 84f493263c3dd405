// An epoch of the fruits row, whole processes in turn: NASNetMobile with random weights, 600 layers frozen, the row's
// augmentation, batch 16, against ImageDataGenerator.flow_from_directory and Keras' `fit`, without validation; with pooling
// and one Dense, and with the row's own head. An epoch behind the first counts, as Keras traces its step in the first (and
// fills a queue of 10 batches meanwhile: few CLASSES make its second epoch too quick); ours decodes once before it.
// Then with `bank: 4`, features kept of four variants a picture: seconds before the first epoch, and an epoch.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/fruits-epoch.js FRUITS [PAIRS=1] [CLASSES] [EPOCHS=2]
// FRUITS has Training/ with a folder for each class.
import { join, resolve } from 'node:path'
import type { HeadLayer } from '../src/models/head.ts'
import { alternate, median, reportLoad, spread, type Cost } from './support/pairs.ts'
import { ROW_AUGMENTATION } from './support/fruits.ts'
import { classesOf, kerasFinetune, runPipeline } from './support/runs.ts'
import { temporaryFolder } from './support/trunks.ts'

const [given, pairs = '1', classCount, epochs = '2'] = process.argv.slice(2)
if (given === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/fruits-epoch.js FRUITS [PAIRS]')
}
const folder = resolve(given)
const classes = classesOf(join(folder, 'Training'), classCount ? Number(classCount) : undefined)
const work = temporaryFolder()
const store = ['--store', join(work, 'store')]
const output: HeadLayer = { Dense: { units: classes.length, activation: 'softmax' } }
const HEADS: Readonly<Record<string, readonly HeadLayer[]>> = {
  'pooling and Dense': ['GlobalAveragePooling2D', output],
  "the row's head": ['Flatten', { Dense: { units: 1000, activation: 'relu' } }, output],
}

reportLoad()
for (const [title, head] of Object.entries(HEADS)) {
  const rounds = await alternate(
    Number(pairs),
    () => ours(head),
    () => keras(head),
  )
  const side = (walls: number[]) => `${median(walls).toFixed(1)} s`
  const [mine, theirs] = [rounds.map((r) => r.ours.wall), rounds.map((r) => r.theirs.wall)]
  console.log(`${title}, ${classes.length} classes: an epoch ${side(mine)}, Keras ${side(theirs)}`)
  console.log(`  times quicker ${spread(rounds.map((r) => r.theirs.wall / r.ours.wall))}`)
  const { wall, before } = await ours(head, 'bank')
  console.log(
    `  bank: 4: ${before.toFixed(1)} s before, then an epoch ${wall.toFixed(1)} s, times quicker ${(median(theirs) / wall).toFixed(2)}`,
  )
}
reportLoad()

/** Seconds of an epoch, and of the stages before training where they were not cached. */
async function ours(head: readonly HeadLayer[], bank?: 'bank'): Promise<Cost & { before: number }> {
  const yaml = `seed: 8
dataset:
  source: {path: ${JSON.stringify(folder)}}
  splits: {train: Training}
  classes: ${JSON.stringify(classes)}
  imageSize: [224, 224]
  resize: nearest
preprocessing: {rescale: 1/255}
${ROW_AUGMENTATION}${bank ? '\n  bank: 4\nfeatures: always' : ''}
baseModel: {name: NASNetMobile, weights: none}
freeze: {first: 600}
head: ${JSON.stringify(head)}
loss: CategoricalCrossentropy
optimizer: {name: Adam, learningRate: 0.001}
training: {epochs: ${epochs}, batchSize: 16}
`
  const run = await runPipeline(work, yaml, [...store, '--force', 'train'])
  const seconds = run.epochs.map((epoch) => epoch.seconds)
  const stages = run.stages.filter(({ stage, cached }) => !cached && stage !== 'train')
  const before = stages.reduce((sum, stage) => sum + stage.seconds, 0)
  tell(bank ? 'ours with bank: 4' : 'ours', seconds, `${before.toFixed(1)} s of stages before`)
  return { wall: median(seconds.slice(1)), before }
}

async function keras(head: readonly HeadLayer[]): Promise<Cost> {
  const { seconds } = await kerasFinetune({
    train: join(folder, 'Training'),
    classes,
    model: 'NASNetMobile',
    rescale: 1 / 255,
    first: 600,
    head,
    epochs: Number(epochs),
    rate: 1e-3,
    batch: 16,
    seed: 8,
  })
  tell('Keras', seconds)
  return { wall: median(seconds.slice(1)) }
}

function tell(who: string, seconds: readonly number[], more = ''): void {
  const epochs = seconds.map((value) => value.toFixed(1)).join(', ')
  console.log(`    ${who}: epochs of ${epochs} s${more ? `, ${more}` : ''}`)
}
