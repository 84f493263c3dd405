import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowerGraph, type LoweredGraph } from '../../../src/engines/tensorflow/lower-graph.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Tensor, Update } from '../../../src/program/program.ts'

const byName = ({ nodes }: LoweredGraph) => new Map(nodes.map((node) => [node.name, node]))
const opOf = (graph: LoweredGraph, name: string) => byName(graph).get(name)!.op
const CONV = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const

/** What an entry's target waits for, itself not included. */
function before(graph: LoweredGraph, target: string): Set<string> {
  const nodes = byName(graph)
  const seen = new Set<string>()
  const visit = (name: string): void => {
    for (const input of nodes.get(name)!.inputs) {
      const other = input.replace(/^\^|:\d+$/g, '')
      if (seen.has(other)) continue
      seen.add(other)
      visit(other)
    }
  }
  visit(target)
  return seen
}

function dense() {
  const b = new Builder()
  const x = b.input('x', [4, 3])
  const w = b.variable('w', [3, 3], new Float32Array(9))
  return { b, x, w }
}

const sgd = (variable: string, gradient: Tensor, learningRate: Tensor): Update => ({
  kind: 'rule',
  rule: 'sgd',
  variable,
  slots: {},
  gradient,
  scalars: { learningRate },
  constants: {},
})

test('names are legal for TensorFlow, unique, and lead back to their layer', () => {
  const b = new Builder()
  const x = b.input('x', [1, 2, 2, 1])
  const y = b.inLayer('_block 1/é', () => b.reduceMax(b.relu(x), [1, 2]))
  b.entry('e', { fetches: { y }, updates: [] })
  const graph = lowerGraph(b.program())
  for (const { name } of graph.nodes) assert.match(name, /^[A-Za-z0-9.][A-Za-z0-9_.>/-]*$/)
  assert.equal(new Set(graph.nodes.map(({ name }) => name)).size, graph.nodes.length)
  assert.equal(graph.layerOf.get(graph.entries.e!.fetches[0]!.node), '_block 1/é')
})

test('a feed that is fetched goes through an identity', () => {
  const { b, x, w } = dense()
  b.entry('e', { fetches: { x, y: b.matMul(x, w) }, updates: [] })
  const graph = lowerGraph(b.program())
  assert.equal(opOf(graph, graph.entries.e!.fetches[0]!.node), 'Identity')
})

test('an activation of a sum that others use too is written apart', () => {
  const build = (alsoUsed: boolean) => {
    const b = new Builder()
    const x = b.input('x', [1, 4, 4, 2])
    const kernel = b.constant(new Float32Array(4), [1, 1, 2, 2])
    const sum = b.add(b.conv2d(x, kernel, CONV), x)
    const fetches = { y: b.relu(sum), z: alsoUsed ? b.square(sum) : b.square(x) }
    b.entry('e', { fetches, updates: [] })
    const graph = lowerGraph(b.program())
    return opOf(graph, graph.entries.e!.fetches[0]!.node)
  }
  assert.equal(build(false), 'Relu')
  assert.equal(build(true), 'Maximum')
})

test('constants past the limit become variables, the biggest first', () => {
  const b = new Builder()
  const x = b.input('x', [1, 8])
  const big = b.constant(new Float32Array(64).fill(2), [8, 8])
  const small = b.constant(new Float32Array(8).fill(3), [8])
  b.entry('e', { fetches: { y: b.biasAdd(b.matMul(x, big), small) }, updates: [] })
  const { variables } = lowerGraph(b.program(), { constantBytes: 100 })
  assert.deepEqual(
    variables.map(({ shape, ofProgram }) => ({ shape, ofProgram })),
    [{ shape: [8, 8], ofProgram: false }],
  )
  assert.equal(variables[0]!.initial, (big.node.attributes as { data: Float32Array }).data)
})

test('an update waits for reads of its variable and for all who use what was read', () => {
  const { b, x, w } = dense()
  const gradient = b.matMul(x, b.matMul(x, w), true)
  const back = b.matMul(x, w, false, true)
  b.entry('train', { fetches: { back }, updates: [sgd('w', gradient, b.scalar(0.1))] })
  const graph = lowerGraph(b.program())
  const { fetches, targets } = graph.entries.train!
  assert.equal(opOf(graph, targets[0]!), 'ResourceApplyGradientDescent')
  assert.ok(before(graph, targets[0]!).has(fetches[0]!.node))
})

test('nothing of another entry is pulled into a run', () => {
  const { b, x, w } = dense()
  const other = b.matMul(b.square(x), w)
  b.entry('infer', { fetches: { other }, updates: [] })
  b.entry('train', { fetches: {}, updates: [sgd('w', b.matMul(x, x, true), b.scalar(0.1))] })
  const graph = lowerGraph(b.program())
  const { targets } = graph.entries.train!
  assert.ok(!before(graph, targets[0]!).has(graph.entries.infer!.fetches[0]!.node))
})

test('updates of one variable run in their order', () => {
  const { b, x, w } = dense()
  const gradient = b.matMul(x, x, true)
  const rate = b.scalar(0.1)
  const updates: Update[] = [
    sgd('w', gradient, rate),
    { kind: 'assign', variable: 'w', value: b.square(w) },
    sgd('w', gradient, rate),
  ]
  b.entry('train', { fetches: {}, updates })
  const graph = lowerGraph(b.program())
  const [first, second, third] = graph.entries.train!.targets
  assert.ok(before(graph, second!).has(first!))
  assert.ok(before(graph, third!).has(second!))
})
