import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Engine } from '../engines/engine.ts'
import type { Store } from '../graph/store.ts'
import type { LayerGraph } from '../models/layer-graph.ts'
import type { Network } from '../models/saved-model/raise/raise.ts'
import { loadRunModel, type RunModel } from '../runs/load-model.ts'
import type { StoredRun } from '../runs/read.ts'
import { RUN_FILES } from '../runs/record.ts'
import { MODEL_FILE } from '../stages/weight-files.ts'
import { failure } from '../util/diagnostic.ts'
import { diskError, isErrno } from '../util/files.ts'
import { byCodeUnit } from '../util/json.ts'
import { readSafetensors } from '../util/safetensors.ts'
import { plural } from '../util/text.ts'
import { largestDifference, predictions, somePixels } from './check.ts'
import { FORMATS, type ExportFormat } from './formats.ts'
import { withFront } from './front.ts'
import { readme } from './readme.ts'

export interface ExportOptions {
  readonly format: ExportFormat
  /** Absolute; it must not be there. */
  readonly out: string
  readonly store: Store
  /** What the check runs on. */
  readonly openEngine: () => Promise<Engine>
  readonly signal: AbortSignal
}

/** What was written, and how far it is from the run's own model. */
export interface Exported {
  readonly files: readonly { readonly name: string; readonly bytes: number }[]
  readonly check: ExportCheck
}

export interface ExportCheck {
  readonly pictures: number
  /** The split that they are of; null: they were made up. */
  readonly split: string | null
  /** Of the outputs; in units of the largest where that is above 1. */
  readonly largestDifference: number
}

/** What the outputs of a file that was read back may differ by. */
const TOLERANCE = 1e-4

/**
 * Writes the whole model of a run, from pixels to the classes' numbers, into a new folder, or nothing at all. What was
 * written is read back and must predict as the run's model does. Throws what `loadRunModel` does, WRONG_VALUE for layers
 * that the format cannot hold and STAGE_FAILED where the file predicts otherwise.
 */
export async function exportRun(run: StoredRun, options: ExportOptions): Promise<Exported> {
  const { format, out, store, signal } = options
  refuseTaken(out)
  const model = await loadRunModel(run, store)
  const { classes, input, graph, weights } = model
  const frozen = await frozenOf(run, graph)
  const isModule = graph.layers.some(({ kind }) => kind === 'SavedModel')
  const layered = isModule ? await raised({ ...model, frozen }) : { graph, weights, frozen }
  const { preprocessing } = model
  const isGrey = input.colorMode === 'grayscale'
  const whole = withFront({ ...layered, preprocessing }, { isGrey })
  const name = `${run.record.name} ${run.record.id}`
  const metadata = { run: name, labels: classes }
  const write = FORMATS[format].prepare(whole, metadata)
  const draft = join(dirname(out), `.${basename(out)}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    await mkdir(draft, { recursive: true })
    await write(draft)
    signal.throwIfAborted()
    const check = await checkWritten(run, model, draft, options)
    signal.throwIfAborted()
    await writeFile(join(draft, 'labels.txt'), `${classes.join('\n')}\n`)
    const facts = { run: name, classes, input, isModule, outputShape: graph.output.outputShape }
    await writeFile(join(draft, 'README.md'), readme(format, { ...facts, check: checkText(check) }))
    const files = await filesOf(draft)
    await rename(draft, out)
    return { files, check }
  } catch (error) {
    throw placeError(error, out)
  } finally {
    // Where there can be no folder there is none to remove.
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** What lies where the folder should go may have come there only now. */
function placeError(error: unknown, out: string): unknown {
  if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return taken(out)
  if (isErrno(error, 'ENOTDIR', 'ENOENT')) {
    return failure('NOT_WRITABLE', `${shown(out)} cannot be made: there can be no folder there`, {
      hint: 'name another folder with --out',
      cause: error,
    })
  }
  return diskError(error, out)
}

/** An empty folder may be filled. */
function refuseTaken(out: string): void {
  const entries = existsSync(out) && (statSync(out).isDirectory() ? readdirSync(out) : [out])
  if (!entries || entries.length === 0) return
  throw taken(out)
}

function taken(out: string) {
  const hint = 'name another folder with --out'
  return failure('USAGE', `${shown(out)} is there already`, { hint })
}

function shown(out: string): string {
  return relative(process.cwd(), out) || '.'
}

/** A SavedModel is no layer of Keras or tfjs: it becomes some of theirs. */
async function raised(network: Network): Promise<Network> {
  const { raiseSavedModels } = await import('../models/saved-model/raise/raise.ts')
  return raiseSavedModels(network)
}

/** The layers with weights that no phase of the run has changed. */
async function frozenOf({ folder }: StoredRun, { layers }: LayerGraph): Promise<Set<string>> {
  const trained = await readSafetensors(join(folder, RUN_FILES.model, MODEL_FILE))
  const still = layers.filter(
    ({ weights }) => weights.length > 0 && weights.every(({ name }) => !trained.has(name)),
  )
  return new Set(still.map(({ name }) => name))
}

/** Some pictures through what was written, read back, and through the run's own model. */
async function checkWritten(
  run: StoredRun,
  model: RunModel,
  folder: string,
  { format, store, openEngine }: ExportOptions,
): Promise<ExportCheck> {
  const written = await FORMATS[format].read(folder)
  const pixels = await somePixels(run, store, written.graph.input.outputShape)
  const engine = await openEngine()
  try {
    const own = await predictions(engine, model, pixels)
    const difference = largestDifference(own, await predictions(engine, written, pixels))
    if (!(difference <= TOLERANCE)) {
      const apart = difference.toPrecision(2)
      throw failure(
        'STAGE_FAILED',
        `the ${format} model predicts otherwise than the run: ${apart} apart`,
        {
          hint: 'nothing was written. Report it: it is an error of this program or of the engine; --engine chooses another',
        },
      )
    }
    const { shape, split = null } = pixels
    return { pictures: shape[0]!, split, largestDifference: difference }
  } finally {
    await engine.close()
  }
}

/** As a sentence, without its stop. */
export function checkText({ pictures, split, largestDifference: most }: ExportCheck): string {
  const which =
    split === null ? `${pictures} made-up pictures` : `${plural(pictures, 'picture')} of ${split}`
  const apart = most === 0 ? 'to the last digit' : `at most ${most.toExponential(0)} apart`
  return `read back, it gives for ${which} what the run's model gives, ${apart}`
}

async function filesOf(folder: string): Promise<Exported['files']> {
  const names = readdirSync(folder).sort(byCodeUnit)
  return Promise.all(
    names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })),
  )
}
