import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ashaDecision,
  ashaRungs,
  type AshaRule,
  type AshaTrial,
} from '../../../src/sweeps/early/asha.ts'

const rule: AshaRule = { goal: 'maximize', min: 1, max: 9, eta: 3 }

/** Trials that all stand at the first rung with these values. */
const atFirst = (...values: readonly number[]): AshaTrial[] =>
  values.map((value, number) => ({ number, state: 'paused', rung: 1, values: [value] }))

test('rungs are min eta^k and the end', () => {
  assert.deepEqual(ashaRungs({ min: 1, max: 20, eta: 3 }), [1, 3, 9, 20])
  assert.deepEqual(ashaRungs({ min: 2, max: 32, eta: 4 }), [2, 8, 32])
  assert.deepEqual(ashaRungs({ min: 5, max: 5, eta: 2 }), [5])
})

test('the best third goes on as soon as there are three, by the goal', () => {
  assert.deepEqual(ashaDecision(atFirst(0.5, 0.6), rule, true), { type: 'start', rung: 1 })
  const three = atFirst(0.5, 0.7, 0.6)
  assert.deepEqual(ashaDecision(three, rule, true), { type: 'promote', trial: 1, rung: 3 })
  const least: AshaRule = { ...rule, goal: 'minimize' }
  assert.deepEqual(ashaDecision(three, least, true), { type: 'promote', trial: 0, rung: 3 })
})

test('of a known set all start before any goes on', () => {
  const three = atFirst(0.5, 0.7, 0.6)
  assert.deepEqual(ashaDecision(three, rule, true, 'first'), { type: 'start', rung: 1 })
  assert.deepEqual(ashaDecision(three, rule, false, 'first'), {
    type: 'promote',
    trial: 1,
    rung: 3,
  })
})

test('who was promoted takes a place: the next needs three more', () => {
  const [a, b, ...others] = atFirst(0.5, 0.7, 0.6, 0.4, 0.3, 0.2)
  const promoted: AshaTrial = { ...b!, state: 'running', rung: 3 }
  assert.deepEqual(ashaDecision([a!, promoted, others[0]!], rule, true), { type: 'start', rung: 1 })
  assert.deepEqual(ashaDecision([a!, promoted, ...others], rule, true), {
    type: 'promote',
    trial: 2,
    rung: 3,
  })
  // Should it fail, its place is free, and its value no longer one of six.
  const failed: AshaTrial = { ...promoted, state: 'failed' }
  assert.deepEqual(ashaDecision([a!, failed, ...others], rule, true), {
    type: 'promote',
    trial: 2,
    rung: 3,
  })
})

test('the highest rung is served first', () => {
  const second: AshaTrial[] = [0.8, 0.9, 0.7].map((value, i) => {
    return { number: 10 + i, state: 'paused', rung: 3, values: [0.1, 0.2, value] }
  })
  const trials = [...atFirst(...new Array<number>(12).fill(0.5)), ...second]
  assert.deepEqual(ashaDecision(trials, rule, true), { type: 'promote', trial: 11, rung: 9 })
})

test('a value that is no number is last and never goes on', () => {
  const trials = atFirst(NaN, NaN, NaN)
  assert.deepEqual(ashaDecision(trials, rule, true), { type: 'start', rung: 1 })
  assert.deepEqual(ashaDecision(trials, rule, false), { type: 'end' })
  const one = ashaDecision(atFirst(NaN, 0.1, NaN), rule, true)
  assert.deepEqual(one, { type: 'promote', trial: 1, rung: 3 })
})

test('a trial that ended by itself below its rung counts there with its last value', () => {
  const trials: AshaTrial[] = [
    { number: 0, state: 'done', rung: 3, values: [0.1, 0.9] },
    { number: 1, state: 'paused', rung: 3, values: [0.1, 0.5, 0.8] },
    { number: 2, state: 'paused', rung: 3, values: [0.1, 0.5, 0.7] },
  ]
  // It is the top third alone, and has nowhere to go.
  assert.deepEqual(ashaDecision(trials, rule, false), { type: 'end' })
  const better: AshaTrial = { ...trials[1]!, values: [0.1, 0.5, 0.95] }
  assert.deepEqual(ashaDecision([trials[0]!, better, trials[2]!], rule, false), {
    type: 'promote',
    trial: 1,
    rung: 9,
  })
})

test('a sweep too small for its rungs still ends with a whole training', () => {
  const trials = atFirst(0.5, 0.6)
  assert.deepEqual(ashaDecision(trials, rule, false), { type: 'promote', trial: 1, rung: 3 })
  const running: AshaTrial = { ...trials[1]!, state: 'running', rung: 3 }
  assert.deepEqual(ashaDecision([trials[0]!, running], rule, false), { type: 'wait' })
})

/** Workers side by side; at each turn one of the running trials, drawn by `pick`, reaches its rung. */
function simulate(
  curves: readonly (readonly number[])[],
  of: AshaRule,
  workers: number,
  pick: (running: number) => number,
) {
  const trials: AshaTrial[] = []
  let forced = 0
  const take = () => {
    const decision = ashaDecision(trials, of, trials.length < curves.length)
    if (decision.type === 'start') {
      trials.push({ number: trials.length, state: 'running', rung: decision.rung, values: [] })
    } else if (decision.type === 'promote') {
      const { trial, rung } = decision
      assert.equal(trials[trial]!.state, 'paused')
      if (!isInShare(trials, trials[trial]!, of)) {
        forced += 1
        assert.equal(trials.length, curves.length)
        assert.ok(trials.every(({ state }) => state === 'paused'))
      }
      trials[trial] = { ...trials[trial]!, state: 'running', rung }
    }
    return decision.type
  }
  for (;;) {
    while (trials.filter(({ state }) => state === 'running').length < workers) {
      const type = take()
      if (type === 'end') return { trials, forced }
      if (type === 'wait') break
    }
    const running = trials.filter(({ state }) => state === 'running')
    const { number, rung } = running[pick(running.length)]!
    const state = rung === of.max ? 'done' : 'paused'
    trials[number] = { number, rung, state, values: curves[number]!.slice(0, rung) }
  }
}

test('27 trials by one worker and by three: the best is trained to the end, at a fraction of the epochs', () => {
  // Curves that never cross: the better one is better at each epoch.
  const curves = Array.from({ length: 27 }, (_, i) => {
    const level = ((i * 10) % 27) / 27
    return Array.from({ length: 20 }, (__, epoch) => level + epoch / 100)
  })
  const of: AshaRule = { goal: 'maximize', min: 1, max: 20, eta: 3 }
  const best = curves.findIndex((curve) => curve[0] === Math.max(...curves.map(([v]) => v!)))
  for (const workers of [1, 3]) {
    const { trials } = simulate(curves, of, workers, (n) => n - 1)
    assert.equal(trials.length, 27)
    assert.equal(trials[best]!.state, 'done')
    const epochs = trials.reduce((sum, { values }) => sum + values.length, 0)
    assert.ok(epochs < 0.25 * 27 * 20, `${epochs}`)
  }
})

test('whatever the values and the order of reports: it ends, only the best share goes on, one training is whole', () => {
  const sizes = fc.record({
    goal: fc.constantFrom('maximize' as const, 'minimize' as const),
    min: fc.integer({ min: 1, max: 3 }),
    max: fc.integer({ min: 3, max: 30 }),
    eta: fc.integer({ min: 2, max: 4 }),
  })
  const counts = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 4 }))
  fc.assert(
    fc.property(
      sizes,
      counts,
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (of, [count, workers], chance) => {
        const next = () => chance.next().value as number
        const curves = Array.from({ length: count }, () => Array.from({ length: of.max }, next))
        const { trials, forced } = simulate(curves, of, workers, (n) => Math.floor(n * next()))
        assert.equal(trials.length, count)
        assert.ok(trials.every(({ state }) => state === 'paused' || state === 'done'))
        assert.ok(trials.some(({ state }) => state === 'done'))
        const rungs = ashaRungs(of)
        assert.ok(forced < rungs.length)
        rungs.slice(0, -1).forEach((rung, k) => {
          const here = trials.filter((trial) => trial.rung >= rung)
          const beyond = here.filter((trial) => trial.rung >= rungs[k + 1]!)
          // At the end every one that stands in the top share has gone on.
          const share = Math.floor(here.length / of.eta)
          for (const trial of here.filter((one) => rank(here, one, rung, of) < share)) {
            assert.ok(beyond.includes(trial))
          }
        })
      },
    ),
  )
})

/** Whether a paused trial is among the top floor(n / eta) of those that have reported at its rung. */
function isInShare(trials: readonly AshaTrial[], one: AshaTrial, of: AshaRule): boolean {
  const here = trials.filter(({ values }) => values.length >= one.rung)
  return rank(here, one, one.rung, of) < Math.floor(here.length / of.eta)
}

function rank(here: readonly AshaTrial[], one: AshaTrial, rung: number, { goal }: AshaRule) {
  const sign = goal === 'minimize' ? 1 : -1
  return here.filter((other) => {
    const difference = sign * (other.values[rung - 1]! - one.values[rung - 1]!)
    return difference < 0 || (difference === 0 && other.number < one.number)
  }).length
}
