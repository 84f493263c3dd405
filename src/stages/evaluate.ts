import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPictures } from '../data/index-table.ts'
import type { Engine } from '../engines/engine.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'
import type { Preprocessing } from '../models/preprocessing.ts'
import { notFinite } from '../training/fit.ts'
import { wholeModel, type ModelOptions } from '../training/model.ts'
import { predicted, type ClassFigures, type MetricName } from '../training/metrics.ts'
import { evaluateSplit } from '../training/score.ts'
import { trainingProgram, type LossConfig } from '../training/training-program.ts'
import { stableFigures, stableNumber } from '../util/figures.ts'
import { stableJson, type Json } from '../util/json.ts'
import type { StageEnvironment } from './environment.ts'
import { exampleFiles, inferBatch } from './examples.ts'
import { LESS_MEMORY } from './features.ts'
import { openSplit } from './labelled-split.ts'
import { namingBatches } from './memory.ts'
import { withModel } from './model-choice.ts'
import { loadStageWeights } from './weight-files.ts'

export interface EvaluateParams extends Omit<ModelOptions, 'classes'> {
  readonly split: string
  readonly loss: LossConfig
  /** Of what is fed as pixels; else the features have had theirs. */
  readonly preprocessing?: Preprocessing | undefined
  /** The layers whose kept outputs are scored; undefined: pixels are. */
  readonly ends?: readonly string[] | undefined
  readonly metrics: readonly MetricName[]
  readonly predictions: boolean
}

/** Files of an evaluate artifact. */
export const EVALUATION_FILES = {
  metrics: 'metrics.json',
  predictions: 'predictions.jsonl',
} as const

/** metrics.json. */
export interface EvaluationFile {
  readonly split: string
  readonly pictures: number
  readonly classes: readonly string[]
  readonly figures: Readonly<Record<string, number>>
  readonly perClass: readonly (ClassFigures & { readonly label: string })[]
  /** Pictures by [truth][prediction]. */
  readonly confusion: readonly (readonly number[])[]
}

/** One line of predictions.jsonl. */
export interface PredictionLine {
  readonly split: string
  readonly image: string
  readonly label: string
  readonly predicted: string
  /** Of the predicted class. */
  readonly probability: number
  readonly loss: number
  /** Of every class, in their order. */
  readonly probabilities: readonly number[]
}

/** Scores the trained model on one split. Needs `pictures`, `labels`, `examples`, `model`, and `weights` where layers of the trunk are run. */
export function evaluateKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'evaluate',
    version: 2,
    exclusive: 'engine',
    describe: 'score the trained model on a split',
    run: async (context) => {
      const { split, metrics, predictions, ends } = context.params as unknown as EvaluateParams
      const { pictures: index, labels, examples } = context.inputs
      const data = await openSplit(labels!, exampleFiles(examples!, ends), split)
      const { classes } = data
      const { pictures } = data.source
      const { tally, outputs, losses, width } = await environment
        .onEngine((engine) => score(engine, context, data, ['loss', ...metrics]))
        .finally(() => data.source.close())
      const { loss = 0 } = tally.figures()
      if (!Number.isFinite(loss)) throw notFinite(`the loss on ${split} is ${loss}`)
      const { perClass, confusion } = tally.counts()
      const file: EvaluationFile = {
        split,
        pictures,
        classes,
        figures: stableFigures({ ...tally.figures() }),
        perClass: perClass.map((figures, c) => ({ label: classes[c]!, ...rounded(figures) })),
        confusion,
      }
      await writeFile(
        join(context.out, EVALUATION_FILES.metrics),
        stableJson(file as unknown as Json),
      )
      if (!predictions) return
      const images = await readPictures(index!.path, split)
      const lines = images.map(({ path: image }, i) => {
        const truth = { split, image, label: classes[data.labels[i]!]! }
        return JSON.stringify(lineOf(truth, classes, outputs, losses[i]!, i, width))
      })
      await writeFile(join(context.out, EVALUATION_FILES.predictions), `${lines.join('\n')}\n`)
    },
  }
}

/** The tally of a split, with outputs [pictures, width] and losses [pictures]. */
async function score(
  engine: Engine,
  { params: given, inputs, signal }: StageContext,
  data: Awaited<ReturnType<typeof openSplit>>,
  metrics: readonly MetricName[],
) {
  const params = await withModel(given as unknown as EvaluateParams, inputs)
  const { ends, preprocessing = { mode: 'none' } } = params
  const { pictures, inputs: fed } = data.source
  const { program, shape } = trainingProgram({
    model: wholeModel({ ...params, classes: data.classes.length }),
    loss: params.loss,
    weights: await loadStageWeights(inputs['weights'], inputs['model']),
    infer: {
      start: { inputs: fed, preprocessing },
      batch: inferBatch(engine, params, ends, pictures),
    },
  })
  const { width, inferBatch: batch } = shape
  const outputs = new Float32Array(pictures * width)
  const losses = new Float32Array(pictures)
  return await namingBatches({ batch, hint: LESS_MEMORY }, async () => {
    const session = await engine.compile(program)
    try {
      const tally = await evaluateSplit(
        { session, shape, signal },
        data,
        metrics,
        (row, values, loss) => {
          outputs.set(values, row * width)
          losses[row] = loss
        },
      )
      return { tally, outputs, losses, width }
    } finally {
      await session.close()
    }
  })
}

/** Rounded, and without the area where it was not asked for. */
function rounded({ precision, recall, f1, support, auc }: ClassFigures): ClassFigures {
  const [p, r, f] = [precision, recall, f1].map(stableNumber)
  const area = auc === undefined ? undefined : stableNumber(auc)
  return { precision: p!, recall: r!, f1: f!, support, auc: area }
}

function lineOf(
  truth: Pick<PredictionLine, 'split' | 'image' | 'label'>,
  classes: readonly string[],
  outputs: Float32Array,
  loss: number,
  i: number,
  width: number,
): PredictionLine {
  const raw = outputs.subarray(i * width, (i + 1) * width)
  // One output is the probability of the second class.
  const values = width === 1 ? [1 - raw[0]!, raw[0]!] : [...raw]
  const best = predicted(outputs, i, width)
  return {
    ...truth,
    predicted: classes[best]!,
    probability: stableNumber(values[best]!),
    loss: stableNumber(loss),
    probabilities: values.map(stableNumber),
  }
}
