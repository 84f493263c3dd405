import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from '../../../src/engines/engine.ts'
import { checkPrecision, hasBfloat16 } from '../../../src/engines/precision.ts'
import { chooseEngine } from '../../../src/engines/choose.ts'
import { openTensorflow } from '../../../src/engines/tensorflow/open.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { sizeOf, type Program, type TensorData } from '../../../src/program/program.ts'
import { exitCode, PipelineError } from '../../../src/util/diagnostic.ts'
import { stream } from '../../../src/util/rng.ts'
import { whereTensorflow } from '../../support/tensorflow.ts'
import { normals } from '../../support/values.ts'

const missing = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PipelineError, String(error))
  assert.equal(error.diagnostics[0]!.code, 'ENGINE_MISSING')
  assert.match(error.message, message)
  assert.match(error.diagnostics[0]!.hint!, /precision: float32/)
  assert.equal(exitCode(error), 3)
  return true
}

test('a processor tells whether it multiplies bfloat16', () => {
  const cpu = (flags: string) => `processor\t: 0\nflags\t\t: fpu ${flags} sse2\nbugs\t\t: x\n`
  assert.ok(hasBfloat16(cpu('avx512f avx512_bf16')))
  assert.ok(hasBfloat16(cpu('amx_bf16')))
  assert.ok(!hasBfloat16(cpu('avx512f avx512_vnni')))
  assert.ok(!hasBfloat16(''))
})

test('mixed precision is refused where there is none', async () => {
  const mixed = { precision: 'mixed' } as const
  const without = () => false
  assert.throws(
    () => checkPrecision(mixed, 'tensorflow', 'cpu', without),
    missing(/this processor has no instructions for bfloat16/),
  )
  checkPrecision(mixed, 'tensorflow', 'gpu', without)
  checkPrecision({ precision: 'float32' }, 'wasm', 'cpu')
  const chosen = chooseEngine({ name: 'wasm', ...mixed })
  await assert.rejects(chosen, missing(/the wasm engine computes in float32 only/))
})

const found = whereTensorflow('mixed precision')
if (found && !hasBfloat16()) {
  process.stderr.write('NOT RUN, no bfloat16 on this processor: mixed precision on tensorflow\n')
}
if (found && hasBfloat16()) {
  test('mixed precision is float32 to about three digits, and no less', async () => {
    const plain = await openTensorflow({ device: 'cpu' })
    const mixed = await openTensorflow({ device: 'cpu', precision: 'mixed' })
    assert.equal(plain.info.precision, undefined)
    assert.deepEqual(mixed.info, { ...plain.info, precision: 'mixed' })

    const program = network()
    const want = await train(plain, program)
    const got = await train(mixed, program)
    for (const name of ['y', 'k3', 'k4', 'loss']) {
      const apart = distance(got.get(name)!, want.get(name)!)
      assert.ok(apart > 1e-5 && apart < 3e-2, `${name} is apart by ${apart}`)
    }
    await plain.close()
    await mixed.close()
  })

  test('variables stay float32: steps that bfloat16 would lose add up', async () => {
    const mixed = await openTensorflow({ device: 'cpu', precision: 'mixed' })
    const session = await mixed.compile(network())
    const feeds = { x: new Float32Array(4 * 8 * 8 * 3), rate: Float32Array.of(1e-5) }
    // With a gradient of 1 for every element of the bias: half of what bfloat16 keeps apart at 1 is 2 ** -9.
    for (let i = 0; i < 10; i += 1) await session.run('creep', feeds)
    const bias = (await session.read(['b'])).get('b')!
    for (const value of bias) assert.ok(Math.abs(value - (1 - 1e-4)) < 1e-6, String(value))
    await mixed.close()
  })
}

/** The largest difference in parts of the largest value. */
function distance(got: TensorData, want: TensorData): number {
  const largest = Math.max(...Array.from(want, Math.abs))
  return Math.max(...Array.from(want, (v, i) => Math.abs(v - got[i]!))) / largest
}

/** One step, and the outputs and losses after it. */
async function train(engine: Engine, program: Program): Promise<ReadonlyMap<string, TensorData>> {
  const session = await engine.compile(program)
  const feeds = {
    x: normals(stream('mixed', 'x'), 4 * 8 * 8 * 3),
    t: normals(stream('mixed', 't'), 4 * 6),
    rate: Float32Array.of(0.05),
  }
  await session.run('train', feeds)
  const outputs = await session.run('infer', feeds)
  const values = new Map<string, TensorData>([
    ...(await session.read()),
    ...Object.entries(outputs),
  ])
  await session.close()
  return values
}

/** Two fixed convolutions and two dense layers with a squared error. */
function network(): Program {
  const b = new Builder()
  const same = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const
  const values = (name: string, shape: readonly number[], scale: number) =>
    normals(stream('mixed', name), sizeOf(shape), scale)
  const kernel = (name: string, shape: readonly number[], scale: number) =>
    b.constant(values(name, shape, scale), shape)
  const weight = (name: string, shape: readonly number[], scale: number) =>
    b.variable(name, shape, values(name, shape, scale))
  const k1 = kernel('k1', [3, 3, 3, 16], 0.2)
  const k2 = kernel('k2', [3, 3, 16, 16], 0.1)
  const k3 = weight('k3', [16, 24], 0.3)
  const k4 = weight('k4', [24, 6], 0.3)
  const bias = b.variable('b', [6], new Float32Array(6).fill(1))
  const x = b.input('x', [4, 8, 8, 3])
  const deep = b.relu(b.conv2d(b.relu(b.conv2d(x, k1, same)), k2, same))
  const hidden = b.relu(b.matMul(b.reduceMean(deep, [1, 2]), k3))
  const y = b.biasAdd(b.matMul(hidden, k4), bias)
  const loss = b.reduceMean(b.square(b.subtract(y, b.input('t', [4, 6]))), [0, 1])
  const rate = b.input('rate', [])
  const step = (name: string, value: typeof x, gradient: typeof x) =>
    ({
      kind: 'assign',
      variable: name,
      value: b.subtract(value, b.multiply(gradient, rate)),
    }) as const
  const weights = { k3, k4, b: bias }
  const slopes = gradients(b, loss, Object.values(weights))
  b.entry('infer', { fetches: { y, loss }, updates: [] })
  const updates = Object.entries(weights).map(([name, w], i) => step(name, w, slopes[i]!))
  b.entry('train', { fetches: { loss }, updates })
  const ones = gradients(b, b.reduceSum(y, [0, 1]), [bias])[0]!
  const creep = step('b', bias, b.divide(ones, b.scalar(4)))
  b.entry('creep', { fetches: { y }, updates: [creep] })
  return b.program()
}
