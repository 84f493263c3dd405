import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadPipeline } from '../../src/pipeline/load.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { modelFile } from '../support/models.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-model-files-'))
  for (const name of ['unlisted.keras', 'nested.keras']) {
    await writeFile(join(folder, name), modelFile(name))
  }
})
after(() => rm(folder, { recursive: true }))

async function load(baseModel: string, more = '') {
  const file = join(folder, 'p.yaml')
  const dataset = '{source: {path: pictures}, splits: {train: train, validation: validation}}'
  const head = '[{Dense: {units: classes, activation: softmax}}]'
  await writeFile(file, `dataset: ${dataset}\nbaseModel: ${baseModel}\nhead: ${head}\n${more}`)
  return loadPipeline(file, { env: {}, cwd: folder })
}

test('what a model file says of training and is left out is a note at its key', async () => {
  const { pipeline, warnings } = await load('{keras: unlisted.keras}', 'preprocessing: {mode: tf}')
  assert.deepEqual(pipeline.dataset.imageSize, [12, 10])
  const notes = warnings.map(({ code, at, message }) => [code, at?.line, message.split('/').at(-1)])
  assert.deepEqual(notes, [
    [
      'NOTE',
      2,
      'unlisted.keras: RandomFlip of random_flip is left out; only training would feel it',
    ],
    [
      'NOTE',
      2,
      'unlisted.keras: GaussianNoise of gaussian_noise is left out; only training would feel it',
    ],
  ])
})

test('a model that rescales inside has nothing to say of preprocessing', async () => {
  const { warnings } = await load('{keras: nested.keras}')
  assert.deepEqual(warnings, [])
})

test('layers are counted as Keras counts them', async () => {
  // in, base, tail, c2; arithmetic is no layer.
  await load('{keras: nested.keras}', 'freeze: {first: 4}')
  await assert.rejects(load('{keras: nested.keras}', 'freeze: {first: 5}'), (error) => {
    assert.ok(error instanceof PipelineError)
    assert.match(error.message, /freeze\.first is 5, but outer has 4 layers/)
    return basename(error.diagnostics[0]!.at!.file) === 'p.yaml'
  })
})
