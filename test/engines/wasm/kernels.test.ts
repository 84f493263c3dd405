import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLOAT32, loadKernels, type Operand } from '../../../src/engines/wasm/kernels.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'

test('a kernel that complains or aborts is an error of the engine, not garbage', async () => {
  const kernels = await loadKernels()
  const tensor = (id: number): Operand => {
    const address = kernels.allocate(16 * 4)
    const operand: Operand = { id, shape: [1, 4, 4, 1], dtype: 'float32', address, lasting: true }
    kernels.register(operand)
    return operand
  }
  const [x, y] = [tensor(1), tensor(2)]
  const refused = (step: () => void, message: RegExp): void =>
    assert.throws(
      () => kernels.guard(step),
      (error) => {
        assert.ok(error instanceof PipelineError)
        assert.equal(error.diagnostics[0]!.code, 'ENGINE_FAILED')
        assert.match(error.diagnostics[0]!.message, message)
        return true
      },
    )
  // No window, no such tensor.
  const window = [0, 0, 0, 0, 0, 0, 1, 1]
  refused(
    () => kernels.c._AvgPool(x.id, 1, 4, 4, ...window, 1, y.id),
    /^a wasm kernel failed: XNN status .* is not successful/,
  )
  refused(() => kernels.c._Exp(99, FLOAT32, y.id), /^a wasm kernel failed: RuntimeError/)
})

test('two instances share no memory', async () => {
  const [one, other] = [await loadKernels(), await loadKernels()]
  assert.notEqual(one.f32().buffer, other.f32().buffer)
  one.f32()[1000] = 5
  assert.notEqual(other.f32()[1000], 5)
})
