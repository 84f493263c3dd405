import { createHash } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failure, type Diagnostic, type PipelineError } from '../util/diagnostic.ts'
import { diskError, syncFolder } from '../util/files.ts'
import { byCodeUnit, type JsonObject } from '../util/json.ts'
import { readSafetensorsFile, writeSafetensors, type NamedTensor } from '../util/safetensors.ts'

/** Everything that training goes on from: the variables, slots included, and the loop's own state as JSON. */
export interface Checkpoint {
  readonly state: JsonObject
  readonly variables: ReadonlyMap<string, Float32Array>
}

/** The folder of an unfinished training: its two newest checkpoints, and the weights of its best epochs. */
export interface Checkpoints {
  /**
   * The newest that is whole; a damaged one is told to `warn` and the one before it taken. Undefined where there is
   * none at all. Throws CHECKPOINT_DAMAGED where there are some and none is whole.
   */
  load(): Promise<Checkpoint | undefined>
  /** Written whole or not at all, under `step`; then only the newest two are left, with the weights that they name. */
  save(
    step: number,
    checkpoint: Checkpoint & {
      /** The epochs whose kept weights it may ask for. */
      readonly bests: readonly number[]
    },
  ): Promise<void>
  /** The weights of an epoch that was the best so far. */
  saveBest(epoch: number, weights: ReadonlyMap<string, Float32Array>): Promise<void>
  loadBest(epoch: number): Promise<Map<string, Float32Array>>
}

const KEPT = 2
const ENDING = '.safetensors'

export function openCheckpoints(
  folder: string,
  warn: (diagnostic: Diagnostic) => void,
): Checkpoints {
  return {
    load: async () => {
      const files = (await checkpointsIn(folder)).reverse()
      const reasons: string[] = []
      for (const [i, file] of files.entries()) {
        try {
          const found = await readChecked(join(folder, file))
          if (i > 0) warn(fellBack(files.slice(0, i), file))
          return found
        } catch (error) {
          reasons.push(`${join(folder, file)}: ${(error as Error).message}`)
        }
      }
      if (files.length > 0) throw noneWhole(reasons)
      return undefined
    },
    save: async (step, { state, variables, bests }) => {
      await writeChecked(folder, fileOf(step, bests), { state, variables })
      await dropOld(folder)
    },
    saveBest: (epoch, weights) =>
      writeChecked(folder, bestOf(epoch), { state: {}, variables: weights }),
    loadBest: async (epoch) => {
      const path = join(folder, bestOf(epoch))
      const { variables } = await readChecked(path).catch((error: unknown) => {
        throw noneWhole([`${path}: ${(error as Error).message}`])
      })
      return new Map(variables)
    },
  }
}

/**
 * One checkpoint as a file of its own, whole or not at all. The values are float32 without their shapes; the metadata
 * has the state and a digest of state and values.
 */
export async function writeChecked(
  folder: string,
  file: string,
  { state, variables }: Checkpoint,
): Promise<void> {
  const tensors = new Map<string, NamedTensor>()
  for (const [name, data] of variables) tensors.set(name, { shape: [data.length], data })
  const text = JSON.stringify(state)
  const metadata = { state: text, sha256: digestOf(text, variables) }
  const temporary = join(folder, `.${file}.tmp`)
  try {
    await writeSafetensors(temporary, tensors, metadata)
    await rename(temporary, join(folder, file))
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true })
    throw diskError(error, join(folder, file))
  }
}

/** Throws an Error that says what is wrong with the file. */
export async function readChecked(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensorsFile(path)
  const variables = new Map([...tensors].map(([name, { data }]) => [name, data]))
  const { state = '', sha256 } = metadata
  if (digestOf(state, variables) !== sha256)
    throw new Error('its digest does not match its content')
  return { state: JSON.parse(state) as JsonObject, variables }
}

function digestOf(state: string, variables: ReadonlyMap<string, Float32Array>): string {
  const hash = createHash('sha256').update(state)
  for (const name of [...variables.keys()].sort(byCodeUnit)) {
    const { buffer, byteOffset, byteLength } = variables.get(name)!
    hash.update(`\0${name}\0`).update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex')
}

/** The name says which epochs' kept weights belong to it. */
function fileOf(step: number, bests: readonly number[]): string {
  return ['checkpoint', String(step).padStart(10, '0'), ...bests].join('-') + ENDING
}

function bestOf(epoch: number): string {
  return `best-${epoch}${ENDING}`
}

/** Oldest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const files = await readdir(folder)
  return files.filter((file) => /^checkpoint-[\d-]+\.safetensors$/.test(file)).sort(byCodeUnit)
}

async function dropOld(folder: string): Promise<void> {
  const kept = (await checkpointsIn(folder)).slice(-KEPT)
  const bests = kept.flatMap((file) => file.slice(0, -ENDING.length).split('-').slice(2))
  const named = new Set([...kept, ...bests.map((epoch) => bestOf(Number(epoch)))])
  for (const file of await readdir(folder)) {
    const isOurs = /^(checkpoint|best)-.*\.safetensors$|^\..*\.tmp$/.test(file)
    if (isOurs && !named.has(file)) await rm(join(folder, file), { force: true })
  }
}

function fellBack(damaged: readonly string[], taken: string): Diagnostic {
  return {
    code: 'CHECKPOINT_DAMAGED',
    severity: 'warning',
    message: `${damaged.join(' and ')} cannot be read; training goes on from ${taken}, the one before`,
  }
}

function noneWhole(reasons: readonly string[]): PipelineError {
  return failure('CHECKPOINT_DAMAGED', `no checkpoint can be read: ${reasons.join('; ')}`, {
    hint: 'run again with --restart to train from the beginning',
  })
}
