// The frozen trunk alone against Keras' `predict`: 224 x 224, batch 32, the same random weights and pixels, both
// processes warm, in turn. Ours starts from uint8 and preprocesses inside, Keras gets float32 preprocessed ahead.
// Prints also how far the outputs are apart, in parts of the largest output.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/trunk.js [MODEL,MODEL...] [PAIRS=5] [PICTURES=320] [OUR_BATCH=32]
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../src/program/program.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import { writeWeights } from '../src/stages/weight-files.ts'
import { featureName, trunkProgram } from '../src/training/trunk.ts'
import { stream } from '../src/util/rng.ts'
import { alternate, measure, report, reportLoad, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import {
  chosen,
  openEngine,
  randomWeights,
  SIZE,
  temporaryFolder,
  trunkOptions,
} from './support/trunks.ts'

const [models, rounds = '5', pictures = '320', ourBatch = '32'] = process.argv.slice(2)
const BARS: Readonly<Record<string, number>> = {
  MobileNetV2: 1.35,
  NASNetMobile: 1.2,
  EfficientNetB0: 1.15,
  ResNet50: 1.05,
  InceptionV3: 1.05,
}
const BATCH = 32
const batch = Number(ourBatch)
const batches = Math.ceil(Number(pictures) / BATCH)
const folder = temporaryFolder()
const random = stream(1, 'pixels')
const pixels = Uint8Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.uniform() * 256)
writeFileSync(join(folder, 'pixels'), pixels)

const engine = await openEngine()
reportLoad()
for (const name of chosen(models)) {
  const options = trunkOptions(name)
  const weights = randomWeights(options)
  const file = join(folder, `${name}.safetensors`)
  await writeWeights(file, buildBaseModel(options.model), weights)
  const { program, kept } = trunkProgram(options, weights, { shape: [batch, SIZE, SIZE, 3] })
  const session = await engine.compile(program)
  const python = startPython('keras_side.py')
  await python.ask({ do: 'load', model: name, weights: file, size: SIZE })
  await python.ask({ do: 'pixels', file: join(folder, 'pixels'), batch: BATCH })

  const part = pixels.subarray(0, pixels.length * Math.min(1, batch / BATCH))
  const run = () => session.run('features', { pixels: part })
  const ours = () =>
    measure(async () => {
      for (let done = 0; done < batches * BATCH; done += batch) await run()
    })
  const theirs = () => python.ask<Cost>({ do: 'predict', batches, batch: BATCH })
  await run()
  await python.ask({ do: 'predict', batches: 1, batch: BATCH })
  const pairs = await alternate(Number(rounds), ours, theirs)
  report(`${name} to [${kept[0]!.shape.join()}]`, pairs, {
    count: batches * BATCH,
    unit: 'pictures',
    bar: BARS[name]!,
  })

  const features = (await run())[featureName(kept[0]!.layer)] as Float32Array
  await python.ask({ do: 'features', file: join(folder, 'features') })
  const bytes = readFileSync(join(folder, 'features'))
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, batch * sizeOf(kept[0]!.shape))
  const largest = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const apart = expected.reduce((most, v, i) => Math.max(most, Math.abs(v - features[i]!)), 0)
  console.log(`  apart by ${(apart / largest).toExponential(1)}`)
  await session.close()
  await python.close()
}
reportLoad()
await engine.close()
