import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findImages, type FoundImage } from '../data/find-images.ts'
import type { PixelParams } from '../data/picture.ts'
import { scanFiles } from '../data/scan.ts'
import type { Stage, StageContext, StageKind } from '../graph/stage.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { checkedLabels, imagenetLabels, parseLabels } from '../models/labels.ts'
import type { OutputActivation } from '../prediction/classifier.ts'
import { PREDICTION_FILES } from '../prediction/files.ts'
import type { Ranked } from '../prediction/predict-pictures.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { digestOf, type Digest } from '../util/digest.ts'
import { stableJson, type Json } from '../util/json.ts'
import type { StageEnvironment } from './environment.ts'
import { namingBatches } from './memory.ts'
import { withModel, type ModelParams } from './model-choice.ts'
import { TRUNK_BATCH } from './trunk-batch.ts'
import { loadStageWeights } from './weight-files.ts'

export interface PredictParams {
  readonly model: ModelParams
  readonly preprocessing: Preprocessing
  readonly input: PixelParams
  /** `file`: of `hints.labels`; a list: of the run that the model comes from. */
  readonly labels: 'imagenet' | 'file' | readonly string[]
  readonly activation: OutputActivation
  readonly top: number
}

export interface PredictHints {
  /** Absolute; where the places begin, and the names of pictures. */
  readonly folder: string
  /** Pictures, folders and patterns, as seen from the folder. */
  readonly images: readonly string[]
  /** What messages call the model. */
  readonly model: string
  /** A file with one label a line, absolute. */
  readonly labels?: string | undefined
}

/** Beside the predictions. */
const ABOUT_FILE = 'prediction.json'

/** prediction.json of a predict artifact. */
interface PredictionAbout {
  readonly pictures: number
  /** Of the whole model. */
  readonly parameters: number
  /** What is wrong with the pictures that have no prediction. */
  readonly problems: readonly Diagnostic[]
  /** What else a person should hear. */
  readonly notes: readonly Diagnostic[]
}

/**
 * The most probable classes of pictures by a whole model. Needs `weights`, and `architecture` where the model has no name. The
 * probe looks at the bytes of every picture (only stat calls when nothing changed), so that an edit is seen.
 */
export function predictKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'predict',
    version: 1,
    exclusive: 'engine',
    describe: 'name the pictures',
    probe: async (stage, { state, signal }) => {
      const { images, problems } = listed(stage)
      const { folder, labels } = hintsOf(stage)
      const names = images.map(({ name }) => name)
      const memory = join(state, `${digestOf(JSON.stringify([folder, names])).slice(7, 39)}.scan`)
      const { digest } = await scanFiles(folder, names, { signal, memory })
      const text = labels === undefined ? '' : await readFile(labels, 'utf8')
      const told = problems.map(({ message }) => message)
      return digestOf(JSON.stringify([digest, names, told, text])) satisfies Digest
    },
    run: async (context) => {
      const { images, problems } = listed(context.stage)
      const { predictions, bad, parameters } = await predict(environment, context, images)
      const notes = notProbabilities(context.stage, predictions)
      const told = [...problems, ...bad]
      if (predictions.length === 0) throw new PipelineError(told)
      const { predictionCsv, predictionLines } = await import('../prediction/files.ts')
      await writeFile(join(context.out, PREDICTION_FILES.lines), predictionLines(predictions))
      await writeFile(join(context.out, PREDICTION_FILES.table), predictionCsv(predictions))
      const pictures = predictions.length
      const about: PredictionAbout = { pictures, parameters, problems: told, notes }
      await writeFile(join(context.out, ABOUT_FILE), stableJson(about as unknown as Json))
      for (const diagnostic of asWarnings([...notes, ...told])) {
        context.emit({ type: 'warning', stage: context.stage.id, diagnostic })
      }
    },
  }
}

/** What an artifact says of its predictions; problems as warnings. */
export async function readPredictionAbout(artifact: string): Promise<PredictionAbout> {
  const text = await readFile(join(artifact, ABOUT_FILE), 'utf8')
  const about = JSON.parse(text) as PredictionAbout
  return { ...about, problems: asWarnings(about.problems), notes: asWarnings(about.notes) }
}

function asWarnings(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...diagnostic, severity: 'warning' }))
}

/** Logits where nothing makes probabilities of them: larger than 1 for some picture, as good as always. */
function notProbabilities(
  stage: Stage,
  predictions: readonly { readonly top: readonly Ranked[] }[],
): Diagnostic[] {
  const most = predictions.reduce((all, { top }) => Math.max(all, top[0]!.probability), 0)
  if (most <= 1 + 1e-5) return []
  const message = `prediction.activation: the outputs of ${hintsOf(stage).model} are no probabilities, one is ${most}`
  return [{ code: 'NOTE', message, hint: 'for logits write activation: softmax' }]
}

function hintsOf(stage: Stage): PredictHints {
  return stage.hints as unknown as PredictHints
}

/** The pictures that are there. Throws BAD_IMAGE where there are none. */
function listed(stage: Stage): { images: readonly FoundImage[]; problems: readonly Diagnostic[] } {
  const { folder, images } = hintsOf(stage)
  const found = findImages(images, folder)
  if (found.images.length > 0) {
    const named = found.images.map(({ path, name }) => ({ path, name: name.replace(/^\.\//, '') }))
    return { images: named, problems: found.problems }
  }
  throw new PipelineError(
    found.problems.map(({ message, ...problem }) => {
      return { ...problem, message: `prediction.images: ${message}, looking from ${folder}` }
    }),
  )
}

async function predict(
  environment: StageEnvironment,
  { stage, params: given, inputs, signal, emit }: StageContext,
  images: readonly FoundImage[],
) {
  const params = await withModel(given as unknown as PredictParams, inputs)
  const { preprocessing, input, activation, top } = params
  const [{ buildModel }, { outputsOf }, { predictPictures }] = await Promise.all([
    import('../models/base-model.ts'),
    import('../prediction/classifier.ts'),
    import('../prediction/predict-pictures.ts'),
  ])
  const graph = buildModel(params.model)
  const { model } = hintsOf(stage)
  const labels = await labelsOf(stage, params.labels, outputsOf(graph, model))
  const weights = await loadStageWeights(inputs['weights'], undefined)
  const classifier = { graph, weights, preprocessing, input, activation, labels }
  const parameters = [...weights.values()].reduce((sum, { length }) => sum + length, 0)
  const result = await environment.onEngine((engine) => {
    const batch = TRUNK_BATCH[engine.info.name]
    const hint = 'lower dataset.imageSize, or take a smaller baseModel'
    const onProgress = (done: number, total: number) =>
      emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'pictures' })
    return namingBatches({ batch, hint }, () =>
      predictPictures(engine, classifier, { images, top, batch, signal, onProgress }),
    )
  })
  return { ...result, parameters }
}

/** Throws WRONG_VALUE where their number is not that of the outputs. */
async function labelsOf(
  stage: Stage,
  labels: PredictParams['labels'],
  outputs: number,
): Promise<readonly string[]> {
  const { model, labels: file } = hintsOf(stage)
  if (labels === 'imagenet') return imagenetLabels(outputs, model)
  if (labels !== 'file') return checkedLabels(labels, outputs, { model, labels: `run ${model}` })
  return checkedLabels(parseLabels(await readFile(file!, 'utf8')), outputs, {
    model,
    labels: file!,
  })
}
