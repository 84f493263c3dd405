import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import type { Engine, Session } from '../../src/engines/engine.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { GraphBuilder, layerGraph } from '../../src/models/graph-builder.ts'
import type { Classifier } from '../../src/prediction/classifier.ts'
import { predictPictures } from '../../src/prediction/predict-pictures.ts'
import { DEFAULT_INPUT } from '../../src/runs/classifier.ts'
import { pixelParams } from '../../src/runs/load-model.ts'

let folder = ''
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-predict-'))
  const background = { r: 255, g: 0, b: 51 }
  const picture = sharp({ create: { width: 4, height: 4, channels: 3, background } })
  await picture.png().toFile(join(folder, 'red.png'))
  writeFileSync(join(folder, 'bad.png'), 'no picture')
})
after(() => rmSync(folder, { recursive: true }))

/** The means of a picture's colours, in 0..1. */
function colours(): Classifier {
  const g = new GraphBuilder()
  const input = g.input([4, 4, 3])
  const graph = layerGraph('colours', input, g.layer('GlobalAveragePooling2D', input, {}))
  return {
    graph,
    weights: new Map(),
    preprocessing: { rescale: 1 / 255 },
    input: pixelParams({ ...DEFAULT_INPUT, imageSize: [4, 4] }),
    activation: 'none',
    labels: ['red', 'green', 'blue'],
  }
}

const imagesOf = (...names: string[]) => names.map((name) => ({ path: join(folder, name), name }))

test('bad pictures are told in their order, and have no part in the answers', async () => {
  const engine = await openWasm()
  const { signal } = new AbortController()
  const images = imagesOf('bad.png', 'red.png')
  const options = { images, top: 2, batch: 2, signal }
  const { predictions, bad } = await predictPictures(engine, colours(), options)
  await engine.close()
  assert.deepEqual(predictions, [
    {
      image: 'red.png',
      top: [
        { label: 'red', index: 0, probability: 1 },
        { label: 'blue', index: 2, probability: 0.2 },
      ],
    },
  ])
  assert.deepEqual(bad, [
    { code: 'BAD_IMAGE', message: 'bad.png is not a picture: it is plain text' },
  ])
})

test('what fails because all is stopped is that it was stopped; session and files are gone', async () => {
  const stopped = new AbortController()
  let closed = 0
  const session = {
    concurrency: 1,
    run: () => {
      stopped.abort(new Error('stopped'))
      return Promise.reject(new Error('the engine died of it'))
    },
    close: () => Promise.resolve(void (closed += 1)),
  } as unknown as Session
  const engine = { compile: () => Promise.resolve(session) } as unknown as Engine
  const options = { images: imagesOf('red.png'), top: 1, batch: 1, signal: stopped.signal }
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    await assert.rejects(predictPictures(engine, colours(), options), /^Error: stopped$/)
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
  assert.equal(closed, 1)
  assert.deepEqual(readdirSync(folder).sort(), ['bad.png', 'red.png'])
})
