import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openPack } from '../../src/data/pack.ts'
import { openStore } from '../../src/graph/store.ts'
import { readModelGraph } from '../../src/models/files/read-model.ts'
import { readRun } from '../../src/runs/read.ts'
import type { PredictionLine } from '../../src/stages/evaluate.ts'
import { readSafetensors } from '../../src/util/safetensors.ts'
import { assertClose } from '../support/compare.ts'
import { ROOT } from '../support/paths.ts'
import { predictInTfjs } from '../support/tfjs.ts'
import { CLASSES, computed, createProject, filesOf, type Project, type Settings } from './rig.ts'

/** As TensorFlow wrote them (test/golden/savedmodels.py): `hub` takes pictures of 8 x 8 and gives five numbers. */
const MODULES = join(ROOT, 'test/fixtures/savedmodels')

describe('a SavedModel as the base model', () => {
  let base: Project
  before(async () => {
    base = await createProject()
  })
  after(() => base[Symbol.asyncDispose]())

  const preprocessing = { rescale: 1 / 255 }
  const configure = (project: Project, baseModel: Settings, settings: Settings = {}) => {
    const dataset = { imageSize: [8, 8] }
    project.configureModel(baseModel, { dataset, preprocessing, head: [CLASSES], ...settings })
  }
  const hub = join(MODULES, 'hub')

  it('frozen: its features are kept, and nothing is done twice', async () => {
    await using project = await base.copy()
    configure(project, { savedModel: hub })
    const { result } = await project.run()
    assert.ok(result.stages.some(({ id }) => id === 'features:train'))
    assert.equal(result.parameters.trainable, 5 * 3 + 3)
    assert.deepEqual(computed((await project.run()).events), [])
    const out = join(project.path, 'out')
    const exported = await project.pipeline(['export', 'little@latest', '--out', out])
    assert.equal(exported.code, 0, exported.stderr)
    const { layers } = await readModelGraph(join(out, 'model.keras'))
    const names = ['stem', 'stem_bn', 'depthwise', 'excite', 'head', 'dense']
    const named = layers.flatMap(({ name }) => (names.includes(name) ? name : []))
    assert.deepEqual(named, names)
    const readme = readFileSync(join(out, 'README.md'), 'utf8')
    assert.match(readme, /layers that its inference function\s+consists of/)
  })

  it('exported to tfjs: layers of tfjs predict what the run did, weights that no op reads stay behind', async () => {
    await using project = await base.copy()
    // its seed is a variable that no op reads
    const savedModel = join(MODULES, 'keras-module')
    configure(
      project,
      { savedModel },
      {
        preprocessing: { mode: 'none' },
        freeze: 'none',
        optimizer: { name: 'SGD', learningRate: 0.05 },
      },
    )
    const { result } = await project.run()
    const { dir } = result.run
    const model = await readSafetensors(join(project.path, dir, 'model/model.safetensors'))
    assert.ok([...model.keys()].some((name) => /seed_generator/.test(name)))
    const out = join(project.path, 'out')
    const args = ['export', dir, '--format', 'tfjs', '--out', out, '--engine', 'wasm']
    const { code, stderr } = await project.pipeline(args)
    assert.equal(code, 0, stderr)
    const stage = readRun(join(project.path, dir))!.record.stages.find(
      ({ id }) => id === 'pixels:test',
    )!
    const store = await openStore(project.store, { readOnly: true })
    const pack = await openPack(join(store.pathOf(stage.digest), 'test'))
    const pixels = (await pack.rows(0, pack.count)) as Uint8Array
    await pack.close()
    store.close()
    const { outputs } = await predictInTfjs(out, [pack.count, 8, 8, 3], pixels)
    const lines = readFileSync(join(project.path, dir, 'predictions.jsonl'), 'utf8').trim()
    const own = lines
      .split('\n')
      .flatMap((line) => (JSON.parse(line) as PredictionLine).probabilities)
    assertClose(outputs, own, 1e-4, 'probabilities')
  })

  it('fine-tuned: its own training branch moves weights and averages, its losses join ours', async () => {
    await using project = await base.copy()
    const optimizer = { name: 'SGD', learningRate: 0.05 }
    configure(project, { savedModel: hub }, { freeze: 'none', optimizer })
    const { result } = await project.run()
    const model = await readSafetensors(
      join(project.path, result.run.dir, 'model/model.safetensors'),
    )
    const names = [...model.keys()]
    for (const part of ['stem/kernel', 'stem/bn/moving_mean', 'head/kernel']) {
      assert.ok(
        names.some((name) => name.startsWith('keras_layer/') && name.includes(part)),
        part,
      )
    }
    const [first, , last] = result.epochs.map(({ train }) => train['loss']!)
    assert.ok(last! < first!)
    // A run of it is a base model like any other, and predicts.
    configure(project, { run: 'little@latest' }, { name: 'second', optimizer })
    const second = await project.run()
    assert.equal(second.result.parameters.total, result.parameters.total)
    const image = filesOf(join(project.path, 'pictures/test')).keys().next().value!
    const picture = join('pictures/test', image)
    const args = ['predict', 'second@latest', picture, '--json', '--engine', 'wasm']
    const predicted = await project.pipeline(args)
    assert.equal(predicted.code, 0, predicted.stderr)
    const [{ top }] = JSON.parse(predicted.stdout) as [{ top: { probability: number }[] }]
    assert.ok(Math.abs(top.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5)
    // Its layers are kept in a format of their own.
    const layers = join(project.path, second.result.run.dir, 'model/architecture.json')
    const text = readFileSync(layers, 'utf8')
    assert.match(text, /^ {2}"format": 1,$/m)
    writeFileSync(layers, text.replace('"format": 1,', '"format": 0,'))
    const other = await project.pipeline(['predict', 'second@latest', picture])
    assert.equal(other.code, 1)
    assert.match(other.stderr, /BAD_WEIGHTS .*architecture.json: format 0, not 1\n/)
    assert.match(other.stderr, /make it anew: /)
  })

  it('what does not fit is told at its place: before it runs where the files are here, else when they are', async () => {
    await using project = await base.copy()
    const told = async (baseModel: Settings, settings: Settings = {}) => {
      configure(project, baseModel, settings)
      const { code, stderr } = await project.pipeline(['validate', 'pipeline.yaml'])
      assert.equal(code, 2, stderr)
      return stderr
    }
    const unknown = await told({ savedModel: join(MODULES, 'unknown-ops') })
    assert.match(unknown, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS/)
    const none = await told({ savedModel: 'nothing-here' })
    assert.match(none, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS .*no SavedModel/)
    const signature = await told({ savedModel: hub, signature: 'serve me' })
    assert.match(signature, /pipeline.yaml:\d+:\d+ WRONG_VALUE .*serve me/)
    const head = ['GlobalAveragePooling2D', CLASSES]
    const flat = await told({ savedModel: hub }, { head })
    assert.match(flat, /CONFLICT GlobalAveragePooling2D needs rows and columns/)
    const many = await told({ savedModel: hub }, { freeze: { first: 600 } })
    assert.match(many, /freeze.first is 600, but keras_layer has 2 layers/)
  })
})
