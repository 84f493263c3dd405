import type { Augmentation } from '../data/augmentation/augmentation.ts'
import type { Engine } from '../engines/engine.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import { headLayers } from '../models/head.ts'
import type { WeightMap } from '../models/layer-graph.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { initialize } from '../models/weights/initializers.ts'
import { batchSizes, classWeights } from '../training/batches.ts'
import { monitored, openCallbacks, type CallbackSettings } from '../training/callbacks.ts'
import { openCheckpoints } from '../training/checkpoint.ts'
import { finalWeights } from '../training/ema.ts'
import { fit } from '../training/fit.ts'
import type { LabelledSplit } from '../training/labelled-split.ts'
import type { EpochFigures, LoopPlace } from '../training/loop-state.ts'
import { wholeModel, type ModelOptions, type WholeModel } from '../training/model.ts'
import type { OptimizerConfig } from '../training/optimizers.ts'
import type { Schedule } from '../training/schedules.ts'
import { trainingProgram, type LossConfig } from '../training/training-program.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { stableFigures } from '../util/figures.ts'
import { dueAt, type CheckpointEvery } from './checkpoint-times.ts'
import type { StageEnvironment } from './environment.ts'
import { inferBatch } from './examples.ts'
import { watchFrozen } from './frozen-check.ts'
import { namingBatches } from './memory.ts'
import { withModel } from './model-choice.ts'
import { watchPeak } from './peak.ts'
import { goOn, stoppedText } from './resume.ts'
import { keepSeries } from './series.ts'
import { publish, readBest } from './train-artifact.ts'
import { openData, showDraws, type TrainData } from './train-data.ts'
import { lastFileOf, loadStageWeights } from './weight-files.ts'

export interface TrainParams extends Omit<ModelOptions, 'classes'> {
  readonly loss: LossConfig
  /** Of what is fed as pixels; else the features have had theirs. */
  readonly preprocessing?: Preprocessing | undefined
  /** The layers whose kept outputs are trained on; undefined: pixels are. */
  readonly ends?: readonly string[] | undefined
  /** The same of the splits that are only scored. */
  readonly scoredEnds?: readonly string[] | undefined
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
  readonly callbacks?: CallbackSettings | undefined
}

export interface TrainHints {
  readonly checkpointEvery?: CheckpointEvery | undefined
  /** Of all phases. */
  readonly totalEpochs?: number | undefined
}

const VERSION = 3

const MEMORY = {
  key: 'training.batchSize',
  hint: 'lower training.batchSize or dataset.imageSize, or freeze more layers',
}

/**
 * One phase of training: the head, and the layers below it that are not frozen. Needs what `openData` does, `weights` where layers of the trunk are run, and `previous`, the phase before.
 */
export function trainKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'train',
    version: VERSION,
    exclusive: 'engine',
    describe: 'train what is not frozen',
    run: async (context) => {
      const data = await openData(context)
      try {
        await showDraws(context, data)
        const { batchSize } = context.params as unknown as TrainParams
        const use = { ...MEMORY, batch: Math.min(batchSize, data.train.source.pictures) }
        const unwatch = watchPeak(context.work, use, warnOf(context))
        await namingBatches(use, () =>
          environment.onEngine((engine) => train(engine, context, data)),
        ).finally(unwatch)
      } catch (error) {
        if (context.signal.aborted) tellWhatStoppingMet(context, error)
        throw error
      } finally {
        await data.close()
      }
    },
  }
}

/** Whoever stopped it expects a checkpoint: why there is none must not be lost. */
function tellWhatStoppingMet(context: StageContext, error: unknown): void {
  if (!(error instanceof PipelineError)) return
  const codes = ['DISK_FULL', 'NOT_WRITABLE', 'NOT_FINITE']
  for (const diagnostic of error.diagnostics.filter(({ code }) => codes.includes(code))) {
    warnOf(context)({ ...diagnostic, severity: 'warning' })
  }
}

async function train(engine: Engine, context: StageContext, data: TrainData): Promise<void> {
  const params = await withModel(context.params as unknown as TrainParams, context.inputs)
  const { classes } = data
  const seed = context.stage.seed ?? 0
  const model = wholeModel({ ...params, classes: classes.length })
  const weights = await startWeights(context, model, seed)
  const scored = data.validation ?? data.test
  const { program, shape } = trainingProgram({
    model,
    loss: params.loss,
    weights,
    train: {
      start: startOf(params, data.train),
      optimizer: params.optimizer,
      batches: batchSizes(data.train.source.pictures, params.batchSize, params.lastBatch),
    },
    infer: scored && {
      start: startOf(params, scored),
      batch: inferBatch(engine, params, params.scoredEnds, scored.source.pictures),
    },
  })
  const frozen = watchFrozen(model, weights, program)
  const { checkpointEvery } = context.hints as TrainHints
  const warn = warnOf(context)
  const checkpoints = openCheckpoints(context.work, warn)
  const { threads } = engine.info
  const beginning = await goOn(context, checkpoints, { program, version: VERSION, threads, warn })
  const { callbacks: settings = {} } = params
  const before = await readBest(context.inputs['previous'])
  const callbacks = openCallbacks(settings, params.optimizer.learningRate, before)
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
      metrics: monitored(settings).map(({ figure }) => figure),
      callbacks,
      checkpoints,
      isDue: dueAt(checkpointEvery),
      ...beginning,
      signal: context.signal,
      ...reports(context, params),
    })
    await frozen.confirm(context.out)
    const last = finalWeights(params.optimizer, end.variables)
    const [epoch] = callbacks.bests()
    const isOwn = epoch !== undefined && epoch >= params.firstEpoch
    const weights = isOwn ? await checkpoints.loadBest(epoch) : undefined
    const best = epoch === undefined ? undefined : { epoch, weights }
    await publish(context, model, { history, last, best })
    await keepSeries(context, checkpoints, { version: VERSION, end })
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

function warnOf({ stage, emit }: StageContext) {
  return (diagnostic: Parameters<Parameters<typeof openCheckpoints>[1]>[0]) =>
    emit({ type: 'warning', stage: stage.id, diagnostic })
}

function reports({ stage, emit, hints }: StageContext, { epochs: last, phase }: TrainParams) {
  const { totalEpochs: epochs = last } = hints as TrainHints
  return {
    onEpoch: ({ epoch, train: t, validation: v, seconds }: EpochFigures, before: boolean) =>
      emit({
        type: 'epochDone',
        stage: stage.id,
        epoch,
        epochs,
        phase,
        train: stableFigures(t),
        validation: v && stableFigures(v),
        seconds,
        ...(before ? { before } : {}),
      }),
    onStop: (where: LoopPlace) =>
      emit({ type: 'note', stage: stage.id, message: stoppedText(where) }),
    onBatch: (done: number, total: number) =>
      emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'batches' }),
  }
}
