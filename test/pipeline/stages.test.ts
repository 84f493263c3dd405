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
import { PipelineError } from '../../src/util/diagnostic.ts'

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
      examples: 'features:test',
      model: 'train:2',
      weights: 'weights',
    })
    // What only an earlier phase would have read of the test pictures is not made.
    assert.deepEqual(stages.get('features:test')!.params['ends'], ['block_10_project_BN'])
    assert.equal(stages.has('features:test:2'), false)
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

/** MobileNetV2's pooled features are 1,280 numbers, those of its first 100 layers 14 * 14 * 96. */
const PHASES = `training:
  phases:
    - {epochs: 3, freeze: all}
    - {epochs: 5, freeze: {first: 100}}
`
const PICTURES = { train: 750, validation: 250, test: 100 }
const POOLED = 1000 * 1280 * 4
const FRONTIER = 1100 * 14 * 14 * 96 * 4

describe('the budget of kept features', () => {
  const budget = (bytes: number) => `features: {maxBytes: ${bytes}}\n${PHASES}`
  const featureIds = (stages: ReadonlyMap<string, Stage>) =>
    [...stages.keys()].filter((id) => id.startsWith('features'))

  it('is for all splits and phases together, to the byte', async () => {
    const all = await stagesOf(budget(POOLED + FRONTIER), PICTURES)
    assert.equal(featureIds(all).length, 5)
    const fewer = await stagesOf(budget(POOLED + FRONTIER - 1), PICTURES)
    assert.deepEqual(featureIds(fewer), ['features:train', 'features:validation'])
    assert.deepEqual(needsOf(fewer, 'train:2'), {
      train: 'pixels:train',
      validation: 'pixels:validation',
      weights: 'weights',
      previous: 'train:1',
    })
    assert.equal(needsOf(fewer, 'evaluate:test')['examples'], 'pixels:test')
    const none = await stagesOf(budget(POOLED - 1), PICTURES)
    assert.deepEqual(featureIds(none), [])
  })

  it('is not spent by a phase that does not fit: a later one may', async () => {
    const phases = `training:
  phases:
    - {epochs: 5, freeze: {first: 100}}
    - {epochs: 3, freeze: {except: ["block_16_*", "Conv_1*"]}}
`
    // Of the second phase, 7 * 7 * 160 numbers of a picture.
    const bytes = 1100 * 7 * 7 * 160 * 4
    const stages = await stagesOf(`features: {maxBytes: ${bytes}}\n${phases}`, PICTURES)
    assert.equal(needsOf(stages, 'train:1')['train'], 'pixels:train')
    assert.equal(needsOf(stages, 'train:2')['train'], 'features:train')
    const params = stages.get('features:train')!.params
    assert.deepEqual(params['ends'], ['block_15_add'])
  })

  it('float16 takes half, a bank takes its variants', async () => {
    const one = (more: string, bytes: number) =>
      stagesOf(
        `features: {maxBytes: ${bytes}${more}}\naugmentation: {horizontalFlip: true, bank: 4}\n`,
        PICTURES,
      )
    const rows = 4 * 750 + 250 + 100
    for (const [more, size] of [
      ['', 4],
      [', dtype: float16', 2],
    ] as const) {
      const bytes = rows * 1280 * size
      assert.equal(featureIds(await one(more, bytes)).length, 3)
      assert.equal(featureIds(await one(more, bytes - 1)).length, 0)
    }
  })

  it('counts features that phases share once', async () => {
    const shared = `training: {phases: [{epochs: 3}, {epochs: 3, optimizer: {name: SGD}}]}\n`
    const bytes = 1100 * 1280 * 4
    const stages = await stagesOf(`features: {maxBytes: ${bytes}}\n${shared}`, PICTURES)
    assert.equal(needsOf(stages, 'train:1')['train'], 'features:train')
    assert.equal(needsOf(stages, 'train:2')['train'], 'features:train')
  })

  it('always: is an error where they do not fit', async () => {
    const always = `features: {when: always, maxBytes: ${POOLED + FRONTIER - 1}}\n${PHASES}`
    await assert.rejects(stagesOf(always, PICTURES), (error: unknown) => {
      assert.ok(error instanceof PipelineError)
      assert.equal(error.diagnostics[0]!.code, 'CONFLICT')
      assert.match(error.diagnostics[0]!.message, /^features.maxBytes: .* 87\.9 MB/)
      return true
    })
    assert.equal(featureIds(await stagesOf(always)).length, 5, 'not decided without pictures')
  })
})
