import pLimit from 'p-limit'
import { availableParallelism } from 'node:os'
import type { FoundImage } from '../data/find-images.ts'
import { channelsOf } from '../data/picture.ts'
import { openPictureReader } from '../data/picture-reader.ts'
import type { Engine } from '../engines/engine.ts'
import { sizeOf } from '../program/program.ts'
import { OUTPUTS, PREDICT, predictProgram } from '../training/predict-program.ts'
import { PIXELS } from '../training/trunk.ts'
import { failure, type Diagnostic } from '../util/diagnostic.ts'
import { stableNumber } from '../util/figures.ts'
import { largest, probabilitiesOf, type Classifier } from './classifier.ts'

/** What a model says of one picture: a row of predictions.jsonl and of `predict --json` (spec: cli.md). */
export interface Prediction {
  readonly image: string
  /** The most probable classes, the first one first. */
  readonly top: readonly Ranked[]
}

export interface Ranked {
  readonly label: string
  /** Of the output; of two classes behind one output, 0 and 1. */
  readonly index: number
  readonly probability: number
}

export interface Predictions {
  /** Of the pictures that could be read, in their order. */
  readonly predictions: readonly Prediction[]
  /** What is wrong with the others. */
  readonly bad: readonly Diagnostic[]
}

export interface PredictOptions {
  readonly images: readonly FoundImage[]
  /** How many labels a picture. */
  readonly top: number
  /** Pictures that are run at once at most. */
  readonly batch: number
  readonly signal: AbortSignal
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Runs pictures through a classifier, a batch at a time: while some are computed the next are decoded. Memory is a few
 * batches and the answers, whatever the number of pictures. Bad pictures are told and the others go on.
 * Throws NOT_FINITE where the network's outputs are no numbers.
 */
export async function predictPictures(
  engine: Engine,
  classifier: Classifier,
  { images, top, signal, onProgress, ...options }: PredictOptions,
): Promise<Predictions> {
  const batch = Math.max(1, Math.min(options.batch, images.length))
  const { input } = classifier
  const shape = [batch, ...input.imageSize, channelsOf(input)]
  const { program, width } = predictProgram(classifier, { shape })
  const session = await engine.compile(program, { concurrency: availableParallelism() })
  const reader = await openPictureReader(input, { pictures: images.length }).catch(
    async (error: unknown) => {
      await session.close()
      throw error
    },
  )
  const found: (Prediction | readonly Diagnostic[])[] = []
  const compute = pLimit(session.concurrency)
  let next = 0
  let done = 0
  const lane = async (): Promise<void> => {
    const pixels = new Uint8Array(sizeOf(shape))
    while (next < images.length) {
      signal.throwIfAborted()
      const start = next
      next += batch
      const some = images.slice(start, next)
      const problems = await reader.read(some, pixels)
      const isAnyGood = problems.includes(undefined)
      const result = isAnyGood
        ? await compute(() => session.run(PREDICT, { [PIXELS]: pixels }))
        : undefined
      const outputs = result?.[OUTPUTS] as Float32Array | undefined
      for (const [i, { name }] of some.entries()) {
        const row = outputs?.subarray(i * width, (i + 1) * width)
        found[start + i] = problems[i] ?? predictionOf(name, row!, classifier, top)
      }
      done += some.length
      onProgress?.(done, images.length)
    }
  }
  const lanes = Array.from({ length: session.concurrency + 1 }, lane)
  try {
    await Promise.all(lanes)
  } catch (error) {
    // Ctrl-C ends a process that decodes, too, where it has only just begun.
    signal.throwIfAborted()
    throw error
  } finally {
    next = images.length
    await Promise.allSettled(lanes)
    await reader.close()
    await session.close()
  }
  return {
    predictions: found.filter((one) => 'top' in one),
    bad: found.flatMap((one) => ('top' in one ? [] : one.map(ofPrediction))),
  }
}

function predictionOf(
  image: string,
  outputs: Float32Array,
  classifier: Classifier,
  top: number,
): Prediction {
  if (!outputs.every(Number.isFinite)) {
    throw failure('NOT_FINITE', `the model's outputs for ${image} are not finite`)
  }
  const probabilities = probabilitiesOf(outputs, classifier)
  const ranked = largest(probabilities, top).map((index) => {
    const label = classifier.labels[index]!
    return { label, index, probability: stableNumber(probabilities[index]!) }
  })
  return { image, top: ranked }
}

/** The hint of a picture of a dataset is of no use here. */
function ofPrediction({ code, message, at }: Diagnostic): Diagnostic {
  return { code, message, ...(at ? { at } : {}) }
}
