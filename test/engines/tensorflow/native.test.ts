import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { probeEngine } from '../../../src/engines/probe.ts'
import { encodeConfig } from '../../../src/engines/tensorflow/config.ts'
import { loadTensorflow } from '../../../src/engines/tensorflow/library.ts'
import {
  FRAMEWORK_LIBRARY,
  locateAllTensorflow,
  WHEEL_LIBRARY,
} from '../../../src/engines/tensorflow/locate.ts'
import { openTensorflow } from '../../../src/engines/tensorflow/open.ts'
import { openSession } from '../../../src/engines/tensorflow/session.ts'
import { statusError } from '../../../src/engines/tensorflow/status.ts'
import { buildBaseModel } from '../../../src/models/base-model.ts'
import { initialize } from '../../../src/models/weights/initializers.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { trunkProgram } from '../../../src/training/trunk.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { ROOT } from '../../support/paths.ts'
import { whereTensorflow } from '../../support/tensorflow.ts'

const codeOf = (error: unknown) => error instanceof PipelineError && error.diagnostics[0]!.code

test("TensorFlow's errors name the layer, and running out of memory is told apart", () => {
  const layers = new Map([['block_1/conv2d_7', 'block_1']])
  const failed = statusError(3, 'bad shape\n\t [[{{node block_1/conv2d_7}}]].', layers)
  assert.equal(failed.message, 'ENGINE_FAILED TensorFlow failed in layer block_1: bad shape')
  const full = statusError(8, 'OOM when allocating tensor [[{{node x}}]]', layers)
  assert.equal(
    full.message,
    'OUT_OF_MEMORY TensorFlow has no memory left: OOM when allocating tensor',
  )
  assert.match(full.diagnostics[0]!.hint!, /batchSize/)
})

test("a library that is none is told with the loader's words, and harms no one", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-native-'))
  try {
    for (const file of [FRAMEWORK_LIBRARY, WHEEL_LIBRARY]) writeFileSync(join(folder, file), 'no')
    const [location] = locateAllTensorflow({ env: { GRAFT_LIBTENSORFLOW: folder } })
    const { devices, problem } = await probeEngine({ engine: 'tensorflow', location: location! })
    assert.deepEqual(devices, [])
    assert.match(problem!, /^cannot load .*: /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const found = whereTensorflow('libtensorflow itself')
if (found) {
  test('the probe multiplies', async () => {
    const { version, devices, problem } = await probeEngine({
      engine: 'tensorflow',
      location: found,
    })
    assert.deepEqual(
      { devices: devices.includes('cpu'), problem },
      { devices: true, problem: undefined },
    )
    assert.match(version!, /^2\.\d+\.\d+/)
  })

  test('one process has one number of threads', async () => {
    const first = await openTensorflow({ device: 'cpu' })
    const again = await openTensorflow({ device: 'cpu', threads: first.info.threads })
    assert.deepEqual(again.info, first.info)
    await assert.rejects(
      openTensorflow({ device: 'cpu', threads: first.info.threads + 1 }),
      (error) => codeOf(error) === 'ENGINE_FAILED',
    )
    await first.close()
    await again.close()
  })

  test('a GPU that is not there is an error, with the cure', async () => {
    await assert.rejects(openTensorflow({ device: 'gpu:99' }), (error) => {
      assert.equal(codeOf(error), 'ENGINE_MISSING')
      assert.match((error as PipelineError).diagnostics[0]!.hint!, /device: cpu/)
      return true
    })
  })

  test('constants that became variables compute the same, and are not read as variables', async () => {
    const b = new Builder()
    const x = b.input('x', [2, 3])
    const kernel = b.constant(
      Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      [3, 4],
    )
    const w = b.variable('w', [4], Float32Array.of(1, 2, 3, 4))
    b.entry('e', { fetches: { y: b.add(b.matMul(x, kernel), w) }, updates: [] })
    const engine = await openTensorflow({ device: 'cpu' })
    const library = loadTensorflow(found)
    const config = encodeConfig({ threads: engine.info.threads, gpu: undefined })
    const feeds = { x: Float32Array.of(1, 2, 3, 4, 5, 6) }
    const whole = await openSession(library, b.program(), { config })
    const spilled = await openSession(library, b.program(), { config, constantBytes: 0 })
    // TensorFlow multiplies by a constant with another kernel: the last bit may differ.
    const compare = async () => {
      const y = async (session: typeof whole) => (await session.run('e', feeds)).y!
      const expected = await y(whole)
      for (const [i, v] of (await y(spilled)).entries()) {
        assert.ok(Math.abs(v - expected[i]!) < 1e-5)
      }
    }
    await compare()
    assert.deepEqual([...(await spilled.read()).keys()], ['w'])
    await spilled.write(new Map([['w', new Float32Array(4)]]))
    await whole.write(new Map([['w', new Float32Array(4)]]))
    await compare()
    await spilled.close()
    await whole.close()
    await engine.close()
  })

  test("TensorFlow's optimizer of graphs takes every trunk, and steps of fine-tuning", async () => {
    // One that fails leaves the graph as it is and says so; nobody would notice but by the time a run takes.
    const child = spawn(process.execPath, [join(ROOT, 'dist/test/support/native-graphs.js')])
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
    assert.deepEqual(await once(child, 'close'), [0, null], said)
    assert.doesNotMatch(said, /remapper failed|INVALID_ARGUMENT/)
    assert.match(said, /\d models/)
  })

  test('branches that run side by side come to the same bytes, however busy the machine is', async () => {
    const b = new Builder()
    const wave = (shape: readonly number[], of: number) => {
      const size = shape.reduce((product, n) => product * n, 1)
      return Float32Array.from({ length: size }, (_, i) => Math.sin(of * (i + 1)) / 10)
    }
    const shape = [4, 24, 24, 16]
    const x = b.input('x', shape)
    const kernels = [1, 3, 5, 7, 3, 1].map((k, i) =>
      b.variable(`kernel${i}`, [k, k, 16, 16], wave([k, k, 16, 16], i + 1)),
    )
    const same = { strides: [1, 1], dilations: [1, 1], padding: 'same' } as const
    // Two layers of branches: each reads the sum of all that went before, so gradients of all of them meet.
    let sum = x
    for (const half of [kernels.slice(0, 3), kernels.slice(3)]) {
      const branches = half.map((kernel) => b.conv2d(sum, kernel, same))
      sum = branches.reduce((total, branch) => b.add(total, branch), sum)
    }
    const loss = b.reduceMean(b.square(sum), [0, 1, 2, 3])
    const found = gradients(b, loss, kernels)
    const rate = b.scalar(0.1)
    const updates = kernels.map((kernel, i) => ({
      kind: 'assign' as const,
      variable: `kernel${i}`,
      value: b.subtract(kernel, b.multiply(found[i]!, rate)),
    }))
    b.entry('step', { fetches: { loss }, updates })
    const program = b.program()
    const engine = await openTensorflow({ device: 'cpu' })
    const trained = async () => {
      const session = await engine.compile(program)
      for (let step = 0; step < 20; step += 1) await session.run('step', { x: wave(shape, 7) })
      const variables = await session.read()
      await session.close()
      return variables
    }
    const alone = await trained()
    assert.notDeepEqual(alone.get('kernel0'), wave([1, 1, 16, 16], 1))
    for (const busy of await Promise.all([trained(), trained(), trained()])) {
      assert.deepEqual(busy, alone)
    }
    await engine.close()
  })

  test('runs of one session wait for each other', async () => {
    // Side by side they end by SIGSEGV within seconds: many of its convolutions have a fused sum.
    const model = { name: 'NASNetMobile', inputShape: [32, 32, 3] } as const
    const weights = initialize(buildBaseModel(model), 1)
    const shape = [1, ...model.inputShape]
    const { program } = trunkProgram({ model, preprocessing: { mode: 'tf' } }, weights, { shape })
    const engine = await openTensorflow({ device: 'cpu' })
    const session = await engine.compile(program)
    const feeds = { pixels: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => i) }
    const alone = await session.run('features', feeds)
    for (let round = 0; round < 60; round += 1) {
      const runs = Array.from({ length: 4 }, () => session.run('features', feeds))
      for (const result of await Promise.all(runs)) assert.deepEqual(result, alone)
    }
    await session.close()
    await engine.close()
  })

  test('the event loop is free while a run is under way', async () => {
    const b = new Builder()
    let y = b.input('x', [700, 700])
    for (let i = 0; i < 60; i += 1) y = b.matMul(y, y)
    b.entry('e', { fetches: { y }, updates: [] })
    const engine = await openTensorflow({ device: 'cpu' })
    const session = await engine.compile(b.program())
    const feeds = { x: new Float32Array(490_000) }
    await session.run('e', feeds)
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    await session.run('e', feeds)
    clearInterval(timer)
    await engine.close()
    assert.ok(turns >= 5, `${turns} turns`)
  })

  test('the plain names of libtensorflow serve too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-native-'))
    try {
      const plain = WHEEL_LIBRARY.replace('_cc', '')
      symlinkSync(join(found.folder, FRAMEWORK_LIBRARY), join(folder, FRAMEWORK_LIBRARY))
      symlinkSync(join(found.folder, found.files[1]!), join(folder, plain))
      const [location] = locateAllTensorflow({ env: { GRAFT_LIBTENSORFLOW: folder } })
      assert.deepEqual(location!.files, [FRAMEWORK_LIBRARY, plain])
      const { devices } = await probeEngine({ engine: 'tensorflow', location: location! })
      assert.ok(devices.includes('cpu'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  const ENDINGS = {
    'loaded and never used': ['loaded', 0],
    closed: ['close', 0],
    'never closed': ['open', 0],
    'process.exit in the middle of a run': ['exit', 0],
    'an exception in the middle of a run': ['throw', 1],
  } as const
  for (const [name, [mode, code]] of Object.entries(ENDINGS)) {
    test(`the process ends cleanly and TensorFlow says nothing: ${name}`, async () => {
      const child = spawn(
        process.execPath,
        [join(ROOT, 'dist/test/support/native-child.js'), mode],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
      const ended = await once(child, 'close')
      assert.deepEqual(ended, [code, null], said)
      if (code === 0) assert.equal(said, '')
      else assert.doesNotMatch(said, /oneDNN|absl|WARNING|cpu_feature/)
    })
  }
}
