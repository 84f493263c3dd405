import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { modelFile } from '../support/models.ts'
import { CLASSES, computed, createProject, evaluated, type Project, type Settings } from './rig.ts'

describe('a model file as the base model', () => {
  /** They take pictures of 12 x 10. */
  let base: Project
  before(async () => {
    base = await createProject()
    for (const name of ['functional.keras', 'sequential.h5']) {
      writeFileSync(join(base.path, name), modelFile(name))
    }
  })
  after(() => base[Symbol.asyncDispose]())

  const head = ['Flatten', CLASSES]

  for (const name of ['functional.keras', 'sequential.h5']) {
    it(`${name}: frozen, then fine-tuned by way of the run; its size is the default`, async () => {
      await using project = await base.copy()
      project.configureModel({ keras: name }, { name: 'frozen', head })
      const frozen = await project.run()
      const { stages, run } = frozen.result
      assert.ok(stages.some(({ id }) => id === 'features:train'))
      const resolved = parse(
        readFileSync(join(project.path, run.dir, 'resolved.yaml'), 'utf8'),
      ) as { dataset: { imageSize: unknown } }
      assert.deepEqual(resolved.dataset.imageSize, [12, 10])
      assert.deepEqual(computed((await project.run()).events), [])
      // Its layers go with the run, and from there into the next.
      project.configureModel({ run: 'frozen@latest' }, { name: 'tuned', head, freeze: 'none' })
      const tuned = await project.run()
      const { parameters } = tuned.result
      assert.ok(parameters.trainable > frozen.result.parameters.trainable)
      assert.equal(parameters.total, frozen.result.parameters.total)
    })
  }

  it('what a run is exported to is one, for tfjs and for Keras, and predicts the same', async () => {
    await using project = await base.copy()
    const { result } = await project.run()
    const [line] = evaluated(project, result.run.dir)
    for (const [format, file] of [
      ['tfjs', 'model.json'],
      ['keras', 'model.keras'],
    ] as const) {
      const args = ['export', result.run.id, '--format', format, '--out', format]
      const exported = await project.pipeline(args)
      assert.equal(exported.code, 0, exported.stderr)
      const settings = {
        name: `with-${format}`,
        engine: 'wasm',
        baseModel: { [format]: `${format}/${file}` },
        dataset: { imageSize: [32, 32] },
        prediction: { images: [`pictures/${line!.image}`], labels: `${format}/labels.txt`, top: 3 },
      }
      project.write(settings, 'predict.yaml')
      const outcome = await project.pipeline(['run', 'predict.yaml', '--json'])
      assert.equal(outcome.code, 0, outcome.stderr)
      const { predictions } = JSON.parse(outcome.stdout) as {
        predictions: { top: { index: number; probability: number }[] }[]
      }
      for (const { index, probability } of predictions[0]!.top) {
        assert.ok(Math.abs(probability - line!.probabilities[index]!) < 1e-4)
      }
    }
  })

  it('is told about where it cannot be: no file, no such layer, no such size', async () => {
    await using project = await base.copy()
    const validated = async (baseModel: Settings, settings: Settings = {}) => {
      project.configureModel(baseModel, { head, ...settings })
      return project.pipeline(['validate', 'pipeline.yaml'])
    }
    const none = await validated({ keras: 'nowhere.keras' })
    assert.equal(none.code, 2)
    assert.match(none.stderr, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS cannot read .*nowhere.keras/)
    const cut = await validated({ keras: 'sequential.h5', output: 'conv2d_77' })
    assert.equal(cut.code, 2)
    assert.match(cut.stderr, /pipeline.yaml:\d+:\d+ WRONG_VALUE \w+ has no layer "conv2d_77"/)
    const small = await validated({ keras: 'sequential.h5' }, { dataset: { imageSize: [2, 2] } })
    assert.equal(small.code, 2)
    assert.match(small.stderr, /pipeline.yaml:\d+:\d+ WRONG_VALUE \w+ on pictures of 2x2x3/)
  })
})
