import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openWasm } from '../../../src/engines/wasm/engine.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import type { Tensor } from '../../../src/program/program.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { assertClose } from '../../support/compare.ts'
import { randomNetwork } from '../../support/random-network.ts'

const engine = await openWasm()
after(() => engine.close())

test('random networks give what the reference interpreter gives', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const { program, feeds } = randomNetwork(seed)
    const session = await engine.compile(program)
    const first = await session.run('infer', feeds)
    const second = await session.run('infer', feeds)
    assert.deepEqual(second, first, `seed ${seed}: two runs differ`)
    for (const [name, wanted] of Object.entries(evaluate(program, 'infer', feeds).fetches)) {
      const got = first[name]!
      assert.equal(got.length, wanted.length)
      const top = wanted.reduce((m, v) => Math.max(m, Math.abs(v)), 1)
      wanted.forEach((v, i) => {
        const off = Math.abs(v - got[i]!)
        assert.ok(off <= 1e-5 * top, `seed ${seed}, ${name}[${i}]: ${got[i]} for ${v}`)
      })
    }
    await session.close()
  }
})

test('and their gradients are the same too', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const { program, feeds } = randomNetwork(seed)
    const session = await engine.compile(program)
    const got = await session.run('back', feeds)
    for (const [name, wanted] of Object.entries(evaluate(program, 'back', feeds).fetches)) {
      // Where a sigmoid is flat, 1 - y keeps few digits.
      assertClose(got[name], wanted, 2e-3, `seed ${seed}, ${name}`, 1e-3)
    }
    await session.close()
  }
})

test('NaN comes through clamps, pools and fused kernels', async () => {
  const b = new Builder()
  const x = b.input('x', [1, 3, 3, 4])
  const kernel = b.constant(new Float32Array(16).fill(0.5), [1, 1, 4, 4])
  const bias = b.constant(new Float32Array(4), [4])
  const conv = b.conv2d(x, kernel, { strides: [1, 1], padding: 'same', dilations: [1, 1] })
  const dense = b.matMul(b.reshape(x, [9, 4]), b.reshape(kernel, [4, 4]))
  const window = { size: [2, 2], strides: [2, 2], padding: 'same' } as const
  const fetches = {
    relu6: b.relu6(x),
    conv: b.relu6(b.biasAdd(conv, bias)),
    dense: b.relu(b.biasAdd(dense, bias)),
    maximum: b.maxPool(x, window),
    mean: b.avgPool(x, window),
  }
  b.entry('infer', { fetches, updates: [] })
  const session = await engine.compile(b.program())
  // Row 2, column 1, channel 2.
  const feed = Float32Array.from({ length: 36 }, (_, i) => (i === 7 * 4 + 2 ? NaN : i - 18))
  const got = await session.run('infer', { x: feed })
  const where = (name: string): number[] =>
    [...got[name]!].flatMap((v, i) => (Number.isNaN(v) ? [i] : []))
  assert.deepEqual(where('relu6'), [30])
  assert.deepEqual(where('conv'), [28, 29, 30, 31])
  assert.deepEqual(where('dense'), [28, 29, 30, 31])
  assert.deepEqual(where('maximum'), [10])
  assert.deepEqual(where('mean'), [10])
  await session.close()
})

test('variables are swapped by reading all before writing any', async () => {
  const b = new Builder()
  const [x, y] = [
    b.variable('x', [2, 1], Float32Array.of(1, 2)),
    b.variable('y', [2], Float32Array.of(3, 4)),
  ]
  const updates = [
    { kind: 'assign', variable: 'x', value: b.reshape(y, [2, 1]) },
    { kind: 'assign', variable: 'y', value: b.reshape(x, [2]) },
  ] as const
  b.entry('swap', { fetches: {}, updates })
  const session = await engine.compile(b.program())
  await session.run('swap', {})
  const values = await session.read()
  assert.deepEqual([...values.get('x')!, ...values.get('y')!], [3, 4, 1, 2])
  await session.close()
})

test('a matrix that changes is packed anew, whatever shape it is seen under', async () => {
  const b = new Builder()
  const w = b.variable('w', [6], Float32Array.of(1, 2, 3, 4, 5, 6))
  const times = (rows: number, columns: number): Tensor =>
    b.matMul(b.constant(new Float32Array(rows).fill(1), [1, rows]), b.reshape(w, [rows, columns]))
  b.entry('infer', { fetches: { wide: times(2, 3), tall: times(3, 2) }, updates: [] })
  const session = await engine.compile(b.program())
  const run = async (): Promise<number[][]> => {
    const { wide, tall } = await session.run('infer', {})
    return [[...wide!], [...tall!]]
  }
  assert.deepEqual(await run(), [
    [5, 7, 9],
    [9, 12],
  ])
  await session.write(new Map([['w', Float32Array.of(1, 1, 1, 1, 1, 10)]]))
  assert.deepEqual(await run(), [
    [2, 2, 11],
    [3, 12],
  ])
  await session.close()
})

test('memory is flat over 200 runs', async () => {
  const { program, feeds } = randomNetwork(5)
  const session = await engine.compile(program)
  const resident = async (runs: number): Promise<number> => {
    for (let i = 0; i < runs; i += 1) await session.run('infer', feeds)
    return process.memoryUsage().rss
  }
  const before = await resident(50)
  const after = await resident(200)
  assert.ok(after - before < 24 * 2 ** 20, `${(after - before) / 2 ** 20} MiB more`)
  await session.close()
})

test('a program that does not fit is refused with the cure', async () => {
  const b = new Builder()
  const x = b.input('x', [40_000, 30_000])
  b.entry('infer', { fetches: { y: b.relu(x) }, updates: [] })
  await assert.rejects(engine.compile(b.program()), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.diagnostics[0]!.code, 'OUT_OF_MEMORY')
    assert.match(error.diagnostics[0]!.message, /MiB more \(it holds at most 4 GiB\)/)
    return true
  })
})

test('a session closed during a run ends it; nothing runs afterwards', async () => {
  const { program, feeds } = randomNetwork(7)
  const session = await engine.compile(program)
  const running = Array.from({ length: 30 }, () => session.run('infer', feeds))
  await session.close()
  const results = await Promise.allSettled(running)
  assert.equal(results.at(-1)!.status, 'rejected')
  await assert.rejects(session.run('infer', feeds), /closed before the run was over/)
})

test('the kernels leave no listeners behind', () => {
  for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
    const ours = process.rawListeners(name).map(String)
    assert.ok(!ours.some((text) => text.includes('ExitStatus') || text.includes('throw reason')))
  }
})
