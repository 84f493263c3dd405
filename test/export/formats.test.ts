import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import h5wasm, { Dataset, File, Group } from 'h5wasm/node'
import { unpackArchive } from '../../src/data/archives/unpack.ts'
import { writeKeras } from '../../src/export/keras.ts'
import { WRITERS } from '../../src/export/tfjs-layers.ts'
import { tfjsNetwork } from '../../src/export/tfjs-network.ts'
import { writeTfjs } from '../../src/export/tfjs.ts'
import { LAYERS } from '../../src/models/layers/table.ts'
import { isObject } from '../../src/models/keras-config/values.ts'
import type { Json } from '../../src/util/json.ts'
import { madeUpPicture, madeUpWeights } from '../models/made-up.ts'
import { assertClose } from '../support/compare.ts'
import { predictInTfjs } from '../support/tfjs.ts'
import { exportGolden, zoo } from './zoo.ts'

const golden = exportGolden()
const { size } = golden
const graph = zoo(size)
const weights = madeUpWeights(graph)

describe('files that other programs load', () => {
  let folder: string
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'graft-export-'))))
  after(() => rm(folder, { recursive: true }))

  it('every layer that is written for tfjs is in the network that is tried', () => {
    const tried = new Set<string>(graph.layers.map(({ kind }) => kind))
    assert.deepEqual(
      Object.keys(WRITERS).filter((kind) => !tried.has(kind)),
      [],
    )
  })

  it('only SavedModels are not written for tfjs', () => {
    const missing = Object.keys(LAYERS).filter((kind) => !Object.hasOwn(WRITERS, kind))
    assert.deepEqual(missing, ['SavedModel'])
  })

  it("tfjs gives Keras' numbers for a network with every layer", async () => {
    await writeTfjs(folder, tfjsNetwork({ graph, weights }), { labels: ['snake_case', 'b', 'c'] })
    const pixels = madeUpPicture(2, size, size)
    const { outputs, metadata } = await predictInTfjs(folder, [2, size, size, 3], pixels)
    assertClose(outputs, golden.outputs, 1e-4, 'outputs')
    assert.deepEqual(metadata, { labels: ['snake_case', 'b', 'c'] })
  })

  it('the .keras file is the one that Keras saves of that network', async () => {
    const path = join(folder, 'model.keras')
    await writeKeras(path, { graph, weights })
    const files = join(folder, 'files')
    await unpackArchive(path, files, { signal: new AbortController().signal })
    assert.deepEqual(readdirSync(files), ['config.json', 'metadata.json', 'model.weights.h5'])
    const config = JSON.parse(readFileSync(join(files, 'config.json'), 'utf8')) as Json
    const differing = differences(config, golden.config, 'config')
    assert.deepEqual(differing, [])
    assert.deepEqual(await datasets(join(files, 'model.weights.h5')), golden.datasets)
  })
})

/** Where what is written is not what Keras writes: it may say less, as Keras has a default for all that is left out. */
function differences(ours: Json, keras: Json | undefined, at: string): string[] {
  if (Array.isArray(ours) && Array.isArray(keras) && ours.length === keras.length) {
    return ours.flatMap((item: Json, i) => differences(item, keras[i] as Json, `${at}[${i}]`))
  }
  if (isObject(ours) && isObject(keras)) {
    return Object.entries(ours).flatMap(([key, value]) =>
      differences(value!, keras[key], `${at}.${key}`),
    )
  }
  // One axis, or a list of one: Keras takes both.
  const theirs = at.endsWith('.axis') && Array.isArray(keras) ? keras[0] : keras
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return []
  return [`${at}: ${JSON.stringify(ours)}, in Keras ${JSON.stringify(keras)}`]
}

/** Path and shape of each, by path. */
async function datasets(path: string): Promise<(readonly [string, readonly number[]])[]> {
  await h5wasm.ready
  const file = new File(path, 'r')
  const found: [string, readonly number[]][] = []
  const visit = (group: Group, at: string): void => {
    for (const key of group.keys()) {
      const item = group.get(key)
      if (item instanceof Dataset) found.push([`${at}${key}`, item.shape ?? []])
      if (item instanceof Group) visit(item, `${at}${key}/`)
    }
  }
  visit(file, '')
  file.close()
  return found.sort(([a], [b]) => (a < b ? -1 : 1))
}
