// From a folder of JPEGs to features on disk: our stages `index`, `pixels` and `features`, against
// keras.utils.image_dataset_from_directory and `predict`, which leaves them in memory. Same random weights, 224 x 224,
// batch 32, both processes warm, in turn.
// Run: GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [MODEL,MODEL...] [PAIRS=5]
// FOLDER has one folder of pictures for each class.
import { join } from 'node:path'
import { openPack } from '../src/data/pack.ts'
import { keptOutputs } from '../src/training/trunk.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import { openEnvironment } from '../src/stages/environment.ts'
import { WEIGHTS_FILE, writeWeights } from '../src/stages/weight-files.ts'
import { alternate, measure, report, reportLoad, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { folderFeatures } from './support/stages.ts'
import {
  chosen,
  openEngine,
  randomWeights,
  SIZE,
  temporaryFolder,
  trunkOptions,
} from './support/trunks.ts'

const BAR = 1.1
const [pictures, models, rounds = '5'] = process.argv.slice(2)
if (pictures === undefined) {
  throw new Error('GRAFT_BENCH_PYTHON=python node dist/bench/feature-stage.js FOLDER [MODELS]')
}
const work = temporaryFolder()
const environment = openEnvironment(openEngine)

reportLoad()
for (const name of chosen(models)) {
  const options = trunkOptions(name)
  const file = join(work, WEIGHTS_FILE)
  await writeWeights(file, buildBaseModel(options.model), randomWeights(options))
  const python = startPython('keras_side.py')
  await python.ask({ do: 'load', model: name, weights: file, size: SIZE })
  const out = join(work, 'stages')
  const run = () => folderFeatures(environment, { ...options, pictures, weights: work, out })
  // The decoding processes' time is not ours to see: only the clock counts.
  const ours = async () => ({ wall: (await measure(run)).wall })
  const theirs = () => python.ask<Cost>({ do: 'stage', folder: pictures })
  const pack = await openPack(join((await run()).features, 'train', keptOutputs(options)[0]!.layer))
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
