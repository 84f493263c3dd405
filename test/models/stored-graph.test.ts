import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildBaseModel, rebuildModel } from '../../src/models/base-model.ts'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import { readSavedModelGraph } from '../../src/models/saved-model/read.ts'
import {
  parseStored,
  rebuildGraph,
  storedText,
  storeGraph,
  type StoredGraph,
} from '../../src/models/stored-graph.ts'
import { Misfit } from '../../src/program/shapes.ts'
import { ARCHITECTURE_FILE, readArchitecture } from '../../src/stages/model-choice.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { ROOT } from '../support/paths.ts'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** A convolution of 5 x 5, then the values as 3 x 3 in four channels: pictures of 7 x 7 fit. */
function small(): StoredGraph {
  const g = new GraphBuilder()
  const input = g.input([7, 7, 3])
  const convolved = g.layer('Conv2D', input, { filters: 4, kernelSize: [5, 5] }, 'conv')
  const output = g.layer('Reshape', convolved, { targetShape: [9, 4] }, 'rows')
  return storeGraph(layerGraph('small', input, output))
}

test('layers come out of their file as they went in', async () => {
  const module = join(ROOT, 'test/fixtures/savedmodels/hub')
  const mobile = buildBaseModel({ name: 'MobileNetV2', alpha: 0.35, inputShape: [32, 32, 3] })
  const cases = [
    [small(), [7, 7, 3]],
    [storeGraph(mobile), [64, 32, 3]],
    [await readSavedModelGraph(module), [8, 8, 3]],
  ] as const
  for (const [graph, inputShape] of cases) {
    const text = storedText(graph)
    assert.match(text, /^\{\n {2}"format": 1,\n/)
    const read = await parseStored(text)
    assert.deepEqual(read, plain(graph))
    assert.equal(storedText(read), text)
    assert.equal(rebuildGraph(read, { inputShape }).layers.length, read.layers.length)
  }
})

test('layers of another format, or that do not lead to each other, are told', async () => {
  const change = (more: object) =>
    JSON.stringify({ ...(JSON.parse(storedText(small())) as object), ...more })
  const [input, conv, rows] = small().layers
  const cases: [string, string][] = [
    [JSON.stringify(small()), 'format undefined, not 1'],
    [change({ format: 2 }), 'format 2, not 1'],
    [change({ format: '1' }), 'format 1, not 1'],
    ['null', 'format undefined, not 1'],
    [change({ layers: [input, rows, conv] }), 'no layer conv before rows'],
    [change({ layers: [input, { ...conv, kind: 'Conv9D' }] }), 'conv of the unknown kind Conv9D'],
    [
      change({ layers: [input, { ...conv, kind: 'toString' }] }),
      'conv of the unknown kind toString',
    ],
    [change({ output: 'last' }), 'no layer last'],
  ]
  const folder = await mkdtemp(join(tmpdir(), 'graft-stored-'))
  try {
    for (const [text, message] of cases) {
      await assert.rejects(parseStored(text), { name: 'SyntaxError', message })
      await writeFile(join(folder, ARCHITECTURE_FILE), text)
      await assert.rejects(readArchitecture({ path: folder }), (error: unknown) => {
        assert.ok(error instanceof PipelineError)
        const [{ code, message: told, hint }] = error.diagnostics as [(typeof error.diagnostics)[0]]
        assert.equal(code, 'STORE_DAMAGED')
        assert.ok(told.endsWith(`${ARCHITECTURE_FILE} is not of this version: ${message}`), told)
        assert.equal(hint, 'run again with --force weights')
        return true
      })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('pictures that the layers do not take are told as a wrong value', () => {
  const stored = small()
  const cases = [
    [[4, 9, 3], 'small on pictures of 4x9x3: a window of 5,5 does not fit in 4,9'],
    [[8, 8, 3], 'small on pictures of 8x8x3: [4, 4, 4] as [9, 4]'],
    [[7, 7], 'small on pictures of 7x7: one [height, width, channels], got [7,7]'],
  ] as const
  for (const [inputShape, message] of cases) {
    assert.throws(
      () => rebuildModel({ stored, inputShape }),
      (error: unknown) => {
        assert.ok(error instanceof PipelineError && error.cause instanceof Misfit)
        assert.deepEqual(
          error.diagnostics.map((d) => `${d.code} ${d.message}`),
          [`WRONG_VALUE ${message}`],
        )
        return true
      },
    )
  }
})

test('a mistake of ours in a layer stays one', () => {
  const stored = small()
  const layers = stored.layers.map((layer) =>
    layer.name === 'conv'
      ? { ...layer, config: { ...layer.config, kernelSize: undefined } }
      : layer,
  ) as StoredGraph['layers']
  assert.throws(
    () => rebuildModel({ stored: { ...stored, layers } }),
    (error) => error instanceof TypeError && !(error instanceof Misfit),
  )
})
