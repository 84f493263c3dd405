import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Engine } from '../../src/engines/engine.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { lower } from '../../src/models/lower.ts'
import { preprocess } from '../../src/models/preprocessing.ts'
import { defaultPreprocessing } from '../../src/models/published.ts'
import { Builder } from '../../src/program/builder.ts'
import { sizeOf } from '../../src/program/program.ts'
import { wholeModel } from '../../src/training/model.ts'
import { scalarsAt } from '../../src/training/optimizers.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import { assertClose } from '../support/compare.ts'
import { testEngines } from '../support/engines.ts'
import { runGoldens, type RunGolden } from './goldens.ts'
import { gainsOf, madeUpPicture, madeUpWeights, sketch } from './made-up.ts'

/** GRAFT_MODELS=all runs the whole table, the biggest on the native engine alone; else a model of each family. */
const ALL = process.env['GRAFT_MODELS'] === 'all'
/** Of each family, and whether its step is quick on wasm too. */
const QUICK: ReadonlyMap<string, boolean> = new Map([
  ['NASNetMobile', false],
  ['MobileNet', true],
  ['MobileNetV2', true],
  ['MobileNetV3Small', true],
  ['InceptionV3', false],
  ['Xception', false],
  ['VGG16', false],
  ['ResNet50', false],
  ['ResNet50V2', false],
  ['DenseNet121', true],
  ['EfficientNetLite0', true],
  ['EfficientNetB0', true],
  ['EfficientNetV2B0', true],
  ['ConvNeXtTiny', false],
])
/** Values of weights that wasm's memory holds with all that a step needs. */
const WASM_PARAMETERS = 60e6

const goldens = runGoldens()

test(`${ALL ? 'every base model' : 'a model of each family'} has runs to be compared with`, () => {
  const there = new Set(goldens.map(({ options }) => options.name))
  const wanted = ALL ? BASE_MODELS.map(({ name }) => name) : [...QUICK.keys()]
  const missing = wanted.filter((name) => !there.has(name))
  assert.deepEqual(missing, [], 'to be made by test/golden/model_runs.py')
  const families = BASE_MODELS.filter(({ name }) => QUICK.has(name)).map(({ family }) => family)
  assert.deepEqual(new Set(families), new Set(BASE_MODELS.map(({ family }) => family)))
})

function isRun(engine: string, { options }: RunGolden, step: boolean): boolean {
  if (!ALL)
    return QUICK.has(options.name) && (!step || engine !== 'wasm' || QUICK.get(options.name)!)
  if (engine !== 'wasm') return true
  const weights = buildBaseModel(options).layers.flatMap((layer) => layer.weights)
  return weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0) <= WASM_PARAMETERS
}

for (const { name: engineName, open } of testEngines('base models')) {
  describe(`base models on ${engineName}`, async () => {
    const engine: Engine = await open()
    after(() => engine.close())
    for (const golden of goldens) {
      const { name, ...options } = golden.options
      const title = Object.keys(options).length > 0 ? `${name} ${JSON.stringify(options)}` : name

      const givesNumbers = async () => {
        const got = await outputs(engine, golden)
        const sampled = (values: ArrayLike<number>) =>
          Array.from(values).filter((_, i) => (i % 1000) % golden.every === 0)
        assertClose(sampled(got['logits']!), golden.logits, 1e-4, 'logits')
        assertClose(sampled(got['output']!), golden.outputs, 1e-4, 'outputs')
      }
      const takesStep = async () => {
        const { step } = golden
        const { loss, lossAfter, variables } = await twoSteps(engine, golden)
        assertClose([loss, lossAfter], [step.loss, step.lossAfter], 1e-3, 'losses')
        const largest = Math.max(...step.gradients.map(([, norm]) => norm))
        const kernels = new Map(step.gradients.map(([weight, norm]) => [weight, norm]))
        // Where a rounding opens a relu, or a pool chooses the other of two equals, Keras is as far from itself; and whether
        // one does is up to the machine. Without that the engines are within 1e-3.
        const tolerance = Math.max(1e-2, 4 * step.spread)
        for (const [weight, norm, product] of step.gradients) {
          // What a bias before a normalization gets cancels out, but for roundings.
          const kernel = kernels.get(weight.replace(/bias$/, 'kernel')) ?? 0
          const scale = Math.max(norm, 1e-2 * kernel, 1e-3 * largest)
          const moved = variables.get(`optimizer/momentum/${weight}`)!
          const ours = sketch(
            weight,
            moved.map((v) => v / -step.learningRate),
          )
          assert.ok(ours.norm > 0, `${weight} has no gradient`)
          const error = Math.abs(ours.product - product) / scale
          assert.ok(error <= tolerance, `the gradient of ${weight} is ${error} off`)
        }
        for (const [average, product] of step.averages) {
          const ours = sketch(average.replace(/\/.*/, ''), variables.get(average)!)
          const error = Math.abs(ours.product - product) / ours.norm
          assert.ok(error <= 1e-3, `${average} is ${error} off`)
        }
        const trained = [...step.gradients, ...step.averages].map(([weight]) => weight)
        const own = [...variables.keys()].filter((key) => !key.startsWith('optimizer/'))
        assert.deepEqual(own.toSorted(), trained.toSorted())
      }
      if (isRun(engineName, golden, false)) test(`${title} gives Keras' numbers`, givesNumbers)
      if (isRun(engineName, golden, true)) test(`${title} takes Keras' step`, takesStep)
    }
  })
}

/** With the top, in inference. */
async function outputs(engine: Engine, { options, gains, size }: RunGolden) {
  const graph = buildBaseModel({ ...options, includeTop: true, inputShape: [...size, 3] })
  const b = new Builder()
  const pixels = b.input('pixels', [2, ...size, 3], 'uint8')
  const { output, logits } = lower(b, graph, {
    weights: madeUpWeights(graph, { gains: gainsOf(graph, gains) }),
    start: { [graph.input.name]: preprocess(b, pixels, defaultPreprocessing(options.name)) },
  })
  assert.equal(logits?.activation, 'softmax')
  b.entry('infer', { fetches: { output, logits: logits.tensor }, updates: [] })
  const session = await engine.compile(b.program())
  const got = await session.run('infer', { pixels: madeUpPicture(2, ...size) })
  await session.close()
  return got
}

/** The losses of two steps, and the variables after the first. */
async function twoSteps(engine: Engine, { options, gains, step }: RunGolden) {
  const { size, batch, classes, lift, learningRate } = step
  const inputShape = [...size, 3]
  const model = wholeModel({
    model: { ...options, pooling: 'avg', inputShape },
    head: [{ Dense: { units: 'classes', activation: 'softmax' } }],
    freeze: 'none',
    classes,
  })
  const top = buildBaseModel({ ...options, includeTop: true, inputShape })
  const optimizer = { name: 'SGD', momentum: 0.9 } as const
  const inputs = [{ name: 'pixels', shape: inputShape, dtype: 'uint8' }] as const
  const preprocessing = defaultPreprocessing(options.name)
  const { program, shape } = trainingProgram({
    model,
    loss: { name: 'CategoricalCrossentropy' },
    weights: madeUpWeights(model.graph, { gains: gainsOf(top, gains), lift }),
    train: { start: { inputs, preprocessing }, optimizer, batches: [batch] },
  })
  const targets = new Float32Array(batch * classes)
  for (let i = 0; i < batch; i += 1) targets[i * classes + (i % classes)] = 1
  // nothing is dropped, on both sides
  const masks = shape.dropouts.map(({ layer, size: numbers }) => {
    return [`dropout/${layer}`, new Float32Array(batch * numbers).fill(1)] as const
  })
  const scalars = Object.entries(scalarsAt(optimizer, 1, learningRate))
  const feeds = {
    pixels: madeUpPicture(batch, ...size),
    targets,
    weights: new Float32Array(batch).fill(1),
    ...Object.fromEntries(masks),
    ...Object.fromEntries(scalars.map(([name, value]) => [name, Float32Array.of(value)])),
  }
  const session = await engine.compile(program)
  const entry = `train@${batch}`
  const loss = (await session.run(entry, feeds))['loss']![0]!
  const variables = await session.read()
  const lossAfter = (await session.run(entry, feeds))['loss']![0]!
  await session.close()
  return { loss, lossAfter, variables }
}
