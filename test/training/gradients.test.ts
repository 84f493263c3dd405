import assert from 'node:assert/strict'
import { test } from 'node:test'

import { buildBaseModel } from '../../src/models/base-model.ts'
import type { LayerGraph } from '../../src/models/layer-graph.ts'
import { expandComposites } from '../../src/program/expand-composites.ts'
import { sizeOf, type Node } from '../../src/program/program.ts'
import { wholeModel } from '../../src/training/model.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import { smallestOfFamilies } from '../support/models.ts'

for (const { name, minSize, preprocessing } of smallestOfFamilies()) {
  const model = { name, inputShape: [minSize, minSize, 3] }
  const inputs = [{ name: 'pixels', shape: model.inputShape, dtype: 'uint8' }] as const
  const step = (freeze: 'none' | { first: number }) => {
    const whole = wholeModel({ model, head: ['GlobalAveragePooling2D'], freeze, classes: 3 })
    const { program } = trainingProgram({
      model: whole,
      loss: { name: 'CategoricalCrossentropy' },
      weights: zeros(whole.graph),
      train: { start: { inputs, preprocessing }, optimizer: { name: 'SGD' }, batches: [2] },
    })
    return { whole, program }
  }
  const count = (nodes: readonly Node[], op: string) => nodes.filter((n) => n.op === op).length

  test(`${name}: every weight that trains has a gradient, every average moves`, () => {
    const { whole, program } = step('none')
    const { updates } = program.entries['train@2']!
    const names = updates.map(({ variable }) => variable)
    const weights = whole.trained.flatMap((layer) => layer.weights.map((w) => w.name))
    assert.deepEqual(names.toSorted(), weights.toSorted())
  })

  test(`${name}, its lower half frozen: gradients of what trains, and of inputs above it`, () => {
    const { length } = buildBaseModel(model).layers
    const { whole, program } = step({ first: Math.min(100, Math.floor(length / 2)) })
    const convolutions = whole.trained.filter(({ kind }) => kind.includes('Conv'))
    const trained = convolutions.flatMap((layer) => layer.weights.map((w) => w.name))
    const kernels = (kind: RegExp) => trained.filter((weight) => kind.test(weight)).length
    const deep = count(program.nodes, 'depthwiseConv2dKernelGradient')
    const dense = count(program.nodes, 'conv2dKernelGradient')
    assert.equal(deep + dense, kernels(/kernel$/))
    const normalized = whole.trained.filter((layer) => layer.kind === 'BatchNormalization').length
    assert.equal(count(program.nodes, 'batchNorm'), normalized)
    assert.equal(count(program.nodes, 'batchNormGradient'), normalized)
    const inputs = ['conv2dInputGradient', 'depthwiseConv2dInputGradient']
    const below = inputs.reduce((sum, op) => sum + count(program.nodes, op), 0)
    // Of the lowest trained convolution the input is owed nothing, unless other trained layers stand below it.
    const most = deep + dense - (whole.trained[0] === convolutions[0] ? 1 : 0)
    assert.ok(below > 0 && below <= most, `${below} of ${deep + dense}`)
    // All of it has a way on an engine without kernels for gradients.
    const { nodes } = expandComposites(program)
    assert.ok(nodes.every(({ op }) => !/(Input|Kernel|Pool)Gradient$|^batchNorm/.test(op)))
  })
}

/** The ops do not depend on values. */
function zeros({ layers }: LayerGraph): Map<string, Float32Array> {
  const weights = layers.flatMap((layer) => layer.weights)
  return new Map(weights.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]))
}
