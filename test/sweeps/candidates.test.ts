import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { readSweep, type SweepBlock } from '../../src/pipeline/sweep-block.ts'
import { changesOf, gridCandidates, gridSize, trialValues } from '../../src/sweeps/candidates.ts'
import { toData } from '../../src/pipeline/tree.ts'

describe('trials of a grid', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-sweep-'))
  after(() => rmSync(folder, { recursive: true }))

  const blockOf = async (sweep: unknown, rest: object = {}): Promise<SweepBlock> => {
    const file = join(folder, 'a.yaml')
    writeFileSync(file, stringify({ ...rest, sweep }))
    return (await readSweep(file, { env: {}, cwd: folder }))!
  }
  const trialsOf = (block: SweepBlock) => trialValues(block, gridCandidates(block))

  it('are all combinations, the last parameter changing fastest', async () => {
    const block = await blockOf({
      parameters: { seed: { values: [1, 2] }, 'training.batchSize': { values: [8, 16, 32] } },
    })
    assert.equal(gridSize(block), 6)
    assert.deepEqual(
      trialsOf(block).map((values) => Object.values(values)),
      [
        [1, 8],
        [1, 16],
        [1, 32],
        [2, 8],
        [2, 16],
        [2, 32],
      ],
    )
  })

  it('take values of a zip together', async () => {
    const block = await blockOf({
      parameters: {
        'baseModel.name': { values: ['A', 'B'] },
        seed: { values: [1, 2] },
        'dataset.imageSize': { values: [[32, 32], 64] },
      },
      zip: [['baseModel.name', 'dataset.imageSize']],
    })
    assert.deepEqual(
      trialsOf(block).map((v) => [v['baseModel.name'], v['dataset.imageSize'], v['seed']]),
      [
        ['A', [32, 32], 1],
        ['A', [32, 32], 2],
        ['B', 64, 1],
        ['B', 64, 2],
      ],
    )
  })

  it('leave out what is excluded, by the values of the file too, and drop what a rule says', async () => {
    const block = await blockOf(
      {
        parameters: {
          freeze: { values: ['all', { first: 2 }] },
          'augmentation.rotationRange': { values: [0, 40] },
        },
        exclude: [{ freeze: { first: 2 }, 'augmentation.rotationRange': 40, seed: 3 }],
        when: [{ if: { freeze: 'all' }, drop: ['augmentation'] }],
      },
      { seed: 3, augmentation: { horizontalFlip: true } },
    )
    const trials = trialsOf(block)
    assert.deepEqual(trials, [
      { freeze: 'all' },
      { freeze: { first: 2 }, 'augmentation.rotationRange': 0 },
    ])
    const [first, second] = trials.map((values) => changesOf(block, values))
    assert.deepEqual(first!.drop, [['augmentation']])
    assert.deepEqual(second!.drop, [])
    const [freeze] = first!.set
    assert.deepEqual([toData(freeze!.value), freeze!.value.at!.line], ['all', 8])
  })

  it('come in the order of points, are repeated, and are at most maxTrials', async () => {
    const parameters = { 'training.batchSize': { values: [8, 16, 32] } }
    const points = [{ 'training.batchSize': 32 }]
    const repeat = { seed: [1, 2] }
    const block = await blockOf({ parameters, points, repeat, maxTrials: 5 })
    assert.deepEqual(
      trialsOf(block).map((v) => [v['training.batchSize'], v['seed']]),
      [
        [32, 1],
        [32, 2],
        [8, 1],
        [8, 2],
        [16, 1],
      ],
    )
  })
})
