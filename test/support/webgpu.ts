import { test } from 'node:test'
import { openAdapter } from '../../src/engines/webgpu/adapter.ts'
import { requireWebgpu } from '../../src/engines/webgpu/locate.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

/**
 * Whether WebGPU has an adapter here, hardware or software, for `what`. Where it has none this says on stderr that it did not
 * run, or fails if GRAFT_REQUIRE_WEBGPU=1: a test is never left out in silence.
 */
export async function whereWebgpu(what: string): Promise<boolean> {
  try {
    await openAdapter(requireWebgpu(), undefined)
    return true
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const message = `NOT RUN, ${error.diagnostics[0]!.message}: ${what} (scripts/software-vulkan.sh brings one)`
    process.stderr.write(`${message}\n`)
    test(message, () => {
      if (process.env.GRAFT_REQUIRE_WEBGPU === '1') throw new Error(message)
    })
    return false
  }
}
