import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Stage } from '../../src/graph/stage.ts'
import type { Pictures } from '../../src/pipeline/keep.ts'
import { loadPipeline } from '../../src/pipeline/load.ts'
import { draftPhases, resolvePhases } from '../../src/pipeline/phases.ts'
import { resolveStages, splitsOf } from '../../src/pipeline/stages.ts'

let folder = ''
before(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-stages-'))))
after(() => rmSync(folder, { recursive: true }))

const BASE = `
dataset:
  source: {path: pictures}
  splits: {train: train, validation: {from: train, fraction: 1/4}, test: test}
baseModel: {name: MobileNetV2, weights: none}
head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]
`
const ENGINE = { name: 'tensorflow', device: 'cpu', version: '2.21.0', threads: 2 } as const

async function stagesOf(text: string, pictures?: Pictures): Promise<Map<string, Stage>> {
  const file = join(folder, 'a.yaml')
  writeFileSync(file, BASE + text)
  const { pipeline } = await loadPipeline(file, { env: {}, cwd: folder })
  const drafts = draftPhases(pipeline, ENGINE)
  const phases = resolvePhases(pipeline, splitsOf(pipeline), drafts, pictures)
  const stages = resolveStages(pipeline, phases, {
    engine: ENGINE,
    seed: 1,
    pixelNumerics: {},
    lockFile: join(folder, 'pipeline.lock'),
    offline: true,
    pin: false,
  })
  return new Map(stages.map((stage) => [stage.id, stage]))
}

const needsOf = (stages: ReadonlyMap<string, Stage>, id: string) =>
  Object.fromEntries(
    Object.entries(stages.get(id)!.needs).filter(([, need]) => !need.startsWith('index')),
  )

describe('stages of a pipeline', () => {
  it('a frozen trunk: features of every split, and a head that knows no weights of the trunk', async () => {
    const stages = await stagesOf('')
    assert.deepEqual(needsOf(stages, 'features:train'), {
      pixels: 'pixels:train',
      weights: 'weights',
    })
    assert.deepEqual(needsOf(stages, 'train'), {
      train: 'features:train',
      validation: 'features:validation',
    })
    assert.deepEqual(needsOf(stages, 'evaluate:test'), {
      examples: 'features:test',
      model: 'train',
    })
    assert.equal(stages.get('train')!.params['preprocessing'], undefined)
  })

  it('a partly frozen one: the trunk belongs to the training too', async () => {
    const stages = await stagesOf('freeze: {first: 100}\n')
    assert.deepEqual(needsOf(stages, 'train'), {
      train: 'features:train',
      validation: 'features:validation',
      weights: 'weights',
    })
    assert.deepEqual(stages.get('train')!.params['ends'], ['block_10_project_BN'])
  })

  it('one epoch keeps nothing of it: once is once', async () => {
    const stages = await stagesOf('freeze: {first: 100}\ntraining: {epochs: 1}\n')
    assert.deepEqual(needsOf(stages, 'train'), {
      train: 'pixels:train',
      validation: 'pixels:validation',
      weights: 'weights',
    })
    assert.ok(stages.get('train')!.params['preprocessing'])
    assert.deepEqual(needsOf(stages, 'evaluate:test'), {
      examples: 'pixels:test',
      model: 'train',
      weights: 'weights',
    })
    assert.ok([...stages.keys()].every((id) => !id.startsWith('features')))
  })

  it('nothing frozen: pixels', async () => {
    const stages = await stagesOf('freeze: none\n')
    assert.equal(needsOf(stages, 'train')['train'], 'pixels:train')
  })

  it('augmentation: training pictures as pixels, the others are still kept', async () => {
    const stages = await stagesOf('augmentation: {horizontalFlip: true}\n')
    assert.deepEqual(needsOf(stages, 'train'), {
      train: 'pixels:train',
      validation: 'features:validation',
      weights: 'weights',
    })
    assert.equal(stages.has('features:train'), false)
    const { augmentation } = stages.get('train')!.params as { augmentation: object }
    assert.equal('bank' in augmentation, false)
  })

  it('a bank: its variants belong to the features, and their seed', async () => {
    const stages = await stagesOf('augmentation: {horizontalFlip: true, bank: 4}\n')
    assert.equal(needsOf(stages, 'train')['train'], 'features:train')
    assert.equal(stages.get('train')!.params['bank'], 4)
    assert.equal(stages.get('train')!.params['augmentation'], undefined)
    assert.equal(stages.get('features:train')!.seed, 1)
    assert.equal(stages.get('features:validation')!.seed, undefined)
    assert.equal(stages.get('features:validation')!.params['bank'], undefined)
  })

  it('phases: a stage each, which begins with the one before and counts epochs on', async () => {
    const stages = await stagesOf(`training:
  phases:
    - {epochs: 3, freeze: all}
    - {epochs: 5, freeze: {first: 100}, optimizer: {name: Adam, learningRate: 0.0001}}
`)
    const [head, more] = [stages.get('train:1')!.params, stages.get('train:2')!.params]
    assert.deepEqual(
      [head['phase'], head['firstEpoch'], head['epochs'], head['freeze']],
      [1, 1, 3, 'all'],
    )
    assert.deepEqual(
      [more['phase'], more['firstEpoch'], more['epochs'], more['freeze']],
      [2, 4, 8, { first: 100 }],
    )
    assert.equal((more['optimizer'] as { learningRate: number }).learningRate, 0.0001)
    assert.equal(needsOf(stages, 'train:2')['previous'], 'train:1')
    assert.equal(needsOf(stages, 'train:1')['train'], 'features:train')
    assert.equal(needsOf(stages, 'train:2')['train'], 'features:train:2')
    // The head alone was trained before: what is frozen is still as it was.
    assert.equal(needsOf(stages, 'features:train:2')['model'], undefined)
    assert.deepEqual(needsOf(stages, 'evaluate:test'), {
      examples: 'features:test:2',
      model: 'train:2',
      weights: 'weights',
    })
    // What only an earlier phase would have read of the test pictures is not made.
    assert.equal(stages.has('features:test'), false)
  })

  it('phases with the same frozen part share its features', async () => {
    const stages = await stagesOf(`training:
  phases:
    - {epochs: 3}
    - {epochs: 3, optimizer: {name: SGD}}
`)
    assert.equal(needsOf(stages, 'train:2')['train'], 'features:train')
    assert.equal(stages.has('features:train:2'), false)
  })

  it('a phase that freezes what an earlier one trained passes it anew', async () => {
    const stages = await stagesOf(`training:
  phases:
    - {epochs: 1, freeze: none}
    - {epochs: 3, freeze: all}
`)
    assert.deepEqual(needsOf(stages, 'features:train'), {
      pixels: 'pixels:train',
      weights: 'weights',
      model: 'train:1',
    })
  })

  it('precision, a schedule and the checkpoint times stand where they belong', async () => {
    const stages = await stagesOf(
      'training: {checkpoint: {every: 100 batches}}\noptimizer: {name: SGD, learningRate: {name: CosineDecay, decaySteps: 10}}\n',
    )
    const train = stages.get('train')!
    assert.deepEqual(train.hints!['checkpointEvery'], ['100 batches'])
    assert.equal(train.params['checkpoint'], undefined)
  })
})
