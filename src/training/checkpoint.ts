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

/** With the epochs whose kept weights it may ask for. */
export interface KeptCheckpoint extends Checkpoint {
  readonly bests: readonly number[]
}

/** Where in a training a checkpoint is: the later one has more steps, or as many and a later epoch. */
export interface Place {
  readonly step: number
  readonly epoch: number
}

/** The folder of an unfinished training: its two newest checkpoints, and the weights of its best epochs. */
export interface Checkpoints {
  /**
   * The newest that is whole, the weights that it names included, and in which `misfit` finds nothing to say. The ones that it takes
   * the place of are told to `warn` and set aside. Undefined where there is no checkpoint at all. Throws
   * CHECKPOINT_DAMAGED where there are some and none will do.
   */
  load(misfit?: (checkpoint: Checkpoint) => string | undefined): Promise<KeptCheckpoint | undefined>
  /** Written whole or not at all; then only the newest two are left, with the weights that they name. */
  save(place: Place, checkpoint: KeptCheckpoint): Promise<void>
  /** The weights of an epoch that was the best so far. */
  saveBest(epoch: number, weights: ReadonlyMap<string, Float32Array>): Promise<void>
  loadBest(epoch: number): Promise<Map<string, Float32Array>>
}

/** Each change of the disk while a checkpoint is saved, in order. */
export type CheckpointStep = 'write' | 'rename' | 'sync' | 'drop'

export interface CheckpointOptions {
  /** Called before each step; tests throw disk errors or kill the process here. */
  readonly onStep?: ((step: CheckpointStep) => void) | undefined
}

const KEPT = 2
const ENDING = '.safetensors'

export function openCheckpoints(
  folder: string,
  warn: (diagnostic: Diagnostic) => void,
  { onStep: step = () => undefined }: CheckpointOptions = {},
): Checkpoints {
  const loadBest = async (epoch: number) => {
    const path = join(folder, bestOf(epoch))
    const { variables } = await readChecked(path).catch((error: unknown) => {
      throw new Error(`${bestOf(epoch)}: ${textOf(error)}`, { cause: error })
    })
    return new Map(variables)
  }
  const load = async (file: string, misfit: (checkpoint: Checkpoint) => string | undefined) => {
    const found = await readChecked(join(folder, file))
    const wrong = misfit(found)
    if (wrong !== undefined) throw new Error(wrong)
    const bests = bestsOf(file)
    for (const epoch of bests) await loadBest(epoch)
    return { ...found, bests }
  }
  const write = (file: string, checkpoint: Checkpoint) =>
    writeChecked(folder, file, checkpoint, step)
  return {
    load: async (misfit = () => undefined) => {
      const files = (await checkpointsIn(folder)).reverse()
      const damaged: Damage[] = []
      for (const file of files) {
        const found = await load(file, misfit).catch((error: unknown) => {
          damaged.push({ file, reason: textOf(error) })
        })
        if (!found) continue
        if (damaged.length > 0) warn(fellBack(damaged, file))
        for (const one of damaged) await setAside(folder, one.file)
        return found
      }
      if (files.length > 0) throw noneWhole(folder, damaged)
      return undefined
    },
    save: async (place, { state, variables, bests }) => {
      await write(fileOf(place, bests), { state, variables })
      step('drop')
      await dropOld(folder)
    },
    saveBest: (epoch, weights) => write(bestOf(epoch), { state: {}, variables: weights }),
    loadBest: (epoch) =>
      loadBest(epoch).catch((error: unknown) => {
        throw noneWhole(folder, [{ file: bestOf(epoch), reason: textOf(error) }])
      }),
  }
}

/**
 * One checkpoint as a file of its own, whole or not at all. The values are float32 without their shapes; the metadata
 * has the state and a digest of state and values.
 */
async function writeChecked(
  folder: string,
  file: string,
  { state, variables }: Checkpoint,
  step: (step: CheckpointStep) => void,
): Promise<void> {
  const tensors = new Map<string, NamedTensor>()
  for (const [name, data] of variables) tensors.set(name, { shape: [data.length], data })
  const text = JSON.stringify(state)
  const metadata = { state: text, sha256: digestOf(text, variables) }
  const temporary = join(folder, `.${file}.tmp`)
  try {
    step('write')
    await writeSafetensors(temporary, tensors, metadata)
    step('rename')
    await rename(temporary, join(folder, file))
    step('sync')
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true })
    throw diskError(error, join(folder, file))
  }
}

/** Throws an Error that says what is wrong with the file. */
async function readChecked(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensorsFile(path)
  const variables = new Map([...tensors].map(([name, { data }]) => [name, data]))
  const { state = '', sha256 } = metadata
  if (digestOf(state, variables) !== sha256) throw new Error('its bytes are not those written')
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

/** Sorted by name they are in the order of their places. The name says which epochs' kept weights belong to it. */
function fileOf({ step, epoch }: Place, bests: readonly number[]): string {
  const place = [String(step).padStart(10, '0'), String(epoch).padStart(6, '0')]
  return ['checkpoint', ...place, ...bests].join('-') + ENDING
}

function bestsOf(file: string): number[] {
  return file.slice(0, -ENDING.length).split('-').slice(3).map(Number)
}

function bestOf(epoch: number): string {
  return `best-${epoch}${ENDING}`
}

/** Oldest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const files = await readdir(folder)
  return files.filter((file) => /^checkpoint(-\d+){2,}\.safetensors$/.test(file)).sort(byCodeUnit)
}

/** And what a process that was killed had half written. */
async function dropOld(folder: string): Promise<void> {
  const kept = (await checkpointsIn(folder)).slice(-KEPT)
  const named = new Set([...kept, ...kept.flatMap(bestsOf).map(bestOf)])
  for (const file of await readdir(folder)) {
    const isOurs = /^(checkpoint|best)-.*\.safetensors$|^\..*\.tmp$/.test(file)
    if (isOurs && !named.has(file)) await rm(join(folder, file), { force: true })
  }
}

/** It must not count as one of the two that are kept. */
async function setAside(folder: string, file: string): Promise<void> {
  await rename(join(folder, file), join(folder, `${file}.damaged`))
}

interface Damage {
  readonly file: string
  readonly reason: string
}

function fellBack(damaged: readonly Damage[], taken: string): Diagnostic {
  const which = damaged.map(({ file, reason }) => `${file} (${reason})`).join(' and ')
  return {
    code: 'CHECKPOINT_DAMAGED',
    severity: 'warning',
    message: `${which} cannot be read; training goes on from ${taken}, the one before`,
  }
}

function noneWhole(folder: string, damaged: readonly Damage[]): PipelineError {
  const which = damaged.map(({ file, reason }) => `${join(folder, file)} (${reason})`).join('; ')
  return failure('CHECKPOINT_DAMAGED', `no checkpoint can be read: ${which}`, {
    hint: 'run again with --restart to train from the beginning',
  })
}

/** Without the path that the person reads beside it. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^BAD_WEIGHTS .* is not a safe/, 'it is not a safe')
}
