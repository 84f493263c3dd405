import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Stage } from '../../src/graph/stage.ts'
import { leftovers, Rig, stage } from './rig.ts'

interface Shape {
  readonly parity: boolean
  readonly text: string
  /** Which of the stages before it the stage needs. */
  readonly needs: readonly number[]
}

const graph = fc.array(
  fc.record({
    parity: fc.boolean(),
    text: fc.constantFrom('a', 'b', 'ccc', 'dddd'),
    needs: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 6 },
)

function toStages(shapes: readonly Shape[]): Stage[] {
  return shapes.map((shape, i) => {
    const needs = shape.needs.filter((n) => n < i).map((n) => `s${n}`)
    return stage(`s${i}`, { kind: shape.parity ? 'parity' : 'write', text: shape.text }, needs)
  })
}

/** An independent account of the same: what each stage reads as one text, and what it gives. */
function model(stages: readonly Stage[]) {
  const outputs = new Map<string, string>()
  const readings = new Map<string, string>()
  for (const s of stages) {
    const inputs = Object.entries(s.needs).map(([name, id]) => [name, outputs.get(id)!] as const)
    const joined = inputs.map(([, text]) => text).join(',')
    const text = String(s.params['text'])
    const parity = (text + joined).length % 2 === 0 ? 'even' : 'odd'
    outputs.set(s.id, s.kind === 'parity' ? parity : `${text}(${joined})`)
    readings.set(s.id, JSON.stringify([s.kind, text, inputs.toSorted()]))
  }
  return { outputs, readings }
}

describe('any graph of stages', () => {
  it('runs once; after a change exactly the stages run whose inputs changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        graph,
        fc.nat(5),
        fc.integer({ min: 1, max: 3 }),
        async (shapes, which, jobs) => {
          const rig = new Rig()
          try {
            const before = toStages(shapes)
            const first = model(before)
            const ran = await rig.run(before, { jobs })
            assert.equal(ran.length, new Set(first.readings.values()).size)
            assert.deepEqual(await rig.run(before, { jobs }), [])
            const changed = shapes.map((shape, i) =>
              i === which % shapes.length ? { ...shape, text: `${shape.text}!` } : shape,
            )
            const after = toStages(changed)
            const { readings, outputs } = model(after)
            const known = new Set(first.readings.values())
            const fresh = new Set([...readings.values()].filter((reading) => !known.has(reading)))
            const again = await rig.run(after, { jobs })
            assert.deepEqual(new Set(again.map((id) => readings.get(id))), fresh)
            assert.equal(again.length, fresh.size)
            for (const id of outputs.keys())
              assert.equal(await rig.text(id, after), outputs.get(id))
            assert.deepEqual(leftovers(rig.root), [])
          } finally {
            rig.dispose()
          }
        },
      ),
      { numRuns: 25, seed: 4 },
    )
  })
})
