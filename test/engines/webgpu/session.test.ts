import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openAdapter } from '../../../src/engines/webgpu/adapter.ts'
import { GpuDevice } from '../../../src/engines/webgpu/device.ts'
import { openWebgpu } from '../../../src/engines/webgpu/engine.ts'
import { Kernels } from '../../../src/engines/webgpu/kernels.ts'
import { requireWebgpu } from '../../../src/engines/webgpu/locate.ts'
import { openSession } from '../../../src/engines/webgpu/session.ts'
import { loadTfjs } from '../../../src/engines/webgpu/tfjs.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { Builder } from '../../../src/program/builder.ts'
import { sizeOf, type Program } from '../../../src/program/program.ts'
import { updatesFor } from '../../../src/training/optimizers.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { stream } from '../../../src/util/rng.ts'
import { assertClose } from '../../support/compare.ts'
import { ROOT } from '../../support/paths.ts'
import { normals } from '../../support/values.ts'
import { whereWebgpu } from '../../support/webgpu.ts'

const code = (error: unknown) => error instanceof PipelineError && error.diagnostics[0]!.code

if (await whereWebgpu('sessions on webgpu')) {
  describe('sessions on webgpu', () => {
    test('hold the same after every run, and nothing once they are closed', async () => {
      const { kernels, device } = await openKernels()
      const before = kernels.held
      const session = await openSession(network(), kernels, device)
      const feeds = {
        x: normals(stream('webgpu', 'x'), 4 * 6 * 6 * 3),
        learningRate: Float32Array.of(0.01),
        step: Float32Array.of(1),
      }
      await session.run('train', feeds)
      const [held, bytes] = [kernels.held, kernels.bytes]
      for (let i = 0; i < 5; i += 1) {
        await session.run('train', feeds)
        await session.run('infer', feeds)
        await session.read()
      }
      assert.equal(kernels.held, held)
      assert.ok(kernels.bytes <= bytes * 1.5, `${kernels.bytes} bytes after ${bytes}`)
      await session.close()
      // Numbers that kernels share stay.
      assert.ok(kernels.held - before <= 4, `${kernels.held - before} held`)
      kernels.close()
      device.close()
    })

    test('long products and sums are right, and the same bytes at every run', async () => {
      const b = new Builder()
      const [x, y] = [b.input('x', [16, 8192]), b.input('y', [8192, 64])]
      const [image, kernel] = [b.input('image', [1, 6, 6, 512]), b.input('kernel', [3, 3, 512, 64])]
      const same = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
      const fetches = {
        product: b.matMul(x, y),
        transposed: b.matMul(y, b.input('z', [8192, 16]), true),
        convolution: b.conv2d(image, kernel, same),
        sum: b.reduceSum(y, [0]),
      }
      b.entry('e', { fetches, updates: [] })
      const program = b.program()
      const feeds = Object.fromEntries(
        Object.entries(program.entries['e']!.feeds).map(([name, { shape }]) => [
          name,
          normals(stream('long', name), sizeOf(shape)),
        ]),
      )
      const engine = await openWebgpu()
      const session = await engine.compile(program)
      const first = await session.run('e', feeds)
      const want = evaluate(program, 'e', feeds).fetches
      for (const [name, value] of Object.entries(want)) assertClose(first[name], value, 1e-5, name)
      for (let i = 0; i < 5; i += 1) assert.deepEqual(await session.run('e', feeds), first)
      await engine.close()
    })

    test('a tensor that no buffer can hold is refused with its layer, before anything runs', async () => {
      const engine = await openWebgpu()
      const b = new Builder()
      const x = b.input('x', [1, 1 << 10])
      const wide = b.inLayer('dense', () => b.broadcastTo(x, [1 << 20, 1 << 10]))
      b.entry('e', { fetches: { y: b.reduceSum(wide, [0, 1]) }, updates: [] })
      await assert.rejects(engine.compile(b.program()), (error) => {
        assert.equal(code(error), 'OUT_OF_MEMORY')
        assert.match((error as Error).message, /\[1048576,1024\] in layer dense takes 4294967296/)
        return true
      })
      await engine.close()
    })

    test('what the GPU complains of is an error of that run, and the next one works', async () => {
      const { device } = await openKernels()
      const bad = device.inTurn(async () => {
        const { createBuffer } = device.device as unknown as {
          createBuffer(descriptor: object): void
        }
        createBuffer.call(device.device, { size: 2 ** 50, usage: 8 })
      })
      await assert.rejects(bad, (error) => code(error) === 'ENGINE_FAILED')
      assert.equal(await device.inTurn(() => Promise.resolve(1)), 1)
      device.close()
    })

    test('a closed engine says so', async () => {
      const engine = await openWebgpu()
      const session = await engine.compile(network())
      await engine.close()
      await assert.rejects(session.read(), /ENGINE_FAILED the webgpu engine was closed/)
    })

    test('mixed precision and an adapter that is not there are refused', async () => {
      for (const options of [{ precision: 'mixed' }, { device: 'gpu:99' }] as const) {
        await assert.rejects(openWebgpu(options), (error) => code(error) === 'ENGINE_MISSING')
      }
    })
  })

  const ENDINGS = {
    closed: ['close', 0],
    'never closed': ['open', 0],
    'after garbage was collected': ['garbage', 0],
    'process.exit in the middle of a run': ['exit', 0],
    'an exception in the middle of a run': ['throw', 1],
  } as const
  for (const [name, [mode, wanted]] of Object.entries(ENDINGS)) {
    test(`the process ends cleanly and Dawn says nothing, on webgpu: ${name}`, async () => {
      const child = spawn(process.execPath, [
        '--expose-gc',
        join(ROOT, 'dist/test/support/webgpu-child.js'),
        mode,
      ])
      let said = ''
      for (const s of [child.stdout, child.stderr]) s.on('data', (text) => (said += text))
      assert.deepEqual(await once(child, 'close'), [wanted, null], said)
      if (wanted === 0) assert.equal(said, '')
      else assert.doesNotMatch(said, /Warning|dawn/i)
    })
  }
}

async function openKernels(): Promise<{ kernels: Kernels; device: GpuDevice }> {
  const location = requireWebgpu()
  const { gpu, adapter } = await openAdapter(location, undefined)
  const device = await GpuDevice.open(adapter)
  const tfjs = loadTfjs(location)
  return {
    kernels: new Kernels(tfjs, tfjs.newBackend(device.device, adapter.info, gpu)),
    device,
  }
}

/** A convolution and a dense layer, trained by Adam. */
function network(): Program {
  const b = new Builder()
  const weight = (name: string, shape: readonly number[]) => {
    const size = shape.reduce((product, n) => product * n, 1)
    return b.variable(name, shape, normals(stream('webgpu', name), size, 0.3))
  }
  const same = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
  const k1 = weight('k1', [3, 3, 3, 4])
  const k2 = weight('k2', [4, 2])
  const hidden = b.relu(b.conv2d(b.input('x', [4, 6, 6, 3]), k1, same))
  const y = b.matMul(b.reduceMean(hidden, [1, 2]), k2)
  const loss = b.reduceMean(b.square(y), [0, 1])
  const weights = [k1, k2]
  const slopes = gradients(b, loss, weights)
  const trained = weights.map(({ shape }, i) => ({
    name: `k${i + 1}`,
    shape,
    gradient: slopes[i]!,
  }))
  const scalars = { learningRate: b.input('learningRate', []), step: b.input('step', []) }
  const { updates } = updatesFor(b, { name: 'Adam' }, trained, scalars)
  b.entry('train', { fetches: { loss }, updates })
  b.entry('infer', { fetches: { y }, updates: [] })
  return b.program()
}
