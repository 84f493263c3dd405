import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import type { Layer, LayerGraph } from '../../src/models/layer-graph.ts'
import { LAYERS, type LayerSettings } from '../../src/models/layers/table.ts'
import { lower } from '../../src/models/lower.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { sizeOf, type Shape } from '../../src/program/program.ts'
import { assertClose } from '../support/compare.ts'
import { readGolden } from '../support/golden.ts'
import { outputGolden, type LayerGolden } from './goldens.ts'
import { madeUpInput, madeUpWeights } from './made-up.ts'

const layers = [...outputGolden().layers, ...readGolden<{ layers: LayerGolden[] }>('layers').layers]

test('every kind of layer has a case', () => {
  const covered = new Set(layers.map(({ kind }) => kind))
  const kinds = Object.keys(LAYERS).filter((kind) => kind !== 'InputLayer' && kind !== 'SavedModel')
  assert.deepEqual([...covered].toSorted(), kinds.toSorted())
})

for (const golden of layers) {
  const { kind, settings, inputs, training } = golden
  test(`${kind} ${JSON.stringify(settings)}${training ? ' in training' : ''} is Keras'`, () => {
    const { graph, sources } = alone(golden)
    const b = new Builder()
    const weights = madeUpWeights(graph)
    const lowered = lower(b, graph, {
      weights,
      start: Object.fromEntries(sources.map((s, i) => [s.name, b.input(s.name, inputs[i]!)])),
      trainable: () => training,
      training,
    })
    assert.deepEqual(graph.output.outputShape, golden.shape.slice(1))
    assert.deepEqual(lowered.output.shape, golden.shape)
    b.entry('run', { fetches: { output: lowered.output }, updates: lowered.updates })
    const feeds = Object.fromEntries(sources.map((s, i) => [s.name, madeUpInput(i, inputs[i]!)]))
    const { fetches, variables } = evaluate(b.program(), 'run', feeds)
    assertClose(fetches['output'], golden.output, 2e-6, 'output')
    for (const [name, values] of Object.entries(golden.moved ?? {})) {
      assertClose(variables.get(`layer/${name}`), values, 2e-6, name)
    }
    assert.equal(lowered.updates.length, golden.moved ? 2 : 0)
  })
}

test("a mask has the noise shape, and drops with the layer's own rate", () => {
  const cases = [
    ['Dropout', { rate: 0.25, noiseShape: [null, 1, 1, null] }, '2,1,1,5 0.25'],
    ['Dropout', { rate: 0.25 }, '2,3,4,5 0.25'],
    ['Dropout', { rate: 0, noiseShape: [null, 1, 1, 1] }, ''],
    ['StochasticDepth', { dropPathRate: 0.125 }, '2,1,1,1 0.125'],
    ['StochasticDepth', { dropPathRate: 0 }, ''],
  ] as const
  for (const [kind, settings, want] of cases) {
    const g = new GraphBuilder()
    const input = g.input([3, 4, 5])
    const graph = layerGraph('alone', input, g.layer(kind, input, settings as never))
    const b = new Builder()
    const asked: string[] = []
    const { output } = lower(b, graph, {
      weights: new Map(),
      start: { [input.name]: b.input('x', [2, 3, 4, 5]) },
      trainable: () => true,
      training: true,
      mask: (_, shape, rate) => {
        asked.push(`${shape.join()} ${rate}`)
        return b.constant(new Float32Array(sizeOf(shape)).fill(2), shape)
      },
    })
    assert.equal(asked.join(), want)
    assert.deepEqual(output.shape, [2, 3, 4, 5])
    b.entry('run', { fetches: { output }, updates: [] })
    const { fetches } = evaluate(b.program(), 'run', { x: new Float32Array(120).fill(3) })
    assert.ok(fetches['output']!.every((v) => v === (want === '' ? 3 : 6)))
  }
})

/** The layer on inputs of its own; a second input stands in the graph but not before its first. */
function alone({ kind, settings, inputs }: LayerGolden): {
  graph: LayerGraph
  sources: readonly Layer[]
} {
  const g = new GraphBuilder()
  const sources = inputs.map((shape: Shape) => g.input(shape.slice(1)))
  const layer = g.layer(kind, sources, settings as unknown as LayerSettings<typeof kind>, 'layer')
  return { graph: layerGraph('alone', sources[0]!, layer), sources }
}
