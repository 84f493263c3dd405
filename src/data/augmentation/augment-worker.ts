import { parentPort, workerData } from 'node:worker_threads'
import { PipelineError, type Diagnostic } from '../../util/diagnostic.ts'
import { openPack } from '../pack.ts'
import { drawTransform, drawVariant, type Augmentation, type Transform } from './augmentation.ts'
import { createAugmenter } from './augmenter.ts'
import type { Shape } from './warp-plain.ts'

/** What a thread must know before its first task. */
export interface WorkerSetup {
  /** Of a uint8 pack of pictures. */
  readonly path: string
  readonly shape: Shape
  readonly augmentation: Augmentation
  readonly seed: number
}

/** Which of a picture's draws is wanted: that of an epoch, or for each of the rows one of its variants. */
export type Draws = { readonly epoch: number } | { readonly variants: Uint32Array }

export interface AugmentTask {
  readonly rows: Uint32Array
  readonly draws: Draws
  readonly into: SharedArrayBuffer
  /** Where in `into`, in bytes, the first picture begins; the others follow. */
  readonly offset: number
}

/** Empty when the task is done. `text` says what went wrong otherwise, with the diagnostics where it is no bug. */
export interface TaskAnswer {
  readonly failure?: { readonly text: string; readonly diagnostics: readonly Diagnostic[] }
}

/** The program of a thread: tasks come one after another, the answers in their order. It ends when it is told to. */
const { path, shape, augmentation, seed } = workerData as WorkerSetup
const [height, width, channels] = shape
const size = height * width * channels
const augment = createAugmenter()
let pixels = new Uint8Array(0)
const pack = openPack(path)
// Every task waits for it and says what is wrong; until one comes, nobody does.
pack.catch(() => {})

let last: Promise<void> = Promise.resolve()
parentPort!.on('message', (task: AugmentTask) => {
  last = last.then(async () => parentPort!.postMessage(await answer(task)))
})

async function answer(task: AugmentTask): Promise<TaskAnswer> {
  try {
    await run(task)
    return {}
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const diagnostics = error instanceof PipelineError ? error.diagnostics : []
    return { failure: { text, diagnostics } }
  }
}

async function run({ rows, draws, into, offset }: AugmentTask): Promise<void> {
  if (pixels.length < rows.length * size) pixels = new Uint8Array(rows.length * size)
  await (await pack).gather(rows, pixels)
  rows.forEach((row, i) => {
    const out = new Float32Array(into, offset + 4 * i * size, size)
    const transform = drawn(draws, row, i)
    augment(pixels.subarray(i * size, (i + 1) * size), shape, transform, augmentation, out)
  })
}

function drawn(draws: Draws, row: number, i: number): Transform {
  return 'epoch' in draws
    ? drawTransform(augmentation, [height, width], seed, draws.epoch, row)
    : drawVariant(augmentation, [height, width], seed, draws.variants[i]!, row)
}
