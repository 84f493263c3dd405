import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { freezeReport } from '../../src/models/freeze-report.ts'
import { resolveFreeze } from '../../src/models/freeze.ts'
import { kerasCount, kerasPositions } from '../../src/models/listing.ts'
import { rebuildGraph, storeGraph } from '../../src/models/stored-graph.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { readGolden } from '../support/golden.ts'

/** What test/golden/listing.py wrote. */
interface Case {
  readonly name: string
  readonly first: number
  /** The length of Keras' `model.layers`, and the name of the last frozen one in it. */
  readonly layers: number
  readonly last: string
  readonly trainable: number
  readonly parameters: number
}

const { cases } = readGolden<{ cases: Case[] }>('listing')

for (const { name, first, layers, last, trainable, parameters } of cases) {
  test(`${name}, first ${first}: counted as Keras lists layers`, () => {
    const graph = buildBaseModel({ name, inputShape: [32, 32, 3] })
    assert.equal(kerasCount(graph), layers)
    const { tensors, parameters: values, layers: reports } = freezeReport(graph, { first })
    assert.equal(tensors.trainable, trainable)
    assert.equal(values.trainable, parameters)
    const positions = kerasPositions(graph)
    const found = graph.layers.filter((_, i) => positions[i] === first - 1)
    const names = found.map(({ name: own, listed }) =>
      typeof listed === 'object' ? listed.within : own,
    )
    assert.deepEqual([...new Set(names)], [last])
    assert.deepEqual(
      reports.map(({ index }) => index),
      positions,
    )
  })
}

test('how Keras lists layers outlasts storing, and the whole count is all layers', () => {
  const graph = buildBaseModel({ name: 'ConvNeXtTiny', inputShape: [32, 32, 3] })
  assert.deepEqual(kerasPositions(rebuildGraph(storeGraph(graph))), kerasPositions(graph))
  assert.equal(resolveFreeze({ first: kerasCount(graph) }, graph).size, graph.layers.length)
  const tooMany = () => resolveFreeze({ first: kerasCount(graph) + 1 }, graph)
  assert.throws(tooMany, (error) => {
    assert.ok(error instanceof PipelineError)
    assert.match(error.message, /but convnext_tiny has 133 layers/)
    return true
  })
})
