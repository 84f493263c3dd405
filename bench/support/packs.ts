import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createPack, type PackWriter } from '../../src/data/pack.ts'
import type { Engine } from '../../src/engines/engine.ts'
import type { WeightMap } from '../../src/models/layer-graph.ts'
import { openPacks, type ExampleSource } from '../../src/training/example-source.ts'
import { featurePass } from '../../src/training/feature-pass.ts'
import type { FeaturePlan } from '../../src/training/feature-plan.ts'
import { featureName, PIXELS, trunkProgram, type TrunkOptions } from '../../src/training/trunk.ts'
import type { Pictures } from './memory.ts'

/** Pictures as a pack on disk, as the stage `pixels` leaves them. */
export async function pixelPack(
  path: string,
  { pixels, source }: Pictures,
): Promise<ExampleSource> {
  const [input] = source.inputs
  const shape = [source.pictures, ...input!.shape]
  const pack = await createPack(path, { dtype: 'uint8', shape, byteOrder: 'little' })
  await pack.write(0, pixels)
  await pack.finish()
  return openPacks([{ name: PIXELS, path }])
}

/** What the frozen layers make of every picture, as packs on disk, as the stage `features` leaves them. */
export async function keptPacks(
  folder: string,
  engine: Engine,
  options: {
    readonly source: ExampleSource
    readonly plan: FeaturePlan
    readonly trunk: TrunkOptions
    readonly weights: WeightMap
    readonly batch: number
  },
): Promise<ExampleSource> {
  const { source, plan, trunk, weights, batch } = options
  const { ends, tail } = plan
  const shape = [batch, ...source.inputs[0]!.shape]
  const { program, kept } = trunkProgram({ ...trunk, ends, tail }, weights, { shape })
  const session = await engine.compile(program)
  const features = new Map<string, PackWriter>()
  const packs: { name: string; path: string }[] = []
  await mkdir(folder)
  for (const { layer, shape } of kept) {
    const path = join(folder, layer)
    const index = {
      dtype: 'float32',
      shape: [source.pictures, ...shape],
      byteOrder: 'little',
    } as const
    await mkdir(dirname(path), { recursive: true })
    features.set(featureName(layer), await createPack(path, index))
    packs.push({ name: featureName(layer), path })
  }
  const signal = new AbortController().signal
  await featurePass({ session, source, features, batch, signal, onProgress: () => undefined })
  for (const pack of features.values()) await pack.finish()
  await session.close()
  return openPacks(packs)
}
