import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import { OPS } from '../../../src/program/op-table.ts'
import type { OpName } from '../../../src/program/ops.ts'
import type { Program, Tensor } from '../../../src/program/program.ts'
import { assertClose } from '../../support/compare.ts'
import { readGolden, unpack, type Packed } from '../../support/golden.ts'

interface OpCase {
  readonly op: OpName
  readonly name: string
  readonly attributes: Record<string, unknown>
  /** Of the largest value of the output, or of the gradient. */
  readonly tolerance: number
  readonly inputs: readonly Packed[]
  readonly output: Packed
  /** Outputs after the first. */
  readonly others?: readonly Packed[]
  /** The gradient of the (first) output, and with it those of some inputs. */
  readonly dy?: Packed
  readonly gradients?: readonly (Packed & { readonly input: number })[]
}

/** Tested by every case: they are where all values come from. */
const SOURCES = ['input', 'constant', 'variable']

/** Every op of the table against TensorFlow, forward and gradient (goldens: test/golden/ops.py). */
export function opContract(engine: () => Engine): void {
  const { cases: all } = readGolden<{ cases: OpCase[] }>('ops')
  for (const op of Object.keys(OPS) as OpName[]) {
    if (SOURCES.includes(op)) continue
    const cases = all.filter((c) => c.op === op)
    describe(op, () => {
      test('has cases, with gradients if it has a gradient', () => {
        assert.ok(cases.length > 0, `no case in test/golden/ops.py`)
        const differentiated = cases.some((c) => c.gradients)
        assert.equal(differentiated, OPS[op].gradient !== undefined)
      })
      for (const c of cases) test(c.name, () => check(engine(), c))
    })
  }
}

async function check(engine: Engine, c: OpCase): Promise<void> {
  const session = await engine.compile(programOf(c))
  try {
    const feeds = Object.fromEntries(c.inputs.map((x, i) => [`x${i}`, unpack(x)]))
    const outputs = await session.run('forward', feeds)
    for (const [i, packed] of [c.output, ...(c.others ?? [])].entries()) {
      const output = outputs[`y${i}`]
      const want = unpack(packed)
      assert.equal(output?.constructor, want.constructor, 'the dtype of the output')
      assertClose(output, want, c.tolerance, `output ${i} of ${c.op}`, floorOf(c))
    }
    if (!c.dy) return
    const slopes = await session.run('gradient', { ...feeds, dy: unpack(c.dy) })
    for (const want of c.gradients!) {
      const what = `gradient of input ${want.input}`
      assertClose(slopes[`g${want.input}`], unpack(want), c.tolerance, what, floorOf(c))
    }
  } finally {
    await session.close()
  }
}

/** The op alone, and the gradients of sum(output * dy). */
function programOf(c: OpCase): Program {
  const b = new Builder()
  const inputs = c.inputs.map((x, i) => b.input(`x${i}`, x.shape, x.dtype))
  const outputs = b.node(c.op, inputs, c.attributes as never)
  const shapes = [c.output, ...(c.others ?? [])].map(({ shape }) => shape)
  assert.deepEqual(
    outputs.map(({ shape }) => shape),
    shapes,
    'the shape rule',
  )
  const fetches = Object.fromEntries(outputs.map((t, i) => [`y${i}`, t]))
  b.entry('forward', { fetches, updates: [] })
  if (c.dy) {
    const weighted = b.multiply(outputs[0]!, b.input('dy', c.dy.shape))
    const loss = b.reduceSum(weighted, allAxes(weighted))
    const by = c.gradients!.map((g) => g.input)
    const slopes = gradients(
      b,
      loss,
      by.map((i) => inputs[i]!),
    )
    const fetches = Object.fromEntries(
      by.map((input, i) => [
        `g${input}`,
        slopes[i] ?? b.constant(zeros(inputs[input]!), inputs[input]!.shape),
      ]),
    )
    b.entry('gradient', { fetches, updates: [] })
  }
  return b.program()
}

/** What is 0 but for rounding (the variance of one example, its gradients) is measured by one. */
function floorOf({ op }: OpCase): number | undefined {
  return op.startsWith('batchNorm') ? 1 : undefined
}

function allAxes(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis)
}

function zeros(x: Tensor): Float32Array {
  return new Float32Array(x.shape.reduce((product, n) => product * n, 1))
}
