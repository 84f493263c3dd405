import { sizeOf, type Program } from '../program/program.ts'
import type { JsonObject } from '../util/json.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { TallyState } from './metrics.ts'

export interface EpochFigures {
  readonly epoch: number
  /** Running means over the epoch's batches, weighted by their pictures. */
  readonly train: Readonly<Record<string, number>>
  /** After the epoch. */
  readonly validation: Readonly<Record<string, number>> | undefined
  readonly test?: Readonly<Record<string, number>> | undefined
  readonly seconds: number
}

/** How far the loop is. */
export interface LoopPlace {
  readonly step: number
  readonly epoch: number
  /** Batches of the epoch that are done. */
  readonly batch: number
}

/** Where the loop stands, as a checkpoint holds it. */
export interface LoopState extends LoopPlace {
  readonly format: number
  readonly stamp: JsonObject
  readonly tally: TallyState | null
  /** What the batches of the epoch that are done have taken. */
  readonly seconds: number
  readonly history: readonly EpochFigures[]
  readonly learningRate: number | null
  readonly stopped: boolean
  readonly callbacks: JsonObject
}

/** What is wrong with a checkpoint for a program with these variables: it was written for another one, or by another version. */
export function misfit(
  { state, variables }: Checkpoint,
  program: Pick<Program, 'variables'>,
): string | undefined {
  const { format } = state as unknown as LoopState
  if (format !== FORMAT) return `its format is ${String(format)}, not ${FORMAT}`
  const sizes = new Map(program.variables.map(({ name, shape }) => [name, sizeOf(shape)]))
  for (const [name, size] of sizes) {
    const data = variables.get(name)
    if (!data) return `it has no ${name}`
    if (data.length !== size) return `its ${name} has ${data.length} values, not ${size}`
  }
  const other = [...variables.keys()].find((name) => !sizes.has(name))
  return other === undefined ? undefined : `it has ${other}, which this training has not`
}

/** Raised when a checkpoint means something else. */
export const FORMAT = 1

/** Whether all are numbers. */
export function isFinite(values: Float32Array): boolean {
  // A number less itself is 0; infinity or NaN less itself is NaN. Summed over millions of values: no call for each.
  for (let i = 0; i < values.length; i += 1) if (values[i]! - values[i]! !== 0) return false
  return true
}
