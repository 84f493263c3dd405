import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasBfloat16 } from '../../src/engines/precision.ts'
import { whereTensorflow } from '../support/tensorflow.ts'
import { createProject } from './rig.ts'

describe('precision: mixed', () => {
  it('on wasm is an error at its key', async () => {
    await using project = await createProject({ engine: { name: 'wasm', precision: 'mixed' } })
    const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml'])
    assert.equal(code, 3)
    assert.match(stderr, /pipeline.yaml:3:1 ENGINE_MISSING the wasm engine computes in float32/)
  })
})

if (whereTensorflow('a run in mixed precision') && hasBfloat16()) {
  describe('precision: mixed on tensorflow', () => {
    it('is recorded, and computes what depends on numbers anew', async () => {
      await using project = await createProject({ engine: { name: 'tensorflow', device: 'cpu' } })
      const plain = await project.run()
      const mixed = await project.run('--set', 'engine.precision=mixed')
      assert.equal(plain.result.engine?.precision, undefined)
      assert.equal(mixed.result.engine?.precision, 'mixed')
      const cached = mixed.result.stages.filter((s) => s.cached).map((s) => s.kind)
      assert.deepEqual([...new Set(cached)].sort(), ['index', 'pixels', 'weights'])
      const [a, b] = [plain, mixed].map(({ result }) => result.epochs[0]!.train['loss']!)
      assert.ok(a !== b && Math.abs(a! - b!) < 0.1 * a!, `losses ${a} and ${b}`)
    })
  })
}
