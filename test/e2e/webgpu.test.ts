import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { whereWebgpu } from '../support/webgpu.ts'
import { createProject } from './rig.ts'

describe('engine: webgpu', () => {
  it('without an adapter is an error at its key, with the cure', async () => {
    await using project = await createProject({ engine: 'webgpu' })
    // Of the loader of Vulkan: no driver but this one.
    const env = { VK_DRIVER_FILES: '/nowhere', VK_ICD_FILENAMES: '/nowhere' }
    const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml'], { env })
    assert.equal(code, 3)
    assert.match(stderr, /^pipeline.yaml:3:1 ENGINE_MISSING no adapter for WebGPU/)
    assert.match(stderr, /hint: .*`engine: wasm` needs none/)
  })
})

if (await whereWebgpu('a run on webgpu')) {
  describe('a run on webgpu', () => {
    it('comes to what wasm comes to, is recorded with its adapter, and is found again', async () => {
      await using project = await createProject()
      const wasm = await project.run()
      const webgpu = await project.run('--engine', 'webgpu')
      assert.equal(webgpu.result.engine?.name, 'webgpu')
      assert.match(webgpu.result.engine?.adapter ?? '', /Dawn/)
      assert.equal(wasm.result.engine?.adapter, undefined)
      const losses = [wasm, webgpu].map(({ result }) => result.epochs.map((e) => e.train['loss']!))
      for (const [i, want] of losses[0]!.entries()) {
        const got = losses[1]![i]!
        assert.ok(Math.abs(got - want) < 1e-3 * want, `epoch ${i + 1}: ${got} for ${want}`)
      }
      const again = await project.run('--engine', 'webgpu')
      assert.deepEqual(again.result, webgpu.result)
    })
  })
}
