import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { openStore } from '../../src/graph/store.ts'
import { readSafetensors } from '../../src/util/safetensors.ts'
import { CLASSES, computed, createProject, type Project, type RunOutcome } from './rig.ts'

describe('a run as the base model of another', () => {
  let base: Project
  let first: RunOutcome
  before(async () => {
    base = await createProject({ freeze: { first: 100 }, preprocessing: { mode: 'tf' } })
    first = await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  it('goes on with what it trained: trunk, picture size, preprocessing', async () => {
    await using project = await base.copy()
    project.configureModel({ run: 'little@latest' }, { name: 'second', freeze: { first: 100 } })
    const second = await project.run()
    const dir = join(project.path, second.result.run.dir)
    const resolved = parse(readFileSync(join(dir, 'resolved.yaml'), 'utf8')) as {
      baseModel: unknown
      dataset: { imageSize: unknown }
      preprocessing: unknown
    }
    assert.deepEqual(resolved.baseModel, { run: first.result.run.id, includeTop: false })
    assert.deepEqual(resolved.dataset.imageSize, [32, 32])
    assert.deepEqual(resolved.preprocessing, { mode: 'tf' })
    const [trained, before] = await Promise.all(
      [first, second].map(({ result }) =>
        readSafetensors(join(project.path, result.run.dir, 'model/model.safetensors')),
      ),
    )
    // The frozen part of the second is the first one's, which only the store has.
    const [weights] = second.result.stages.filter(({ id }) => id === 'weights')
    const store = await openStore(project.store, { readOnly: true })
    const found = await readSafetensors(join(store.pathOf(weights!.digest), 'weights.safetensors'))
    store.close()
    assert.deepEqual(found.get('Conv_1/kernel')!.data, trained!.get('Conv_1/kernel')!.data)
    assert.notDeepEqual(before!.get('Conv_1/kernel')!.data, trained!.get('Conv_1/kernel')!.data)
    // Again: nothing to do; and the second run is a base model like the first.
    const again = await project.run()
    assert.deepEqual(computed(again.events), [])
    project.configureModel({ run: 'second@latest' }, { name: 'third', freeze: { first: 100 } })
    const third = await project.run()
    assert.ok(third.result.metrics['test']!['accuracy']! >= 0)
  })

  it('with its head, which then must fit', async () => {
    await using project = await base.copy()
    const whole = { run: 'little@latest', includeTop: true }
    project.configureModel(whole, { head: [CLASSES] })
    const { result } = await project.run()
    assert.equal(result.parameters.trainable, 3 * 3 + 3)
    project.configureModel(whole, { head: ['Flatten', CLASSES], freeze: { upTo: 'nowhere' } })
    const wrong = await project.pipeline(['validate', 'pipeline.yaml'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /freeze: .* has no layer "nowhere"/)
  })

  it('what is not there is told at its place', async () => {
    await using project = await base.copy()
    project.configureModel({ run: 'nothing@latest' })
    const none = await project.pipeline(['validate', 'pipeline.yaml'])
    assert.equal(none.code, 2)
    assert.match(none.stderr, /pipeline.yaml:\d+:\d+ UNKNOWN_RUN no run nothing@latest/)
    project.configureModel({ run: 'little@latest' }, { name: 'second' })
    rmSync(join(project.store, 'artifacts'), { recursive: true })
    const gone = await project.pipeline(['run', 'pipeline.yaml'])
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /pipeline.yaml:\d+:\d+ STORE_DAMAGED .*not in the store any more/)
    assert.match(gone.stderr, /bring them back: pipeline run /)
    rmSync(join(project.path, first.result.run.dir, 'model/model.safetensors'))
    const damaged = await project.pipeline(['validate', 'pipeline.yaml'])
    assert.match(damaged.stderr, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS cannot read .*safetensors/)
    assert.match(damaged.stderr, /make it anew: pipeline run /)
  })
})
