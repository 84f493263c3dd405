/**
 * The frozen trunk alone against Keras' `predict`: batch 32, 224 x 224, the same random weights and pixels, both
 * processes warm, in turn; medians of the rounds. Ours starts from uint8 and preprocesses inside; Keras is given float32
 * that is preprocessed already. Prints also how far the outputs are apart, in the largest output.
 *
 *     GRAFT_BENCH_PYTHON=python3 node dist/bench/trunk.js [MODEL,MODEL...] [ROUNDS=5] [PICTURES=320]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../src/program/program.ts'
import { stream } from '../src/util/rng.ts'
import { alternate, measure, report, reportLoad, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { openEngine, randomTrunk, temporaryFolder, TRUNKS, trunkOptions } from './support/trunks.ts'

const [models, rounds = '5', pictures = '320'] = process.argv.slice(2)
const BATCH = Number(process.env['GRAFT_BENCH_BATCH'] ?? 32)
const SIZE = 224
const batches = Math.ceil(Number(pictures) / BATCH)
const folder = temporaryFolder()
const random = stream(1, 'pixels')
const pixels = Uint8Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.uniform() * 256)
writeFileSync(join(folder, 'pixels'), pixels)

const engine = await openEngine()
reportLoad()
for (const { name, bar } of TRUNKS) {
  if (models !== undefined && !models.split(',').includes(name)) continue
  const file = join(folder, `${name}.safetensors`)
  const python = startPython('keras_side.py')
  const { session, outputShape } = await randomTrunk(engine, trunkOptions(name), BATCH, file)
  await python.ask({ do: 'load', model: name, weights: file, size: SIZE })
  await python.ask({ do: 'pixels', file: join(folder, 'pixels'), batch: BATCH })

  const ours = () =>
    measure(async () => {
      for (let i = 0; i < batches; i += 1) await session.run('features', { pixels })
    })
  const theirs = () => python.ask<Cost>({ do: 'predict', batches, batch: BATCH })
  const pairs = await alternate(Number(rounds), ours, theirs)

  const { features } = (await session.run('features', { pixels })) as { features: Float32Array }
  await python.ask({ do: 'features', file: join(folder, 'features') })
  const bytes = readFileSync(join(folder, 'features'))
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const largest = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const apart = expected.reduce((most, v, i) => Math.max(most, Math.abs(v - features[i]!)), 0)
  report(`${name} to [${outputShape.join()}], batch ${BATCH}`, pairs, {
    count: batches * BATCH,
    unit: 'images',
    bar,
  })
  const same = expected.length === BATCH * sizeOf(outputShape)
  console.log(`  apart  ${same ? (apart / largest).toExponential(1) : 'SHAPES DIFFER'}`)
  await session.close()
  await python.close()
}
reportLoad()
await engine.close()
