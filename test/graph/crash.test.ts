import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreStep } from '../../src/graph/store.ts'
import { stream } from '../../src/util/rng.ts'
import { startChild } from './children.ts'
import { contents, leftovers, Rig, stage } from './rig.ts'

const PLAN = [
  stage('a', { text: 'a', size: 50_000, ms: 20 }),
  stage('left', { text: 'l', ms: 20 }, ['a']),
  stage('right', { kind: 'steps', text: 'r', total: 8 }, ['a']),
  stage('end', { text: 'e', size: 50_000 }, ['left', 'right']),
]
const STEPS: readonly StoreStep[] = ['draft', 'seal', 'manifest', 'stat', 'place', 'result', 'work']

describe('a run killed with SIGKILL', () => {
  let rig: Rig
  let undisturbed: Record<string, string>
  beforeEach(async () => {
    rig = new Rig()
    await rig.run(PLAN)
    undisturbed = contents(rig.root)
    rmSync(rig.root, { recursive: true })
  })
  afterEach(() => rig.dispose())

  const finishes = async () => {
    await rig.run(PLAN)
    assert.deepEqual(rig.warnings(), [])
    assert.deepEqual(contents(rig.root), undisturbed)
    assert.deepEqual(leftovers(rig.root), [])
    rmSync(rig.root, { recursive: true, force: true })
  }

  it('at 20 random moments, then run again: the same bytes and no leftovers', async (t) => {
    const random = stream(20, 'kill')
    const calm = startChild(rig, PLAN)
    const began = performance.now()
    await calm.started
    const startUp = performance.now() - began
    await calm.exit
    const whole = performance.now() - began - startUp
    rmSync(rig.root, { recursive: true })
    let unfinished = 0
    for (let i = 0; i < 20; i += 1) {
      const child = startChild(rig, PLAN)
      await child.started
      await sleep(random.uniform() * whole)
      child.process.kill('SIGKILL')
      await child.exit
      if (child.signal() === 'SIGKILL') unfinished += 1
      await finishes()
    }
    t.diagnostic(`${unfinished} of 20 were killed before they had finished`)
    assert.ok(unfinished >= 5, `only ${unfinished} were killed in time`)
  })

  for (const step of STEPS) {
    it(`before the step "${step}" of publishing, then run again`, async () => {
      for (const time of [1, 3]) {
        const child = startChild(rig, PLAN, { killAt: { step, time } })
        await child.exit
        assert.equal(child.signal(), 'SIGKILL')
        await finishes()
      }
    })
  }

  it('leaves its checkpoints, and the next run continues there', async () => {
    const plan = [stage('right', { kind: 'steps', text: 'r', total: 400 })]
    const child = startChild(rig, plan)
    await child.stage('right')
    await sleep(250)
    child.process.kill('SIGKILL')
    await child.exit
    let found = false
    const { run } = rig.kinds['steps']!
    rig.kinds['steps'] = {
      ...rig.kinds['steps']!,
      run: async (context) => {
        found = existsSync(join(context.work, 'checkpoint'))
        await run({ ...context, params: { ...context.params, total: 0 } })
      },
    }
    await rig.run(plan)
    assert.ok(found)
    assert.deepEqual(leftovers(rig.root), [])
  })
})

describe('two processes with the same fingerprints', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  it('run every body once; the one that waits says so and takes the result', async () => {
    const plan = [stage('a', { ms: 700 }), stage('b', { text: 'b' }, ['a'])]
    const children = [startChild(rig, plan), startChild(rig, plan)]
    await Promise.all(children.map((child) => child.exit))
    assert.deepEqual(
      children.map((child) => child.code()),
      [0, 0],
    )
    assert.deepEqual(rig.ran().sort(), ['a', 'b'])
    const waiting = children.flatMap((c) => c.events().filter((e) => e['type'] === 'stageWaiting'))
    assert.ok(waiting.length >= 1)
    assert.ok(children.some((child) => child.process.pid === waiting[0]!['pid']))
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('goes on when the one that computes is killed', async () => {
    const plan = [stage('a', { ms: 1500 })]
    const first = startChild(rig, plan)
    await first.stage('a')
    const second = startChild(rig, plan)
    await second.event('stageWaiting')
    first.process.kill('SIGKILL')
    await second.exit
    assert.equal(second.code(), 0)
    assert.deepEqual(rig.ran(), ['a', 'a'])
    await rig.run(plan)
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('many at once still run every body once', async () => {
    const plan = [stage('a', { ms: 100 }), stage('b', { text: 'b', ms: 50 }, ['a'])]
    const runs = await Promise.all(Array.from({ length: 8 }, () => executeHere(rig, plan)))
    assert.equal(runs.length, 8)
    assert.deepEqual(rig.ran().sort(), ['a', 'b'])
    assert.deepEqual(leftovers(rig.root), [])
  })
})

async function executeHere(rig: Rig, plan: typeof PLAN): Promise<void> {
  const { execute } = await import('../../src/graph/execute.ts')
  await rig.with({}, (store) => execute(plan, rig.kinds, store, rig.options()))
}
