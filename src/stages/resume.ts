import type { StageContext } from '../graph/stage.ts'
import type { Program } from '../program/program.ts'
import type { Checkpoint, Checkpoints } from '../training/checkpoint.ts'
import { misfit, type LoopPlace, type LoopState } from '../training/loop-state.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { JsonObject } from '../util/json.ts'
import { fromShorter } from './series.ts'

/** What a checkpoint knows of the machines that took part: the numbers of threads, each once. */
export interface Stamp {
  readonly threads: readonly number[]
}

/** Where a training begins, and what its own checkpoints are stamped with. `from` gives the checkpoint once. */
export interface Beginning {
  /** Undefined: at the beginning, or given before. */
  readonly from: () => Checkpoint | undefined
  readonly stamp: JsonObject
}

/**
 * The checkpoint to go on from: this training's own, or the end of a shorter one. Throws CHECKPOINT_DAMAGED; one written with
 * another number of threads is a warning.
 */
export async function goOn(
  context: StageContext,
  checkpoints: Checkpoints,
  options: {
    readonly program: Program
    /** Of the stage kind. */
    readonly version: number
    readonly threads: number
    readonly warn: (diagnostic: Diagnostic) => void
  },
): Promise<Beginning> {
  const { program, version, threads, warn } = options
  const fits = (found: Checkpoint) => misfit(found, program)
  const from =
    (await checkpoints.load(fits)) ??
    (await fromShorter(context, checkpoints, { version, misfit: fits }))
  if (!from) return { from: () => undefined, stamp: { threads: [threads] } }
  const { stamp, ...place } = from.state as unknown as LoopState & { readonly stamp: Stamp }
  const { stage, emit } = context
  emit({ type: 'note', stage: stage.id, message: `goes on at ${nextText(place)}` })
  const others = stamp.threads.filter((number) => number !== threads)
  if (others.length > 0) warn(otherThreads(others, threads))
  return { from: given(from), stamp: { threads: [...others, threads] } }
}

/** Gives it once, and holds on to it no longer. */
function given<T>(value: T): () => T | undefined {
  let held: T | undefined = value
  return () => {
    const taken = held
    held = undefined
    return taken
  }
}

function nextText({ epoch, batch }: LoopPlace): string {
  return batch > 0 ? `epoch ${epoch}, batch ${batch + 1}` : `epoch ${epoch}`
}

/** Where a training stopped, which can go on there. */
export function stoppedText({ step, epoch, batch }: LoopPlace): string {
  if (step === 0) return 'stopped before its first batch'
  const where = batch > 0 ? `epoch ${epoch}, batch ${batch}` : `epoch ${epoch - 1}`
  return `stopped after ${where}; a checkpoint of that is written`
}

function otherThreads(others: readonly number[], threads: number): Diagnostic {
  return {
    code: 'NOTE',
    severity: 'warning',
    message: `the checkpoint was written with ${others.join(' and ')} threads and this is ${threads}: the last digits may differ from an undisturbed run's`,
    hint: 'write engine.threads to fix their number, or run with --restart',
  }
}
