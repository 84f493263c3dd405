// The frozen trunk in mixed precision (bfloat16) against float32, in turn on one engine: 224 x 224, random weights.
// Prints also how far the outputs are apart, in parts of the largest output and as a root mean square.
// Run: node dist/bench/mixed.js [MODEL,MODEL...] [ROUNDS=7] [BATCH=32]
import { openTensorflow } from '../src/engines/tensorflow/open.ts'
import { featureName, trunkProgram } from '../src/training/trunk.ts'
import { stream } from '../src/util/rng.ts'
import { alternate, measure, reportLoad, spread } from './support/pairs.ts'
import { chosen, randomWeights, SIZE, trunkOptions } from './support/trunks.ts'

const [models, rounds = '7', batch = '32'] = process.argv.slice(2)
const RUNS = 3
const shape = [Number(batch), SIZE, SIZE, 3]
const random = stream(1, 'pixels')
const pixels = Uint8Array.from(
  { length: Number(batch) * SIZE * SIZE * 3 },
  () => random.uniform() * 256,
)

const engines = {
  plain: await openTensorflow({ device: 'cpu' }),
  mixed: await openTensorflow({ device: 'cpu', precision: 'mixed' }),
}
reportLoad()
for (const name of chosen(models)) {
  const options = trunkOptions(name)
  const { program, kept } = trunkProgram(options, randomWeights(options), { shape })
  const feature = featureName(kept[0]!.layer)
  const plain = await engines.plain.compile(program)
  const mixed = await engines.mixed.compile(program)
  const want = (await plain.run('features', { pixels }))[feature] as Float32Array
  const got = (await mixed.run('features', { pixels }))[feature] as Float32Array
  const several = (session: typeof plain) => () =>
    measure(async () => {
      for (let i = 0; i < RUNS; i += 1) await session.run('features', { pixels })
    })
  await several(mixed)()
  const pairs = await alternate(Number(rounds), several(mixed), several(plain))
  const pace = (walls: number[]) =>
    spread(
      walls.map((wall) => (RUNS * Number(batch)) / wall),
      0,
    )
  console.log(name)
  console.log(`  mixed   ${pace(pairs.map(({ ours }) => ours.wall))} pictures/s`)
  console.log(`  float32 ${pace(pairs.map(({ theirs }) => theirs.wall))} pictures/s`)
  console.log(`  times quicker ${spread(pairs.map(({ ours, theirs }) => theirs.wall / ours.wall))}`)
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const apart = want.reduce((most, v, i) => Math.max(most, Math.abs(v - got[i]!)), 0)
  const square = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0)
  const rms = Math.sqrt(square(want.map((v, i) => v - got[i]!)) / square(want))
  console.log(
    `  apart by ${(apart / largest).toExponential(1)}, ${rms.toExponential(1)} in the mean`,
  )
  await plain.close()
  await mixed.close()
}
reportLoad()
await engines.plain.close()
await engines.mixed.close()
