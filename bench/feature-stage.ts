// From a folder of JPEGs to features on disk: our stages `index`, `pixels` and `features`, against
// keras.utils.image_dataset_from_directory and `predict`, which leaves them in memory. Same random weights, 224 x 224,
// batch 32, both processes warm, in turn.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [MODEL,MODEL...] [PAIRS=5]
// FOLDER has one folder of pictures for each class.
import { rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { openPack } from '../src/data/pack.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import { openEnvironment } from '../src/stages/environment.ts'
import { featuresKind } from '../src/stages/features.ts'
import { INDEX } from '../src/stages/index.ts'
import { PIXELS } from '../src/stages/pixels.ts'
import { WEIGHTS_FILE, writeWeights } from '../src/stages/weight-files.ts'
import type { JsonObject } from '../src/util/json.ts'
import { alternate, measure, report, reportLoad, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { runStage } from './support/stages.ts'
import {
  chosen,
  openEngine,
  randomWeights,
  SIZE,
  temporaryFolder,
  trunkOptions,
} from './support/trunks.ts'

const BAR = 1.1
const [folder, models, rounds = '5'] = process.argv.slice(2)
if (folder === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [MODELS]')
}
const pictures = resolve(folder)
const work = temporaryFolder()
const hints = { path: dirname(pictures) }
const environment = openEnvironment(openEngine)
const features = featuresKind(environment)

async function stages(weights: string, options: JsonObject): Promise<string> {
  const out = join(work, 'stages')
  rmSync(out, { recursive: true, force: true })
  const splits = { train: basename(pictures) }
  const index = await runStage(INDEX, out, { params: { splits }, hints })
  const pixels = await runStage(PIXELS, out, {
    params: {
      split: 'train',
      imageSize: [SIZE, SIZE],
      resize: 'bilinear',
      fit: 'stretch',
      colorMode: 'rgb',
      transparency: 'drop',
      exif: false,
    },
    hints,
    inputs: { index },
  })
  return runStage(features, out, {
    params: { ...options, split: 'train' },
    inputs: { pixels, weights },
  })
}

reportLoad()
for (const name of chosen(models)) {
  const options = trunkOptions(name)
  const file = join(work, WEIGHTS_FILE)
  await writeWeights(file, buildBaseModel(options.model), randomWeights(options))
  const python = startPython('keras_side.py')
  await python.ask({ do: 'load', model: name, weights: file, size: SIZE })
  const run = () => stages(work, options as unknown as JsonObject)
  // The decoding processes' time is not ours to see: only the clock counts.
  const ours = async () => ({ wall: (await measure(run)).wall })
  const theirs = () => python.ask<Cost>({ do: 'stage', folder: pictures })
  const pack = await openPack(join(await run(), 'train'))
  await pack.close()
  await theirs()
  report(
    `${name}, ${pack.count} pictures`,
    await alternate(Number(rounds), ours, async () => ({ wall: (await theirs()).wall })),
    { count: pack.count, unit: 'pictures', bar: BAR },
  )
  await python.close()
}
reportLoad()
await environment.close()
