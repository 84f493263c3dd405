// Fine-tuning a SavedModel with nothing frozen against TensorFlow's own: `module(x, training=True)` in a GradientTape loop, from the
// same weights, on the same pictures in the same order, batch 16, under the same head (Dense, softmax), without chance. Every loss
// within 1e-3 relatively, every weight and moving average after the steps within 1e-3 of its tensor's largest value; or else within
// twice what TensorFlow is apart from itself: with one thread, and from weights that are one unit in the last place off.
// Run: [ENGINE=wasm] GRAFT_BENCH_PYTHON=python node dist/bench/saved-model-finetune.js PICTURES MODULE[=RANGE],… [SIZE] [STEPS]
// PICTURES has a folder of pictures for each class. A MODULE is the folder of a SavedModel, fed 0..1 (default), -1..1 or 0..255, or a
// name of keras.applications, made here with random weights as TF Hub asks for it, its drop rates 0, fed 0..255.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chooseEngine } from '../src/engines/choose.ts'
import type { EngineName } from '../src/engines/engine.ts'
import { headLayers, type HeadLayer } from '../src/models/head.ts'
import type { WeightMap } from '../src/models/layer-graph.ts'
import { pixelAffine, type Preprocessing } from '../src/models/preprocessing.ts'
import { readSavedModel } from '../src/models/saved-model/read.ts'
import { initialize } from '../src/models/weights/initializers.ts'
import { writeWeights } from '../src/stages/weight-files.ts'
import { wholeModel, type WholeModel } from '../src/training/model.ts'
import type { OptimizerName } from '../src/training/optimizers.ts'
import { trainingProgram } from '../src/training/training-program.ts'
import { readSafetensors } from '../src/util/safetensors.ts'
import { apartOf, apartText, dataOf, greatest, type Apart, type Outcome } from './support/apart.ts'
import { mixedPictures } from './support/memory.ts'
import { reportLoad } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { recordedFit } from './support/training.ts'
import { temporaryFolder } from './support/trunks.ts'

const [pictureFolder, modules, sizeText = '224', stepsText = '30'] = process.argv.slice(2)
if (pictureFolder === undefined || modules === undefined) {
  throw new Error('node dist/bench/saved-model-finetune.js PICTURES MODULE,… [SIZE] [STEPS]')
}
const [SIZE, STEPS] = [Number(sizeText), Number(stepsText)]
const BATCH = 16
const BAR = 1e-3
const OPTIMIZERS: readonly { readonly name: OptimizerName; readonly learningRate: number }[] = [
  { name: 'Adam', learningRate: 1e-4 },
  { name: 'SGD', learningRate: 1e-2 },
]
type Optimizer = (typeof OPTIMIZERS)[number]

interface Module {
  readonly folder: string
  readonly model: WholeModel
  readonly weights: WeightMap
  readonly preprocessing: Preprocessing
}

const RANGES: Readonly<Record<string, Preprocessing>> = {
  '0..1': { rescale: 1 / 255 },
  '-1..1': { mode: 'tf' },
  '0..255': { mode: 'none' },
}

/** TensorFlow's several outcomes; the first is what ours is held against. */
const SETTINGS = {
  'as it is': { env: {}, nudged: false },
  'with one thread': {
    env: { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' },
    nudged: false,
  },
  'from weights one unit off': { env: {}, nudged: true },
} as const
type Setting = keyof typeof SETTINGS

const work = temporaryFolder()
const out = join(work, 'stages')
const pictures = await mixedPictures(pictureFolder, { count: STEPS * BATCH, size: SIZE, out })
if (pictures.labels.length !== STEPS * BATCH)
  throw new Error(`fewer than ${STEPS * BATCH} pictures`)
writeFileSync(join(work, 'pixels'), pictures.pixels)
writeFileSync(join(work, 'labels'), pictures.labels)
const name = (process.env['ENGINE'] ?? 'auto') as 'auto' | EngineName
const engine = await (await chooseEngine({ name })).open()
let missed = 0
for (const given of modules.split(',')) {
  const [place, range] = given.split('=') as [string, string?]
  const module = await opened(place, range)
  for (const optimizer of OPTIMIZERS) await compare(place, module, optimizer)
}
await engine.close()
console.log(missed === 0 ? 'all met' : `${missed} NOT met`)
reportLoad()
process.exitCode = missed === 0 ? 0 : 1

async function compare(title: string, module: Module, optimizer: Optimizer): Promise<void> {
  const theirs = await tensorflow(module, optimizer, 'as it is')
  const mine = await ours(module, optimizer, theirs.weights.keys())
  const apart = apartOf(mine, theirs)
  const [first, last] = [mine.losses[0]!, mine.losses.at(-1)!]
  console.log(
    `${title} ${optimizer.name} on ${engine.info.name}: ${first.toFixed(4)} to ${last.toFixed(4)}, ${mine.weights.size} weights; apart: ${apartText(apart)}`,
  )
  const own: Apart[] = []
  for (const setting of ['with one thread', 'from weights one unit off'] as const) {
    const spread = apartOf(await tensorflow(module, optimizer, setting), theirs)
    console.log(`  TensorFlow ${setting}: ${apartText(spread)}`)
    own.push(spread)
  }
  const limits = greatest(own)
  const isMet = (['loss', 'weight', 'middle'] as const).every(
    (figure) => apart[figure] <= Math.max(BAR, 2 * limits[figure]),
  )
  console.log(`  bar ${BAR}, or twice TensorFlow's own: ${isMet ? 'met' : 'NOT met'}`)
  if (!isMet) missed += 1
}

/** The module with its values and fresh ones of the head. */
async function opened(place: string, range: string | undefined): Promise<Module> {
  const isName = /^\w+$/.test(place)
  const folder = isName ? join(work, place) : resolve(place)
  if (isName) await made(place, folder)
  const { graph: stored, weights } = await readSavedModel(folder)
  const options = { model: { stored, inputShape: [SIZE, SIZE, 3] }, classes: pictures.classes }
  const { trunk } = wholeModel({ ...options, head: [], freeze: 'none' })
  const dense = { Dense: { units: 'classes', activation: 'softmax' } } as const
  const head: HeadLayer[] =
    trunk.output.outputShape.length === 3 ? ['GlobalAveragePooling2D', dense] : [dense]
  const model = wholeModel({ ...options, head, freeze: 'none' })
  const fresh = initialize(headLayers(model.graph, model.trunk), 1)
  const preprocessing = RANGES[range ?? (isName ? '0..255' : '0..1')]
  if (!preprocessing) throw new Error(`a range is one of ${Object.keys(RANGES).join(', ')}`)
  return { folder, model, weights: new Map([...weights, ...fresh]), preprocessing }
}

async function made(name: string, folder: string): Promise<void> {
  const python = startPython('saved_model_side.py')
  await python.ask({ do: 'make', name, form: 'hub', size: SIZE, folder, chance: false })
  await python.close()
}

/** The program and the loop of `pipeline run`; what no step touches stays as it was. */
async function ours(
  { model, weights, preprocessing }: Module,
  optimizer: Optimizer,
  wanted: Iterable<string>,
): Promise<Outcome> {
  const { source, labels } = pictures
  const { program, shape } = trainingProgram({
    model,
    loss: { name: 'SparseCategoricalCrossentropy' },
    weights,
    train: { start: { inputs: source.inputs, preprocessing }, optimizer, batches: [BATCH] },
  })
  if (shape.dropouts.length > 0) {
    throw new Error(`it draws: ${shape.dropouts.map(({ layer }) => layer).join(', ')}`)
  }
  const session = await engine.compile(program)
  const { losses, variables } = await recordedFit({
    ...{ session, shape, train: { source, labels }, optimizer },
    ...{ epochs: 1, batchSize: BATCH },
  })
  await session.close()
  const own = model.trained.flatMap((layer) => layer.weights.map(({ name }) => name))
  const names = new Set([...wanted, ...own.filter((name) => variables.has(name))])
  const after = [...names].map((name) => {
    const values = variables.get(name) ?? weights.get(name)
    if (!values) throw new Error(`ours has no ${name}`)
    return [name, values] as const
  })
  return { losses, weights: new Map(after) }
}

async function tensorflow(
  { folder, model, weights, preprocessing }: Module,
  optimizer: Optimizer,
  setting: Setting,
): Promise<Outcome> {
  const { env, nudged } = SETTINGS[setting]
  const python = startPython('saved_model_side.py', env)
  await writeWeights(join(work, 'head'), { layers: headLayers(model.graph, model.trunk) }, weights)
  const { scale, offset } = pixelAffine(preprocessing)
  const { losses } = await python.ask<{ losses: number[] }>({
    do: 'tune',
    folder,
    pixels: join(work, 'pixels'),
    labels: join(work, 'labels'),
    size: SIZE,
    scale: scale[0],
    offset: offset[0],
    head: join(work, 'head'),
    nudged,
    optimizer: optimizer.name,
    rate: optimizer.learningRate,
    batch: BATCH,
    out: join(work, 'after'),
  })
  await python.close()
  return { losses, weights: dataOf(await readSafetensors(join(work, 'after'))) }
}
