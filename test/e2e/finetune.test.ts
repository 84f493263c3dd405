import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readSafetensors } from '../../src/util/safetensors.ts'
import { computed, createProject } from './rig.ts'
import type { Project, RunOutcome, Settings } from './rig.ts'

/** Every weight of the run's model, by Keras' name. */
async function modelOf(project: Project, { result }: RunOutcome) {
  const { dir } = result.run
  return readSafetensors(join(project.path, dir, 'model/model.safetensors'))
}

const lossesOf = ({ result }: RunOutcome) => result.epochs.map(({ train }) => train['loss']!)

describe('training below the head, on wasm', { concurrency: 2 }, () => {
  let base: Project
  before(async () => {
    base = await createProject()
    await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  const runWith = async (settings: Settings) => {
    const project = await base.copy()
    project.configure(settings)
    return { project, outcome: await project.run() }
  }

  it('nothing frozen: every layer is in the model, and their losses fall', async () => {
    const { project, outcome } = await runWith({ freeze: 'none', training: { epochs: 4 } })
    await using _ = project
    const model = await modelOf(project, outcome)
    assert.ok(model.has('Conv1/kernel') && model.has('bn_Conv1/moving_variance'))
    const [first, ...others] = lossesOf(outcome)
    assert.ok(others.at(-1)! < first!, String(lossesOf(outcome)))
  })

  it('phases: head first, then more; the first is kept when the second changes', async () => {
    const phases = (learningRate: number) => ({
      training: {
        phases: [
          { epochs: 2, freeze: 'all' },
          { epochs: 2, freeze: { first: 100 }, optimizer: { name: 'SGD', learningRate } },
        ],
      },
    })
    const { project, outcome } = await runWith(phases(0.001))
    await using _ = project
    assert.deepEqual(
      outcome.result.epochs.map(({ epoch, phase }) => [epoch, phase]),
      [
        [1, 1],
        [2, 1],
        [3, 2],
        [4, 2],
      ],
    )
    assert.ok(computed(outcome.events).includes('train:1'))
    project.configure(phases(0.002))
    const again = await project.run()
    assert.deepEqual(computed(again.events), ['evaluate:test', 'train:2'])
    assert.deepEqual(
      again.result.epochs.slice(0, 2),
      outcome.result.epochs.slice(0, 2).map((e) => ({ ...e, seconds: 0 })),
    )
  })

  it('phases: a trunk that was trained and then frozen is passed anew', async () => {
    const { project, outcome } = await runWith({
      training: {
        phases: [
          { epochs: 1, freeze: { first: 100 } },
          { epochs: 2, freeze: 'all' },
        ],
      },
    })
    await using _ = project
    const stages = computed(outcome.events)
    assert.ok(
      stages.includes('features:train:2') || stages.includes('features:train'),
      String(stages),
    )
    // The model has what the first phase made of the trunk, though the second left it alone.
    assert.ok((await modelOf(project, outcome)).has('block_16_project/kernel'))
  })

  it('augmentation: fresh pictures every epoch, a sheet of them in the run, validation as it is', async () => {
    const augmentation = { rotationRange: 40, zoomRange: 0.2, horizontalFlip: true }
    const { project, outcome } = await runWith({ augmentation })
    await using _ = project
    assert.deepEqual(computed(outcome.events), ['evaluate:test', 'train'])
    assert.ok(existsSync(join(project.path, outcome.result.run.dir, 'augmentation.png')))
  })

  it('a bank of variants: kept once, drawn among each epoch', async () => {
    const augmentation = { rotationRange: 40, horizontalFlip: true, bank: 3 }
    const { project, outcome } = await runWith({ augmentation })
    await using _ = project
    assert.deepEqual(computed(outcome.events), ['evaluate:test', 'features:train', 'train'])
    assert.ok(existsSync(join(project.path, outcome.result.run.dir, 'augmentation.png')))
    project.configure({ augmentation, optimizer: { learningRate: 0.001 } })
    assert.deepEqual(computed((await project.run()).events), ['evaluate:test', 'train'])
  })

  it('early stopping: ends by a figure that does not get better, with the best epoch', async () => {
    const { project, outcome } = await runWith({
      optimizer: { name: 'SGD', learningRate: 0 },
      training: {
        epochs: 20,
        earlyStopping: { monitor: 'validation.loss', patience: 2, restoreBest: true },
      },
    })
    await using _ = project
    assert.equal(outcome.result.epochs.length, 3)
    // More epochs than that change nothing: it would stop at the same place.
    project.configure({
      optimizer: { name: 'SGD', learningRate: 0 },
      training: {
        epochs: 30,
        earlyStopping: { monitor: 'validation.loss', patience: 2, restoreBest: true },
      },
    })
    const more = await project.run()
    assert.equal(more.result.epochs.length, 3)
    assert.deepEqual(more.result.metrics, outcome.result.metrics)
  })

  it('keepBest: evaluates the best epoch of all phases', async () => {
    const { project, outcome } = await runWith({
      evaluation: { on: ['validation'] },
      training: {
        checkpoint: { keepBest: 'validation.loss' },
        phases: [
          { epochs: 3, freeze: 'all' },
          // Such a rate makes everything worse.
          { epochs: 2, freeze: { first: 100 }, optimizer: { name: 'SGD', learningRate: 3 } },
        ],
      },
    })
    await using _ = project
    const losses = outcome.result.epochs.map(({ validation }) => validation!['loss']!)
    const least = Math.min(...losses)
    assert.ok(losses.indexOf(least) < 3, String(losses))
    const { loss } = outcome.result.metrics['validation']!
    assert.ok(Math.abs(loss! - least) < 1e-3 * least, `${loss} of ${losses}`)
  })

  for (const batchSize of [1, 5, 500]) {
    it(`batches of ${batchSize}: one, a short last one, larger than the data set`, async () => {
      const { project, outcome } = await runWith({
        freeze: { first: 140 },
        features: 'auto',
        optimizer: { name: 'SGD', learningRate: 1e-4 },
        training: { epochs: 1, batchSize },
      })
      await using _ = project
      const [epoch] = outcome.result.epochs
      assert.ok(
        Number.isFinite(epoch!.train['loss']) && Number.isFinite(epoch!.validation!['loss']),
      )
    })
  }
})
