import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadFile, loadPipeline } from '../src/pipeline/load.ts'
import { modelOf } from '../src/pipeline/base-model.ts'
import { draftPhases, resolvePhases } from '../src/pipeline/phases.ts'
import { predictionStages } from '../src/pipeline/prediction-stages.ts'
import { resolveStages, splitsOf } from '../src/pipeline/stages.ts'
import { readSweep } from '../src/pipeline/sweep-block.ts'
import { openSweep } from '../src/sweeps/sweep.ts'
import { ROOT } from './support/paths.ts'

/** The files of pipelines/: each says what it is for, is valid without a warning but those named here, and has a plan. */
const FOLDER = join(ROOT, 'pipelines')
const TOLD: Readonly<Record<string, readonly string[]>> = {
  'cats-and-dogs.yaml': ['PREPROCESSING_DIFFERS'],
  'fruits-finetune.yaml': ['PREPROCESSING_DIFFERS'],
}
const ENGINE = { name: 'tensorflow', device: 'cpu', version: '2.21.0', threads: 2 } as const

/** Folders of classes as each file's variable PICTURES wants them; class by class where the number counts. */
const CLASSES = Array.from({ length: 20 }, (_, i) => `kind ${i + 1}`)
const PICTURES: Readonly<Record<string, readonly string[]>> = {
  'hub-predict.yaml': ['photos'],
  'imagenet-predict.yaml': ['photos'],
  'inception-predict.yaml': ['photos'],
  'inception-transfer.yaml': CLASSES,
  'cats-and-dogs-folder.yaml': ['train/cats', 'train/dogs', 'validation/cats', 'validation/dogs'],
  'cats-and-dogs-phases.yaml': ['train/cats', 'train/dogs', 'validation/cats', 'validation/dogs'],
  'fruits-folder.yaml': ['Training/apple', 'Training/pear', 'Test/apple', 'Test/pear'],
  'hub-features.yaml': CLASSES,
  'mobilenetv2-finetune.yaml': CLASSES,
  'sweep-cats.yaml': ['train/cats', 'train/dogs', 'validation/cats', 'validation/dogs'],
  'sweep-fruits.yaml': ['Training/apple', 'Training/pear', 'Test/apple', 'Test/pear'],
}

describe('pipelines/', () => {
  let pictures = ''
  before(() => void (pictures = mkdtempSync(join(tmpdir(), 'graft-pipelines-'))))
  after(() => rmSync(pictures, { recursive: true }))

  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))) {
    const file = join(FOLDER, name)
    const text = readFileSync(file, 'utf8')

    it(`${name} opens with what it is for, what it needs, the command, the result and a change to try`, () => {
      const opening = text.slice(0, text.indexOf('\nname: '))
      const titles = [...opening.matchAll(/^# ([A-Z][a-z]+) {2,}\S/gm)].map((match) => match[1])
      assert.deepEqual(titles, ['Purpose', 'Inputs', 'Command', 'Result', 'Try'])
      assert.ok(opening.includes(`pipelines/${name}`), 'the command names the file')
      assert.ok(text.split('\n').every((line) => line.length <= 130))
    })

    it(`${name} is valid and has a plan`, async () => {
      const own = join(pictures, name)
      for (const folder of PICTURES[name] ?? []) mkdirSync(join(own, folder), { recursive: true })
      const env = name in PICTURES ? { PICTURES: own } : {}
      const loaded = await loadFile(file, { env, cwd: FOLDER })
      const { warnings } = loaded
      assert.deepEqual(
        warnings.map(({ code }) => code),
        TOLD[name] ?? [],
      )
      const options = {
        engine: ENGINE,
        seed: 8,
        pixelNumerics: {},
        lockFile: join(FOLDER, 'pipeline.lock'),
        offline: true,
        pin: false,
      }
      if ('prediction' in loaded) {
        const { prediction } = loaded
        assert.equal(`${prediction.name}.yaml`, name)
        const kinds = predictionStages(prediction, options).map(({ kind }) => kind)
        assert.deepEqual(kinds.slice(-2), ['weights', 'predict'])
        return
      }
      const { pipeline } = loaded
      assert.equal(`${pipeline.name}.yaml`, name)
      const model = modelOf(pipeline)
      const drafts = model ? draftPhases(pipeline, ENGINE, model) : []
      const phases = resolvePhases(pipeline, splitsOf(pipeline), drafts)
      const stages = resolveStages(pipeline, phases, options)
      const kinds = new Set(stages.map(({ kind }) => kind))
      // What stands behind a module is planned once it is here.
      const wanted = model ? ['train', 'evaluate'] : ['download', 'unpack', 'weights', 'pixels']
      assert.deepEqual(
        wanted.filter((kind) => !kinds.has(kind)),
        [],
      )
    })
  }
})

describe('sweeps of pipelines/', () => {
  for (const [name, trials] of [
    ['sweep-cats', 24],
    ['sweep-fruits', 27],
  ] as const) {
    it(`${name} has ${trials} trials, each of them valid`, async () => {
      const pictures = mkdtempSync(join(tmpdir(), 'graft-sweep-'))
      try {
        const env = { PICTURES: pictures }
        for (const folder of PICTURES[`${name}.yaml`]!) {
          mkdirSync(join(pictures, folder), { recursive: true })
        }
        const file = join(FOLDER, `${name}.yaml`)
        const given = { set: [], env, cwd: FOLDER, runs: join(pictures, 'runs') }
        const block = await readSweep(file, given)
        const sweep = await openSweep(file, block!, given)
        assert.equal(new Set(sweep.trials.map(({ id }) => id)).size, trials)
        assert.deepEqual(sweep.warnings, [])
      } finally {
        rmSync(pictures, { recursive: true })
      }
    })
  }
})

describe('rows of the course', () => {
  const load = async (name: string, env = {}) =>
    (await loadPipeline(join(FOLDER, name), { env, cwd: FOLDER })).pipeline

  it('fruits: NASNetMobile from layer 600 on, all the augmentations, 120 classes', async () => {
    const pipeline = await load('fruits-finetune.yaml')
    assert.deepEqual(pipeline.freeze, { first: 600 })
    assert.deepEqual(pipeline.preprocessing, { rescale: 1 / 255 })
    const { rotationRange, shearRange, zoomRange, horizontalFlip, fillMode, bank } =
      pipeline.augmentation!
    assert.deepEqual(
      [rotationRange, shearRange, zoomRange, horizontalFlip, fillMode, bank],
      [40, 0.2, [0.8, 1.2], true, 'nearest', 'none'],
    )
    assert.deepEqual(pipeline.evaluation.on, ['test'])
  })

  it('fine-tuning: MobileNetV2 from layer 100 on, 20 classes', async () => {
    const { freeze, loss, optimizer, training } = await load('mobilenetv2-finetune.yaml', {
      PICTURES: '.',
    })
    assert.deepEqual(freeze, { first: 100 })
    assert.equal(loss.name, 'SparseCategoricalCrossentropy')
    assert.deepEqual([optimizer.name, optimizer.learningRate, training.epochs], ['Adam', 0.001, 5])
  })

  it('prediction: InceptionV3 with its top, at the size that Keras takes', async () => {
    const file = join(FOLDER, 'inception-predict.yaml')
    const options = { env: { PICTURES: '.' }, cwd: FOLDER }
    const loaded = await loadFile(file, options)
    assert.ok('prediction' in loaded)
    const { dataset, baseModel, prediction } = loaded.prediction
    assert.deepEqual(dataset.imageSize, [299, 299])
    assert.ok('includeTop' in baseModel && baseModel.includeTop)
    assert.deepEqual([prediction.labels, prediction.top], ['imagenet', 5])
    const small = { ...options, set: ['dataset.imageSize=[224, 224]'] }
    await assert.rejects(loadFile(file, small), /takes only 299x299, got 224x224/)
  })

  it('transfer: InceptionV3 frozen, a softmax over 20 classes, 50 epochs', async () => {
    const { freeze, head, loss, optimizer, training } = await load('inception-transfer.yaml', {
      PICTURES: '.',
    })
    assert.equal(freeze, 'all')
    const [, softmax] = head as [unknown, { Dense: { units: number; activation: string } }]
    assert.deepEqual([softmax.Dense.units, softmax.Dense.activation], [20, 'softmax'])
    assert.equal(loss.name, 'SparseCategoricalCrossentropy')
    assert.deepEqual([optimizer.name, optimizer.learningRate, training.epochs], ['Adam', 0.001, 50])
  })
})
