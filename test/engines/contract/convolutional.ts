import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { GraphBuilder, layerGraph } from '../../../src/models/graph-builder.ts'
import type { LayerGraph, WeightMap } from '../../../src/models/layer-graph.ts'
import { lower } from '../../../src/models/lower.ts'
import { gradients } from '../../../src/program/autodiff.ts'
import { Builder } from '../../../src/program/builder.ts'
import type { Program } from '../../../src/program/program.ts'
import { simplify } from '../../../src/program/simplify.ts'
import { LOSSES } from '../../../src/training/losses.ts'
import { updatesFor, type OptimizerConfig } from '../../../src/training/optimizers.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, unpack, type Packed } from '../../support/golden.ts'

interface Golden {
  readonly classes: number
  readonly optimizer: OptimizerConfig & { readonly learningRate: number }
  readonly batches: readonly { readonly x: Packed; readonly labels: Packed }[]
  readonly losses: readonly number[]
  /** By Keras' paths. */
  readonly start: Readonly<Record<string, Packed>>
  readonly weights: Readonly<Record<string, Packed>>
}

/** A small convolutional network above a frozen layer, 5 steps, against Keras 3 (goldens: test/golden/convolutional.py). */
export function convolutionalContract(engine: () => Engine): void {
  describe('fine-tuning', () => {
    test('convolutions, pools and normalizations, 5 steps of SGD', async () => {
      const golden = readGolden<Golden>('convolutional')
      const session = await engine().compile(programOf(golden))
      for (const [i, { x, labels }] of golden.batches.entries()) {
        const targets = [...unpack(labels)].flatMap((label) =>
          Array.from({ length: golden.classes }, (_, k) => Number(k === label)),
        )
        const { loss } = await session.run('train', {
          x: floats(x),
          targets: Float32Array.from(targets),
          learningRate: Float32Array.of(golden.optimizer.learningRate),
        })
        assertClose(loss, [golden.losses[i]!], 1e-4, `loss of step ${i + 1}`)
      }
      const got = await session.read()
      await session.close()
      for (const [name, want] of Object.entries(golden.weights)) {
        if (!name.startsWith('stem')) assertClose(got.get(name), floats(want), 1e-4, name)
        else assert.ok(!got.has(name), `${name} is frozen`)
      }
    })
  })
}

function programOf({ classes, optimizer, batches, start }: Golden): Program {
  const [batch, ...shape] = batches[0]!.x.shape as [number, number, number, number]
  const graph = network(shape, classes)
  const weights: WeightMap = new Map(
    Object.entries(start).map(([name, packed]) => [name, floats(packed)]),
  )
  const b = new Builder()
  const {
    logits,
    trainable,
    updates: averages,
  } = lower(b, graph, {
    weights,
    start: { [graph.input.name]: b.input('x', [batch, ...shape]) },
    trainable: ({ name }) => !name.startsWith('stem'),
    training: true,
  })
  const targets = b.input('targets', [batch, classes])
  const { perExample } = LOSSES.SparseCategoricalCrossentropy
  const loss = b.reduceMean(perExample(b, logits!.tensor, targets), [0])
  const slopes = gradients(
    b,
    loss,
    trainable.map(({ variable }) => variable),
  )
  const trained = trainable.map(({ spec }, i) => ({ ...spec, gradient: slopes[i]! }))
  const { updates } = updatesFor(b, optimizer, trained)
  b.entry('train', { fetches: { loss }, updates: [...averages, ...updates] })
  return simplify(b.program())
}

/** As `network` in test/golden/convolutional.py. */
function network(shape: readonly number[], classes: number): LayerGraph {
  const g = new GraphBuilder()
  const [plain, padding] = [{ useBias: false }, 'same'] as const
  const pool = { poolSize: [3, 3], strides: [2, 2], padding } as const
  const input = g.input(shape)
  let x = g.layer('ZeroPadding2D', input, { padding: [[0, 1], [1, 1]] }, 'pad') // prettier-ignore
  const stem = { filters: 4, kernelSize: [3, 3], strides: [2, 2] } as const
  x = g.layer('Conv2D', x, { ...stem, ...plain }, 'stem')
  x = g.layer('BatchNormalization', x, {}, 'stem_bn')
  x = g.layer('ReLU', x, { maxValue: 6 }, 'stem_relu')
  x = g.layer('Conv2D', x, { filters: 6, kernelSize: [1, 1], ...plain }, 'expand')
  x = g.layer('BatchNormalization', x, { momentum: 0.9 }, 'expand_bn')
  x = g.layer('ReLU', x, { maxValue: 6 }, 'expand_relu')
  let y = g.layer('DepthwiseConv2D', x, { kernelSize: [3, 3], padding, ...plain }, 'deep')
  y = g.layer('BatchNormalization', y, { momentum: 0.8, scale: false }, 'deep_bn')
  x = g.layer('Add', [x, y], {}, 'add')
  x = g.layer('Activation', x, { activation: 'relu' }, 'relu')
  const left = g.layer('MaxPooling2D', x, pool, 'largest')
  let right = g.layer('AveragePooling2D', x, pool, 'mean')
  right = g.layer('Conv2D', right, { filters: 4, kernelSize: [3, 5], padding }, 'wide')
  right = g.layer('BatchNormalization', right, { center: false, epsilon: 1e-2 }, 'wide_bn')
  x = g.layer('Concatenate', [left, right], {}, 'join')
  const apart = { filters: 8, kernelSize: [3, 3], depthMultiplier: 2, strides: [2, 2] } as const
  x = g.layer('SeparableConv2D', x, { ...apart, padding, activation: 'relu' }, 'apart')
  x = g.layer('GlobalAveragePooling2D', x, { keepDims: false }, 'pool')
  return layerGraph(
    'small',
    input,
    g.layer('Dense', x, { units: classes, activation: 'softmax' }, 'classes'),
  )
}
