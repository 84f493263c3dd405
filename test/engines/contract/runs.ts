import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import type { Program } from '../../../src/program/program.ts'
import { updatesFor } from '../../../src/training/optimizers.ts'
import { stream } from '../../../src/util/rng.ts'
import { assertClose } from '../../support/compare.ts'
import { residentBytes } from '../../support/memory.ts'
import { normals } from '../../support/values.ts'

const MIB = 2 ** 20

/** Many runs: side by side, one after another, again. */
export function runContract(engine: () => Engine): void {
  describe('runs', () => {
    test('side by side give the right answers, whatever the order', async () => {
      const program = network()
      const session = await engine().compile(program, { concurrency: 2 })
      assert.ok(session.concurrency >= 1)
      const all = Array.from({ length: 12 }, (_, i) =>
        normals(stream('concurrent', i), 2 * 8 * 8 * 3),
      )
      const got = await Promise.all(all.map((x) => session.run('infer', { x })))
      for (const [i, x] of all.entries()) {
        assertClose(got[i]!.y, evaluate(program, 'infer', { x }).fetches.y!, 1e-5, `run ${i}`)
      }
      await session.close()
    })

    test('a fetch is a fresh array that the caller may change, also of an input or a constant', async () => {
      const b = new Builder()
      const x = b.input('x', [3])
      const fetches = { x, flat: b.reshape(x, [3, 1]), c: b.constant(Float32Array.of(5, 6), [2]) }
      b.entry('run', { fetches, updates: [] })
      const session = await engine().compile(b.program())
      const feed = Float32Array.of(1, 2, 3)
      const first = await session.run('run', { x: feed })
      for (const array of Object.values(first)) array.fill(99)
      assert.deepEqual(feed, Float32Array.of(1, 2, 3))
      const second = await session.run('run', { x: feed })
      feed.fill(42)
      assert.deepEqual(second.x, Float32Array.of(1, 2, 3))
      assert.deepEqual(second.flat, Float32Array.of(1, 2, 3))
      assert.deepEqual(second.c, Float32Array.of(5, 6))
      await session.close()
    })

    test('the same program gives the same bytes', async () => {
      const once = await trained(engine())
      const again = await trained(engine())
      assert.deepEqual(again, once)
    })

    test('200 runs leave nothing behind', { timeout: 120_000 }, async () => {
      // 256 KiB in and out, several in between: a leak of any one of them would be 50 MiB.
      const b = new Builder()
      const x = b.input('x', [64, 1024])
      const w = b.variable('w', [64, 1024], new Float32Array(64 * 1024))
      const y = b.relu(b.add(b.square(x), w))
      b.entry('run', { fetches: { y }, updates: [{ kind: 'assign', variable: 'w', value: y }] })
      const session = await engine().compile(b.program())
      const feeds = { x: new Float32Array(64 * 1024).fill(1e-3) }
      for (let i = 0; i < 30; i += 1) await session.run('run', feeds)
      // A heap may grow once, by its own reckoning; a leak grows every time.
      const grown: number[] = []
      for (let round = 0; round < 3 && !grown.some((bytes) => bytes < 30 * MIB); round += 1) {
        const before = await residentBytes()
        for (let i = 0; i < 200; i += 1) await session.run('run', feeds)
        grown.push((await residentBytes()) - before)
      }
      const told = grown.map((bytes) => Math.round(bytes / MIB)).join(', then ')
      assert.ok(Math.min(...grown) < 30 * MIB, `${told} MiB more after 200 runs`)
      await session.close()
    })

    test('12 sessions opened and closed leave nothing behind', { timeout: 120_000 }, async () => {
      // 34 MiB of constants and 34 of variables each: above 32 MiB glibc gives memory back at once, so that what
      // stays is a leak and not a hole in the heap.
      const size = 34 * (MIB / 4)
      const openAndClose = async (i: number) => {
        const b = new Builder()
        const c = b.slice(b.constant(new Float32Array(size).fill(i), [size]), [7], [1])
        const v = b.slice(b.variable('v', [size], new Float32Array(size).fill(1)), [7], [1])
        b.entry('run', { fetches: { sum: b.add(c, v) }, updates: [] })
        const session = await engine().compile(b.program())
        assert.deepEqual(await session.run('run', {}), { sum: Float32Array.of(i + 1) })
        await session.close()
      }
      for (let i = 0; i < 3; i += 1) await openAndClose(i)
      const before = await residentBytes()
      for (let i = 0; i < 12; i += 1) await openAndClose(i)
      const grown = (await residentBytes()) - before
      assert.ok(grown < 150 * MIB, `${Math.round(grown / MIB)} MiB more after 12 sessions`)
    })
  })
}

/** The bytes of all variables after five steps of a small network. */
async function trained(engine: Engine): Promise<Map<string, Float32Array>> {
  const session = await engine.compile(network())
  for (let step = 1; step <= 5; step += 1) {
    const random = stream('trained', step)
    const feeds = { x: normals(random, 2 * 8 * 8 * 3), y: normals(random, 2 * 4) }
    const scalars = { learningRate: Float32Array.of(0.01), step: Float32Array.of(step) }
    await session.run('train', { ...feeds, ...scalars })
  }
  const result = await session.read()
  await session.close()
  return result
}

/** A frozen convolution under a head of two dense layers, trained by Adam. */
function network(): Program {
  const b = new Builder()
  const random = stream('network')
  const conv = { strides: [2, 2], padding: 'same', dilations: [1, 1] } as const
  const kernel = b.constant(normals(random, 3 * 3 * 3 * 8), [3, 3, 3, 8])
  const features = b.reduceMean(b.relu6(b.conv2d(b.input('x', [2, 8, 8, 3]), kernel, conv)), [1, 2])
  b.entry('infer', { fetches: { y: features }, updates: [] })

  const first = b.variable('first/kernel', [8, 6], normals(random, 48, 0.3))
  const second = b.variable('second/kernel', [6, 4], normals(random, 24, 0.3))
  const output = b.matMul(b.relu(b.matMul(features, first)), second)
  const loss = b.reduceMean(b.square(b.subtract(output, b.input('y', [2, 4]))), [0, 1])
  const slopes = gradients(b, loss, [first, second])
  const { updates } = updatesFor(b, { name: 'Adam' }, [
    { name: 'first/kernel', shape: [8, 6], gradient: slopes[0]! },
    { name: 'second/kernel', shape: [6, 4], gradient: slopes[1]! },
  ])
  b.entry('train', { fetches: { loss }, updates })
  return b.program()
}
