import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine, Session } from '../../../src/engines/engine.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Program } from '../../../src/program/program.ts'
import { assertClose } from '../../support/compare.ts'

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)

/** State that lives as long as a session, changed only at the end of a run. */
export function variableContract(engine: () => Engine): void {
  const using = async (program: Program, body: (session: Session) => Promise<void>) => {
    const session = await engine().compile(program)
    try {
      await body(session)
    } finally {
      await session.close()
    }
  }

  describe('variables', () => {
    test('begin as declared, are written and read back', () =>
      using(counter(), async (session) => {
        assert.deepEqual(await session.read(), new Map([['count', f32(1, 2, 3)]]))
        await session.write(new Map([['count', f32(7, 8, 9)]]))
        assert.deepEqual(await session.read(['count']), new Map([['count', f32(7, 8, 9)]]))
        assert.deepEqual(await session.run('look', {}), { count: f32(7, 8, 9) })
      }))

    test('a copy read or an array written belongs to the caller', () =>
      using(counter(), async (session) => {
        const copy = (await session.read()).get('count')!
        copy.fill(100)
        const given = f32(4, 5, 6)
        await session.write(new Map([['count', given]]))
        given.fill(100)
        assert.deepEqual((await session.read()).get('count'), f32(4, 5, 6))
      }))

    test('two sessions of one program share nothing', () =>
      using(counter(), async (first) =>
        using(counter(), async (second) => {
          await first.run('add', { by: f32(1) })
          assert.deepEqual((await first.read()).get('count'), f32(2, 3, 4))
          assert.deepEqual((await second.read()).get('count'), f32(1, 2, 3))
        }),
      ))

    test('updates come after every read, also of another update', () =>
      using(swapping(), async (session) => {
        const seen = await session.run('swap', {})
        assert.deepEqual(seen, { sum: f32(11), a: f32(1) })
        const after = await session.read()
        assert.deepEqual([after.get('a'), after.get('b')], [f32(10), f32(1)])
        await session.run('swap', {})
        assert.deepEqual((await session.read()).get('a'), f32(1))
      }))

    test('an entry that only updates gives nothing back', () =>
      using(counter(), async (session) => {
        for (let i = 0; i < 3; i += 1) {
          assert.deepEqual(await session.run('add', { by: f32(0.5) }), {})
        }
        assertClose((await session.read()).get('count'), [2.5, 3.5, 4.5], 1e-6, 'count')
      }))

    test('entries of different batch sizes share them', () =>
      using(batches([3, 2]), async (session) => {
        await session.run('train@3', { x: f32(1, 2, 3) })
        await session.run('train@2', { x: f32(10, 20) })
        assertClose((await session.read()).get('total'), [36], 1e-6, 'total')
      }))

    test('a variable that is only updated, or only a slot of a rule, is there', () =>
      using(ruled(), async (session) => {
        assert.deepEqual([...(await session.read()).keys()].sort(), ['last', 'm', 'w'])
        await session.run('train', { gradient: f32(1, -2), rate: f32(0.5) })
        await session.run('train', { gradient: f32(1, -2), rate: f32(0.5) })
        const after = await session.read()
        assertClose(after.get('w'), [1 - 0.5 - 0.95, 1 + 1 + 1.9], 1e-6, 'w')
        assertClose(after.get('m'), [-0.95, 1.9], 1e-6, 'm')
        assertClose(after.get('last'), [1, -2], 1e-6, 'last')
      }))

    test('unknown names and wrong sizes are bugs of the caller', () =>
      using(counter(), async (session) => {
        const write = async (name: string, value: Float32Array) =>
          session.write(new Map([[name, value]]))
        await assert.rejects(async () => session.read(['nobody']), TypeError)
        await assert.rejects(write('nobody', f32(1)), TypeError)
        await assert.rejects(write('count', f32(1)), TypeError)
        assert.deepEqual((await session.read()).get('count'), f32(1, 2, 3))
      }))
  })
}

function counter(): Program {
  const b = new Builder()
  const count = b.variable('count', [3], f32(1, 2, 3))
  const value = b.add(count, b.input('by', []))
  b.entry('look', { fetches: { count }, updates: [] })
  b.entry('add', { fetches: {}, updates: [{ kind: 'assign', variable: 'count', value }] })
  return b.program()
}

function swapping(): Program {
  const b = new Builder()
  const first = b.variable('a', [], f32(1))
  const second = b.variable('b', [], f32(10))
  b.entry('swap', {
    fetches: { sum: b.add(first, second), a: first },
    updates: [
      { kind: 'assign', variable: 'a', value: second },
      { kind: 'assign', variable: 'b', value: first },
    ],
  })
  return b.program()
}

function batches(sizes: readonly number[]): Program {
  const b = new Builder()
  const total = b.variable('total', [], f32(0))
  for (const size of sizes) {
    const sum = b.reduceSum(b.input('x', [size]), [0])
    const update = { kind: 'assign', variable: 'total', value: b.add(total, sum) } as const
    b.entry(`train@${size}`, { fetches: {}, updates: [update] })
  }
  return b.program()
}

/** Momentum by a rule, and an assignment of what was fed. */
function ruled(): Program {
  const b = new Builder()
  b.variable('w', [2], f32(1, 1))
  b.variable('m', [2], f32(0, 0))
  b.variable('last', [2], f32(0, 0))
  const gradient = b.input('gradient', [2])
  b.entry('train', {
    fetches: {},
    updates: [
      {
        kind: 'rule',
        rule: 'momentum',
        variable: 'w',
        slots: { momentum: 'm' },
        gradient,
        scalars: { learningRate: b.input('rate', []) },
        constants: { momentum: 0.9, nesterov: false },
      },
      { kind: 'assign', variable: 'last', value: gradient },
    ],
  })
  return b.program()
}
