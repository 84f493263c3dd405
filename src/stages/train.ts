import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../engines/engine.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { initialize } from '../models/weights/initializers.ts'
import { headLayers } from '../models/head.ts'
import type { WeightMap } from '../models/layer-graph.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import type { Augmentation } from '../data/augmentation/augmentation.ts'
import { drawnFromBank, openAugmented } from '../training/augmented-source.ts'
import type { ExampleSource } from '../training/example-source.ts'
import { batchSizes, classWeights, planEpoch } from '../training/batches.ts'
import { openCheckpoints } from '../training/checkpoint.ts'
import { finalWeights } from '../training/ema.ts'
import { fit, type EpochFigures } from '../training/fit.ts'
import type { LabelledSplit } from '../training/labelled-split.ts'
import { wholeModel, type ModelOptions, type WholeModel } from '../training/model.ts'
import type { OptimizerConfig } from '../training/optimizers.ts'
import type { Schedule } from '../training/schedules.ts'
import { trainingProgram, type LossConfig } from '../training/training-program.ts'
import { stableFigures } from '../util/figures.ts'
import type { JsonObject } from '../util/json.ts'
import { SHEET_FILE, writeSheet } from './augmentation-sheet.ts'
import { dueAt, type CheckpointEvery } from './checkpoint-times.ts'
import type { StageEnvironment } from './environment.ts'
import { exampleFiles, inferBatch } from './examples.ts'
import { watchFrozen } from './frozen-check.ts'
import { HISTORY_FILE, readHistory } from './history.ts'
import { openExamples, openSplit, withLabels } from './labelled-split.ts'
import { goOn, keepSeries } from './series.ts'
import { lastFileOf, loadStageWeights, MODEL_FILE, writeWeights } from './weight-files.ts'

export interface TrainParams extends Omit<ModelOptions, 'classes'> {
  readonly loss: LossConfig
  /** Of what is fed as pixels; else the features have had theirs. */
  readonly preprocessing?: Preprocessing | undefined
  /** The layers whose kept outputs are trained on; undefined: pixels are. */
  readonly ends?: readonly string[] | undefined
  /** The same for validation. */
  readonly validationEnds?: readonly string[] | undefined
  readonly optimizer: OptimizerConfig & { readonly learningRate: number | Schedule }
  /** Fresh draws every epoch, of pixels. */
  readonly augmentation?: Augmentation | undefined
  /** How many draws of each picture the features hold. */
  readonly bank?: number | undefined
  /** From 1. */
  readonly phase: number
  /** Epochs are counted over all phases. */
  readonly firstEpoch: number
  readonly epochs: number
  readonly batchSize: number
  readonly lastBatch: 'keep' | 'drop'
  readonly shuffle: boolean
  readonly classWeight: 'none' | 'balanced' | Readonly<Record<string, number>>
}

export interface TrainHints {
  readonly checkpointEvery?: CheckpointEvery | undefined
  /** Of all phases. */
  readonly totalEpochs?: number | undefined
}

/**
 * One phase of training: the head, and the layers below it that are not frozen. Needs `labels` and `features` or `pixels`; where there
 * is a validation, `validationLabels` and `validation`; `weights` where layers of the trunk are run, and `previous`, the phase before.
 */
export function trainKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'train',
    version: 3,
    exclusive: 'engine',
    describe: 'train what is not frozen',
    run: async (context) => {
      const data = await openData(context)
      try {
        await showDraws(context, data)
        await environment.onEngine((engine) => train(engine, context, data))
      } finally {
        await data.train.source.close()
        await data.validation?.source.close()
      }
    },
  }
}

interface Data {
  readonly train: LabelledSplit
  readonly validation: LabelledSplit | undefined
  readonly classes: readonly string[]
}

async function train(engine: Engine, context: StageContext, data: Data): Promise<void> {
  const params = context.params as unknown as TrainParams
  const { classes } = data
  const seed = context.stage.seed ?? 0
  const model = wholeModel({ ...params, classes: classes.length })
  const weights = await startWeights(context, model, seed)
  const { program, shape } = trainingProgram({
    model,
    loss: params.loss,
    weights,
    train: {
      start: startOf(params, data.train),
      optimizer: params.optimizer,
      batches: batchSizes(data.train.source.pictures, params.batchSize, params.lastBatch),
    },
    infer: data.validation && {
      start: startOf(params, data.validation),
      batch: inferBatch(engine, params, params.validationEnds, data.validation.source.pictures),
    },
  })
  const frozen = watchFrozen(model, weights, program)
  const { checkpointEvery } = context.hints as TrainHints
  const warn = warnOf(context)
  const checkpoints = openCheckpoints(context.work, warn)
  const stamp = { threads: engine.info.threads }
  const from = await goOn(context, checkpoints, { params, stamp, warn })
  const session = await engine.compile(program)
  try {
    const { history, end } = await fit({
      ...params,
      ...data,
      session,
      shape,
      seed,
      lastEpoch: params.epochs,
      classWeights: classWeights(params.classWeight, classes, data.train.labels),
      checkpoints,
      isDue: dueAt(checkpointEvery),
      from,
      stamp,
      signal: context.signal,
      ...reports(context, params),
    })
    await frozen.confirm(context.out)
    await publish(context, model, finalWeights(params.optimizer, end.variables), history)
    await keepSeries(context, end)
  } finally {
    await session.close()
  }
}

function startOf({ preprocessing = { mode: 'none' } }: TrainParams, { source }: LabelledSplit) {
  return { inputs: source.inputs, preprocessing }
}

/** What the phase begins with: the phase before it, or the base model's weights with a fresh head. */
async function startWeights(
  { inputs }: StageContext,
  { graph, trunk }: WholeModel,
  seed: number,
): Promise<WeightMap> {
  const { weights, previous } = inputs
  const known = await loadStageWeights(weights, previous, previous && lastFileOf(previous))
  return previous ? known : new Map([...known, ...initialize(headLayers(graph, trunk), seed)])
}

async function openData(context: StageContext): Promise<Data> {
  const { inputs, params } = context
  const { validationEnds } = params as unknown as TrainParams
  const { labels, validationLabels, validation } = inputs
  const train = await withLabels(labels!, await openTraining(context), 'train')
  return {
    train,
    classes: train.classes,
    validation:
      validation &&
      (await openSplit(validationLabels!, exampleFiles(validation, validationEnds), 'validation')),
  }
}

async function openTraining({ inputs, params, stage }: StageContext): Promise<ExampleSource> {
  const { ends, augmentation, bank } = params as unknown as TrainParams
  const examples = inputs['train']!
  const seed = stage.seed ?? 0
  if (augmentation) return openAugmented({ path: join(examples.path, 'train'), augmentation, seed })
  const source = await openExamples(exampleFiles(examples, ends), 'train')
  return bank === undefined ? source : drawnFromBank(source, bank, seed)
}

/** The first batch as the model sees it. */
async function showDraws({ inputs, out, params, stage }: StageContext, { train }: Data) {
  const settings = params as unknown as TrainParams
  const { augmentation, bank, firstEpoch: epoch } = settings
  if (bank !== undefined) {
    await copyFile(join(inputs['train']!.path, SHEET_FILE), join(out, SHEET_FILE))
  }
  if (!augmentation) return
  const seed = stage.seed ?? 0
  const { order, batches } = planEpoch(train.source.pictures, { ...settings, seed, epoch })
  const rows = [...order.subarray(...batches[0]!)].map((row) => ({ row, picture: row }))
  await writeSheet(out, join(inputs['train']!.path, 'train'), train.source, rows, epoch)
}

/** The artifact: every weight that training has changed so far, in earlier phases too, and a line an epoch. */
async function publish(
  { inputs, out, params }: StageContext,
  { graph, trained }: WholeModel,
  values: WeightMap,
  history: readonly EpochFigures[],
): Promise<void> {
  const { previous } = inputs
  const before: WeightMap = previous
    ? await loadStageWeights(undefined, previous, lastFileOf(previous))
    : new Map()
  const names = new Set(trained.map((layer) => layer.name))
  const layers = graph.layers.filter(
    ({ name, weights }) => names.has(name) || weights.some((w) => before.has(w.name)),
  )
  await writeWeights(join(out, MODEL_FILE), { layers }, new Map([...before, ...values]))
  const { phase } = params as unknown as TrainParams
  const lines = [
    ...(previous ? await readHistory(previous) : []),
    ...history.map((figures) => JSON.stringify(stable(figures, phase))),
  ]
  await writeFile(join(out, HISTORY_FILE), `${lines.join('\n')}\n`)
}

function stable({ epoch, train: t, validation: v }: EpochFigures, phase: number): JsonObject {
  return {
    epoch,
    phase,
    train: stableFigures(t),
    ...(v ? { validation: stableFigures(v) } : {}),
  }
}

function warnOf({ stage, emit }: StageContext) {
  return (diagnostic: Parameters<Parameters<typeof openCheckpoints>[1]>[0]) =>
    emit({ type: 'warning', stage: stage.id, diagnostic })
}

function reports({ stage, emit, hints }: StageContext, { epochs: last, phase }: TrainParams) {
  const { totalEpochs: epochs = last } = hints as TrainHints
  return {
    onEpoch: ({ epoch, train: t, validation: v, seconds }: EpochFigures) =>
      emit({
        type: 'epochDone',
        stage: stage.id,
        epoch,
        epochs,
        phase,
        train: stableFigures(t),
        validation: v && stableFigures(v),
        seconds,
      }),
    onBatch: (done: number, total: number) =>
      emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'batches' }),
  }
}
