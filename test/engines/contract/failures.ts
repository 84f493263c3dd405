import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine, Session } from '../../../src/engines/engine.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { TensorData } from '../../../src/program/program.ts'

/** Mistakes of the caller: a TypeError that names what is wrong, and a session that goes on working. */
export function failureContract(engine: () => Engine): void {
  const MISTAKES: Readonly<Record<string, [string, Record<string, TensorData>, RegExp]>> = {
    'a feed that is too short': ['run', { x: new Float32Array(3), p: new Uint8Array(2) }, /\bx\b/],
    'a feed that is too long': ['run', { x: new Float32Array(5), p: new Uint8Array(2) }, /\bx\b/],
    'a missing feed': ['run', { x: new Float32Array(4) }, /\bp\b/],
    'a feed of another dtype': ['run', { x: new Float32Array(4), p: new Float32Array(2) }, /\bp\b/],
    'an unknown entry': ['walk', { x: new Float32Array(4), p: new Uint8Array(2) }, /\bwalk\b/],
  }
  describe('mistakes', () => {
    for (const [name, [entry, feeds, message]] of Object.entries(MISTAKES)) {
      test(name, async () => {
        const session = await small(engine())
        const run = async () => session.run(entry, feeds)
        await assert.rejects(
          run,
          (error) => error instanceof TypeError && message.test(error.message),
        )
        const right = { x: Float32Array.of(1, 2, 3, 4), p: Uint8Array.of(1, 2) }
        assert.deepEqual(await session.run('run', right), { y: Float32Array.of(2, 4, 4, 6) })
        await session.close()
      })
    }
  })
}

function small(engine: Engine): Promise<Session> {
  const b = new Builder()
  const p = b.cast(b.input('p', [2], 'uint8'), 'float32')
  b.entry('run', { fetches: { y: b.add(b.input('x', [2, 2]), p) }, updates: [] })
  return engine.compile(b.program())
}
