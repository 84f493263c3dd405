import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withFront } from '../../src/export/front.ts'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import type { LayerGraph } from '../../src/models/layer-graph.ts'
import type { Preprocessing } from '../../src/models/preprocessing.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { OUTPUTS, PREDICT, predictProgram } from '../../src/training/predict-program.ts'
import { madeUpPicture, madeUpWeights } from '../models/made-up.ts'
import { assertClose } from '../support/compare.ts'

/** A network with names that no format takes, two of which would become one. */
function little(channels = 3): LayerGraph {
  const g = new GraphBuilder()
  const input = g.input([4, 5, channels])
  const conv = { kernelSize: [3, 3], padding: 'same' } as const
  const x = g.layer('Conv2D', input, { ...conv, filters: 4 }, 'block/conv')
  const y = g.layer('Conv2D', x, { ...conv, filters: 4 }, 'block_conv')
  const z = g.layer('Add', [x, y], {}, '_sum up')
  return layerGraph('little', input, g.layer('Flatten', z, {}))
}

function predicted(model: Parameters<typeof predictProgram>[0], channels: number) {
  const pixels = madeUpPicture(2, 4, 5).subarray(0, 2 * 4 * 5 * channels)
  const { program } = predictProgram(model, { shape: [2, 4, 5, channels] })
  return evaluate(program, PREDICT, { pixels }).fetches[OUTPUTS]!
}

describe('preprocessing as layers', () => {
  const graph = little()
  const weights = madeUpWeights(graph)
  const cases: readonly [string, Preprocessing, string[]][] = [
    ['nothing', { mode: 'none' }, []],
    ['a scale', { rescale: 1 / 255 }, ['Rescaling']],
    ['a scale and an offset', { mode: 'tf' }, ['Rescaling']],
    ['numbers by channel', { mode: 'torch' }, ['Rescaling']],
    ['own numbers by channel', { mean: [1, 2, 3], std: [50, 60, 70] }, ['Rescaling']],
    ["caffe's order of channels", { mode: 'caffe' }, ['Conv2D']],
  ]
  for (const isGrey of [false, true]) {
    for (const [what, preprocessing, kinds] of cases) {
      it(`${what}${isGrey ? ', of grey pictures' : ''}`, () => {
        const whole = withFront({ graph, weights, preprocessing }, { isGrey })
        const front = whole.graph.layers.slice(1, -4).map(({ kind }) => kind)
        assert.deepEqual(front, isGrey ? ['Concatenate', ...kinds] : kinds)
        const channels = isGrey ? 1 : 3
        assert.deepEqual(whole.graph.input.outputShape, [4, 5, channels])
        assertClose(
          predicted({ ...whole, preprocessing: { mode: 'none' } }, channels),
          predicted({ graph, weights, preprocessing }, channels),
          1e-6,
          what,
        )
      })
    }
  }

  it('a network that takes grey pictures itself', () => {
    const own = little(1)
    const given = {
      graph: own,
      weights: madeUpWeights(own),
      preprocessing: { mode: 'tf' } as const,
    }
    const whole = withFront(given, { isGrey: true })
    const got = predicted({ ...whole, preprocessing: { mode: 'none' } }, 1)
    assertClose(got, predicted(given, 1), 1e-6, 'outputs')
  })

  it('names that Keras or tfjs would refuse', () => {
    const frozen = new Set(['block/conv'])
    const given = { graph, weights, frozen, preprocessing: { mode: 'caffe' } as const }
    const whole = withFront(given, { isGrey: false })
    const names = ['input_layer', 'preprocessing', 'block_conv_1', 'block_conv', 'layer_sum_up']
    assert.deepEqual(
      whole.graph.layers.map(({ name }) => name),
      [...names, 'flatten'],
    )
    assert.deepEqual([...whole.frozen!].sort(), ['block_conv_1', 'preprocessing'])
  })
})
