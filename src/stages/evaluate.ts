import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPictures } from '../data/index-table.ts'
import type { StageKind } from '../graph/stage.ts'
import { evaluateSplit, notFinite } from '../training/fit.ts'
import { headProgram, type HeadOptions } from '../training/head-program.ts'
import { predicted, type ClassFigures, type MetricName, type Tally } from '../training/metrics.ts'
import { stableFigures, stableNumber } from '../util/figures.ts'
import { stableJson, type Json } from '../util/json.ts'
import type { StageEnvironment } from './environment.ts'
import { openSplit } from './labelled-split.ts'
import { MODEL_FILE } from './train.ts'
import { loadWeights } from './weight-files.ts'

export interface EvaluateParams extends Omit<HeadOptions, 'classes'> {
  readonly split: string
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

/** Scores the trained head on one split. Needs `pictures`, `labels`, `features` and `model`. */
export function evaluateKind(environment: StageEnvironment): StageKind {
  return {
    kind: 'evaluate',
    version: 1,
    exclusive: 'engine',
    describe: 'score the trained model on a split',
    run: async (context) => {
      const { split, metrics, predictions, ...options } =
        context.params as unknown as EvaluateParams
      const { pictures: index, labels, features, model } = context.inputs
      const weights = await loadWeights(join(model!.path, MODEL_FILE))
      const data = await openSplit(labels!, features!, split)
      const { classes } = data
      const { pictures } = data.features
      const { program, shape } = headProgram(
        { ...options, classes: classes.length },
        weights,
        undefined,
        pictures,
      )
      const outputs = new Float32Array(pictures * shape.width)
      const losses = new Float32Array(pictures)
      let tally: Tally
      try {
        tally = await environment.onEngine(async (engine) => {
          const session = await engine.compile(program)
          try {
            const { signal } = context
            const asked: readonly MetricName[] = ['loss', ...metrics]
            const setup = { session, head: shape, signal }
            return await evaluateSplit(setup, data, asked, (row, values, loss) => {
              outputs.set(values, row * shape.width)
              losses[row] = loss
            })
          } finally {
            await session.close()
          }
        })
      } finally {
        await data.close()
      }
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
        return JSON.stringify(lineOf(truth, classes, outputs, losses[i]!, i, shape.width))
      })
      await writeFile(join(context.out, EVALUATION_FILES.predictions), `${lines.join('\n')}\n`)
    },
  }
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
