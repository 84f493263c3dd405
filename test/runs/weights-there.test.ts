import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentOf, fingerprintOf } from '../../src/graph/fingerprint.ts'
import { openStore, type Store } from '../../src/graph/store.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { weightStages } from '../../src/pipeline/data-stages.ts'
import { weightsThere } from '../../src/runs/weights-there.ts'
import { DOWNLOAD } from '../../src/stages/download.ts'

/** As if the package of EfficientNetLite0 had been fetched by any pipeline. */
async function fetched(store: Store): Promise<void> {
  const engine = { name: 'wasm', device: 'cpu', version: '1', threads: 2 } as const
  const [download] = weightStages(
    {
      baseModel: {
        name: 'EfficientNetLite0',
        weights: 'imagenet',
        includeTop: false,
        pooling: 'avg',
      },
      dataset: { imageSize: [96, 96] },
    },
    { engine, seed: 5, pixelNumerics: {}, lockFile: '/p/pipeline.lock', offline: false, pin: true },
  )
  const document = documentOf(download!, DOWNLOAD, {})
  const draft = store.draft()
  writeFileSync(join(draft.out, 'content'), 'a wheel')
  const computed = { stage: download!.id, document, fingerprint: fingerprintOf(document) }
  await store.publish(draft, { ...computed, seconds: 1 }, () => {})
}

test('whose weights are in the store is known without fetching or reading any', async () => {
  const root = mkdtempSync(join(tmpdir(), 'graft-there-'))
  const store = await openStore(root)
  try {
    const there = async () => {
      const found = await weightsThere(BASE_MODELS, store, new AbortController().signal)
      assert.equal(found.length, BASE_MODELS.length)
      return BASE_MODELS.flatMap(({ name }, i) => {
        const { trunk, whole } = found[i]!
        return trunk || whole ? [[name, trunk, whole]] : []
      })
    }
    assert.deepEqual(await there(), [])
    await fetched(store)
    assert.deepEqual(await there(), [['EfficientNetLite0', true, true]])
    store.close()
    await store.gc({ maxBytes: 0 })
    assert.deepEqual(await there(), [])
  } finally {
    rmSync(root, { recursive: true })
  }
})
