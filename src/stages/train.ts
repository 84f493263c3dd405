import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, StageContext, StageKind } from '../graph/stage.ts'
import { initialize } from '../models/weights/initializers.ts'
import { stableFigures } from '../util/figures.ts'
import { batchSizes, classWeights } from '../training/batches.ts'
import { fit, notFinite, type LabelledSplit } from '../training/fit.ts'
import { headGraph, headProgram, type HeadOptions } from '../training/head-program.ts'
import type { OptimizerConfig } from '../training/optimizers.ts'
import type { Schedule } from '../training/schedules.ts'
import type { StageEnvironment } from './environment.ts'
import { openSplit } from './labelled-split.ts'
import { writeWeights } from './weight-files.ts'

export interface TrainParams extends Omit<HeadOptions, 'classes'> {
  readonly optimizer: OptimizerConfig & { readonly learningRate: number | Schedule }
  readonly epochs: number
  readonly batchSize: number
  readonly lastBatch: 'keep' | 'drop'
  readonly shuffle: boolean
  readonly classWeight: 'none' | 'balanced' | Readonly<Record<string, number>>
}

/** Files of a train artifact: the head's weights, and one line an epoch. */
export const MODEL_FILE = 'model.safetensors'
export const HISTORY_FILE = 'history.jsonl'

/** Trains the head on stored features. Needs features `train` and `labels`; where there is one, `validation` and `validationLabels`. */
export function trainKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'train',
    version: 1,
    exclusive: 'engine',
    describe: 'train the head on the stored features',
    run: async (context) => {
      const { labels, train: features } = context.inputs
      const train = await openSplit(labels!, features!, 'train')
      const { classes } = train
      const params = { ...(context.params as unknown as TrainParams), classes: classes.length }
      const validation = await openValidation(context)
      try {
        await environment.onEngine(async (engine) => {
          const seed = context.stage.seed ?? 0
          const { layers } = headGraph(params)
          const { program, shape } = headProgram(
            params,
            initialize(layers, seed),
            {
              optimizer: params.optimizer,
              batches: batchSizes(train.features.pictures, params.batchSize, params.lastBatch),
            },
            validation?.features.pictures ?? 0,
          )
          const session = await engine.compile(program)
          try {
            const history = await fit({
              ...params,
              session,
              head: shape,
              train,
              validation,
              seed,
              classWeights: classWeights(params.classWeight, classes, train.labels),
              signal: context.signal,
              ...reports(context, params.epochs),
            })
            const names = layers.flatMap((layer) => layer.weights.map((w) => w.name))
            const values = await session.read(names)
            // The last step may be the one that goes wrong, and no loss tells of it.
            for (const [name, data] of values) {
              if (data.every(Number.isFinite)) continue
              throw notFinite(`${name} is not finite after the last epoch`, params)
            }
            await writeWeights(join(context.out, MODEL_FILE), { layers }, values)
            const lines = history.map(({ epoch, train: t, validation: v }) =>
              JSON.stringify({
                epoch,
                phase: 1,
                train: stableFigures(t),
                ...(v ? { validation: stableFigures(v) } : {}),
              }),
            )
            await writeFile(join(context.out, HISTORY_FILE), `${lines.join('\n')}\n`)
          } finally {
            await session.close()
          }
        })
      } finally {
        await train.close()
        await validation?.close()
      }
    },
  }
}

async function openValidation(
  context: StageContext,
): Promise<(LabelledSplit & { close(): Promise<void> }) | undefined> {
  const features: Artifact | undefined = context.inputs['validation']
  return features && openSplit(context.inputs['validationLabels']!, features, 'validation')
}

function reports({ stage, emit }: StageContext, epochs: number) {
  return {
    onEpoch: ({
      epoch,
      train,
      validation,
      seconds,
    }: Parameters<Parameters<typeof fit>[0]['onEpoch']>[0]) =>
      emit({
        type: 'epochDone',
        stage: stage.id,
        epoch,
        epochs,
        phase: 1,
        train: stableFigures(train),
        validation: validation && stableFigures(validation),
        seconds,
      }),
    onBatch: (done: number, total: number) =>
      emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'batches' }),
  }
}
