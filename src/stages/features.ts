import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createPack, openPack } from '../data/pack.ts'
import type { EngineName } from '../engines/engine.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { multiplyAdds } from '../models/cost.ts'
import { sizeOf } from '../program/program.ts'
import { featurePass } from '../training/feature-pass.ts'
import { frozenGraph, trunkProgram, type TrunkOptions } from '../training/trunk.ts'
import { failure } from '../util/diagnostic.ts'
import { bytesText } from '../util/text.ts'
import type { StageEnvironment } from './environment.ts'
import { loadWeights, WEIGHTS_FILE } from './weight-files.ts'

export interface FeaturesHints {
  /** `features.maxBytes` of the pipeline: more than that is refused before anything is computed. */
  readonly maxBytes?: number | undefined
}

export interface FeaturesParams extends TrunkOptions {
  readonly split: string
}

/** Pictures a run: where each engine is quickest (bench/). Rows do not depend on it. */
const BATCH: Readonly<Record<EngineName, number>> = { tensorflow: 32, webgpu: 32, wasm: 2 }

/** Multiply-adds a second of one core, roughly, for `plan`: measured on trunks of the three families. */
const RATE: Readonly<Record<EngineName, number>> = { tensorflow: 35e9, webgpu: 35e9, wasm: 10e9 }

/** What the frozen trunk makes of every picture, once. Needs `pixels` and `weights`. */
export function featuresKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'features',
    version: 1,
    exclusive: 'engine',
    describe: 'run every picture through the frozen trunk',
    estimate: async (stage, inputs) => {
      const params = stage.params as unknown as FeaturesParams
      const pixels = inputs['pixels'] && (await openPack(join(inputs['pixels'].path, params.split)))
      if (!pixels) return {}
      await pixels.close()
      const graph = frozenGraph(params)
      const rate = RATE[stage.numerics?.['engine'] as EngineName] * availableParallelism()
      return {
        bytes: pixels.count * sizeOf(graph.output.outputShape) * 4,
        seconds: (pixels.count * multiplyAdds(graph)) / rate,
      }
    },
    run: (context) =>
      environment.onEngine(async (engine) => {
        const { split, ...options } = context.params as unknown as FeaturesParams
        const pixels = await openPack(join(context.inputs['pixels']!.path, split))
        const batch = BATCH[engine.info.name]
        const { outputShape } = frozenGraph(options).output
        refuseTooMany(context, pixels.count * sizeOf(outputShape) * 4)
        const weights = context.inputs['weights']!
        const shape = [batch, ...pixels.index.shape.slice(1)]
        const session = await environment.compiled(
          JSON.stringify([options, weights.digest, shape]),
          async () => {
            const values = await loadWeights(join(weights.path, WEIGHTS_FILE))
            const { program } = trunkProgram(options, values, shape)
            return engine.compile(program, { concurrency: availableParallelism() })
          },
        )
        const features = await createPack(join(context.out, split), {
          dtype: 'float32',
          shape: [pixels.count, ...outputShape],
          byteOrder: 'little',
        })
        try {
          await featurePass({
            session,
            pixels,
            features,
            batch,
            signal: context.signal,
            onProgress: (done, total) =>
              context.emit({
                type: 'stageProgress',
                stage: context.stage.id,
                done,
                total,
                unit: 'pictures',
              }),
          })
          await features.finish()
        } finally {
          await features.close()
          await pixels.close()
        }
      }),
  }
}

function refuseTooMany({ stage, hints }: StageContext, bytes: number): void {
  const { maxBytes } = hints as FeaturesHints
  if (maxBytes === undefined || bytes <= maxBytes) return
  const what = `${stage.id} would take ${bytesText(bytes)}, features.maxBytes allows ${bytesText(maxBytes)}`
  throw failure('CONFLICT', what, {
    hint: 'raise features.maxBytes, or begin the head with GlobalAveragePooling2D: its features are far smaller',
  })
}
