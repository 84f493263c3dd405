import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Engine } from '../../src/engines/engine.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { sizeOf } from '../../src/program/program.ts'
import { assertClose } from '../support/compare.ts'
import { testEngines } from '../support/engines.ts'
import { runGoldens, type RunGolden } from './goldens.ts'
import { sketch } from './made-up.ts'
import { gradientErrors, outputs, twoSteps } from './model-runs.ts'

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
        // A relu or a pool that is so near to its edge that a rounding moves it: Keras in float32 is as far off.
        const tolerance = Math.max(1e-3, 2 * step.spread)
        for (const { weight, error } of gradientErrors(golden, variables)) {
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
