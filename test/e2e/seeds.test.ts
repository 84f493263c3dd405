import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { computed, createProject, essence } from './rig.ts'
import type { Project, RunOutcome } from './rig.ts'

describe('the same seed gives the same bytes on wasm', { concurrency: 2 }, () => {
  let base: Project
  let first: RunOutcome
  const settings = { baseModel: { weights: 'none' }, training: { epochs: 2 } }
  before(async () => {
    base = await createProject(settings)
    first = await base.run('--jobs', '1')
  })
  after(() => base[Symbol.asyncDispose]())

  it('in another store, with other jobs', async () => {
    await using project = await base.copy()
    const { events, result } = await project.run('--store', 'other', '--jobs', '4', '--runs', 'new')
    assert.equal(computed(events).length, first.result.stages.length)
    assert.deepEqual(essence(project, result), essence(base, first.result))
    assert.deepEqual(
      result.stages.map(({ id, fingerprint, digest }) => ({ id, fingerprint, digest })),
      first.result.stages.map(({ id, fingerprint, digest }) => ({ id, fingerprint, digest })),
    )
  })

  it('another seed draws another trunk, another head and another order', async () => {
    await using project = await base.copy()
    const { events, result } = await project.run('--set', 'seed=2')
    assert.ok(computed(events).includes('weights'))
    const [one, other] = [essence(base, first.result), essence(project, result)]
    assert.notEqual(other.model, one.model)
    assert.notEqual(other.history, one.history)
    // The split has a seed of its own: the pictures stay.
    assert.equal(other.index, one.index)
  })

  it('a batch size says nothing of a pass over the trunk, and all of the training', async () => {
    await using project = await base.copy()
    const { events, result } = await project.run('--set', 'training.batchSize=4')
    assert.deepEqual(computed(events), ['evaluate:test', 'train'])
    assert.notEqual(essence(project, result).model, essence(base, first.result).model)
  })

  it('shuffle: false trains in the order of the index, whatever the seed of the order', async () => {
    await using project = await base.copy()
    const still = await project.run('--set', 'training.shuffle=false')
    assert.deepEqual(computed(still.events), ['evaluate:test', 'train'])
    assert.notEqual(essence(project, still.result).model, essence(base, first.result).model)
  })

  it('a random seed is drawn and written down, and never a hit', async () => {
    await using project = await base.copy()
    const one = await project.run('--set', 'seed=random')
    const other = await project.run('--set', 'seed=random')
    assert.notEqual(one.result.seed, other.result.seed)
    assert.notEqual(one.result.run.id, other.result.run.id)
    assert.ok(computed(other.events).includes('train'))
    const resolved = join(project.path, one.result.run.dir, 'resolved.yaml')
    assert.match(readFileSync(resolved, 'utf8'), new RegExp(`^seed: ${one.result.seed}$`, 'm'))
    const repeated = await project.pipeline(['run', resolved, '--json'])
    const result = JSON.parse(repeated.stdout) as RunOutcome['result']
    assert.ok(result.stages.every(({ cached }) => cached))
    assert.deepEqual(essence(project, result), essence(project, one.result))
  })
})
