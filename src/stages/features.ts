import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createPack, openPack, type PackIndex, type PackWriter } from '../data/pack.ts'
import type { Engine, EngineName } from '../engines/engine.ts'
import { RATE } from '../engines/rate.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { multiplyAdds } from '../models/cost.ts'
import { sizeOf } from '../program/program.ts'
import type { Augmentation } from '../data/augmentation/augmentation.ts'
import { MOST_PAIRS } from '../data/augmentation/contact-sheet.ts'
import { openBank } from '../training/augmented-source.ts'
import { openPacks, type ExampleSource } from '../training/example-source.ts'
import { featurePass } from '../training/feature-pass.ts'
import {
  featureName,
  frozenGraph,
  keptOutputs,
  PIXELS,
  trunkProgram,
  type TrunkOptions,
} from '../training/trunk.ts'
import { writeSheet } from './augmentation-sheet.ts'
import type { StageEnvironment } from './environment.ts'
import { namingBatches } from './memory.ts'
import { withModel } from './model-choice.ts'
import { TRUNK_BATCH } from './trunk-batch.ts'
import { lastFileOf, loadStageWeights } from './weight-files.ts'

export interface FeaturesParams extends TrunkOptions {
  readonly split: string
  readonly dtype: 'float32' | 'float16'
  /** A bank: so many draws of each picture are kept. Drawn with the stage's seed. */
  readonly bank?: { readonly variants: number; readonly augmentation: Augmentation } | undefined
}

/** Of a pass without gradients; the size of its batches is no setting. */
export const LESS_MEMORY =
  'lower dataset.imageSize, or take a smaller baseModel; other programs may hold memory too'

/** What the frozen trunk makes of every picture, once. Needs `pixels`, `weights` and, behind earlier phases, `model`. */
export function featuresKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'features',
    version: 2,
    exclusive: 'engine',
    describe: 'run every picture through the frozen layers',
    estimate: async (stage, inputs) => {
      const given = stage.params as unknown as FeaturesParams
      if ('imported' in given.model && !inputs['architecture']) return {}
      const params = await withModel(given, inputs)
      const pixels = inputs['pixels'] && (await openPack(join(inputs['pixels'].path, params.split)))
      if (!pixels) return {}
      await pixels.close()
      const rate = RATE[stage.numerics?.['engine'] as EngineName] * availableParallelism()
      const rows = pixels.count * (params.bank?.variants ?? 1)
      return {
        bytes: rows * bytesOfOne(params),
        seconds: (rows * multiplyAdds(frozenGraph(params))) / rate,
      }
    },
    run: (context) =>
      environment.onEngine((engine) => {
        const batch = TRUNK_BATCH[engine.info.name]
        return namingBatches({ batch, hint: LESS_MEMORY }, () =>
          computeFeatures(environment, engine, context, batch),
        )
      }),
  }
}

async function computeFeatures(
  environment: StageEnvironment,
  engine: Engine,
  context: StageContext,
  batch: number,
): Promise<void> {
  const given = context.params as unknown as FeaturesParams
  const params = await withModel(given, context.inputs)
  const { split, dtype: _, bank: __, ...options } = params
  const { weights, model } = context.inputs
  const source = await openSource(context, params)
  try {
    await showBank(context, params, source)
    const [input] = source.inputs
    const pixels = { shape: [batch, ...input!.shape], dtype: input!.dtype }
    const session = await environment.compiled(
      JSON.stringify([{ ...options, model: given.model }, weights!.digest, model?.digest, pixels]),
      async () => {
        const values = await loadStageWeights(weights, model, model && lastFileOf(model))
        const { program } = trunkProgram(options, values, pixels)
        return engine.compile(program, { concurrency: availableParallelism() })
      },
    )
    await write(join(context.out, split), params, source.pictures, (features) =>
      featurePass({
        session,
        source,
        features,
        batch,
        signal: context.signal,
        onProgress: progressOf(context),
      }),
    )
  } finally {
    await source.close()
  }
}

function openSource(
  { inputs, stage }: StageContext,
  { split, bank }: FeaturesParams,
): Promise<ExampleSource> {
  const path = join(inputs['pixels']!.path, split)
  if (bank) return openBank({ path, ...bank, seed: stage.seed ?? 0 })
  return openPacks([{ name: PIXELS, path }])
}

/** The first pictures with their variants. */
async function showBank(
  { inputs, out }: StageContext,
  { split, bank }: FeaturesParams,
  source: ExampleSource,
): Promise<void> {
  if (!bank) return
  const rows = Array.from({ length: Math.min(source.pictures, MOST_PAIRS) }, (_, row) => ({
    row,
    picture: Math.floor(row / bank.variants),
  }))
  await writeSheet(out, join(inputs['pixels']!.path, split), source, rows, 1)
}

/** One pack for each layer that is kept, finished once `fill` has filled them all. */
async function write(
  folder: string,
  params: FeaturesParams,
  pictures: number,
  fill: (features: ReadonlyMap<string, PackWriter>) => Promise<void>,
): Promise<void> {
  const features = new Map<string, PackWriter>()
  try {
    await mkdir(folder)
    for (const { layer, shape } of keptOutputs(params)) {
      const index: PackIndex = {
        dtype: params.dtype,
        shape: [pictures, ...shape],
        byteOrder: 'little',
      }
      features.set(featureName(layer), await createPack(join(folder, layer), index))
    }
    await fill(features)
    for (const pack of features.values()) await pack.finish()
  } finally {
    for (const pack of features.values()) await pack.close()
  }
}

/** What is kept of one picture. */
function bytesOfOne(params: FeaturesParams): number {
  const numbers = keptOutputs(params).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return numbers * (params.dtype === 'float16' ? 2 : 4)
}

function progressOf({ stage, emit }: StageContext): (done: number, total: number) => void {
  return (done, total) =>
    emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'pictures' })
}
