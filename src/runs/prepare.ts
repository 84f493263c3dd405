import { randomInt } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Engine, EngineInfo } from '../engines/engine.ts'
import { chooseEngine } from '../engines/choose.ts'
import { pixelNumerics } from '../data/libvips.ts'
import type { Stage } from '../graph/stage.ts'
import type { Pictures } from '../pipeline/keep.ts'
import type { ModelChoice } from '../models/base-model.ts'
import type { StoredGraph } from '../models/stored-graph.ts'
import { modelOf } from '../pipeline/base-model.ts'
import {
  classProblems,
  layerProblems,
  type LoadedPipeline,
  type LoadedPrediction,
} from '../pipeline/load.ts'
import type { Pipeline, PredictionPipeline } from '../pipeline/pipeline.ts'
import { draftPhases, resolvePhases, type Phase } from '../pipeline/phases.ts'
import { predictionStages } from '../pipeline/prediction-stages.ts'
import { resolveStages, splitsOf, type ResolveOptions } from '../pipeline/stages.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { blobId, digestOf, type Digest } from '../util/digest.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import { placesOfProject, withPlaces, withPlacesOfPrediction } from './places.ts'
import { placed } from './problems.ts'
import { publicText } from './public-text.ts'
import { listRuns } from './list/list.ts'

/** A pipeline file with everything decided that its stages depend on, and nothing loaded yet that computes. */
export interface PreparedFile {
  readonly name: string
  /** The file's own text, without what a run must not keep. */
  readonly text: string
  /** Git's id of the file as it is. */
  readonly blob: string
  readonly tags: readonly string[]
  readonly notes: string | undefined
  /** Of the resolved pipeline without name, notes and tags. */
  readonly digest: Digest
  readonly seed: number
  /** False where the file asks for a random seed: a finished run is then never a hit. */
  readonly isRepeatable: boolean
  readonly engine: EngineInfo
  readonly openEngine: () => Promise<Engine>
  readonly stages: readonly Stage[]
  readonly warnings: readonly Diagnostic[]
  /** An error of a stage with the places in the file that its problems come from; any other error as it is. */
  readonly placed: (error: unknown) => unknown
}

/** One that predicts and trains nothing. */
export interface PreparedPrediction extends PreparedFile {
  readonly prediction: PredictionPipeline
}

export type AnyPrepared = Prepared | PreparedPrediction

/** One that trains. */
export interface Prepared extends PreparedFile {
  readonly pipeline: Pipeline
  /** The base model; undefined where only a download tells its layers: there are no phases then. */
  readonly model: ModelChoice | undefined
  readonly phases: readonly Phase[]
  /** How many pictures the splits have, once that is known. */
  readonly pictures: Pictures | undefined
  /**
   * The same once the number of pictures is known: where their features would pass the budget, phases and stages differ,
   * else `stages` is the same array.
   * Throws CONFLICT where the file insists on them.
   */
  readonly withPictures: (pictures: Pictures) => Prepared
  /** The same once the layers of the base model are known. Throws what does not fit them, as `loadPipeline` does. */
  readonly withLayers: (stored: StoredGraph) => Promise<Prepared>
  /** What does not fit the classes of the pictures, which are known once they are indexed. */
  readonly classProblems: (classes: readonly string[]) => readonly Diagnostic[]
}

export interface PrepareOptions {
  readonly runs: string
  readonly name?: string | undefined
  readonly offline: boolean
  /** False for commands that only look: the lock file is not written. */
  readonly pin: boolean
  readonly verbose?: boolean
}

export async function prepare(loaded: LoadedPipeline, options: PrepareOptions): Promise<Prepared> {
  const { pipeline } = loaded
  const digest = digestOfPipeline(pipeline, options.runs)
  const { file, stageOptions } = await prepareAny(loaded, pipeline, digest, options)
  const { engine } = file
  const splits = splitsOf(pipeline)
  const staged = (model: ModelChoice | undefined, pictures?: Pictures) => {
    const drafts = model ? draftPhases(pipeline, engine, model) : []
    const phases = resolvePhases(pipeline, splits, drafts, pictures)
    return { model, phases, stages: resolveStages(pipeline, phases, stageOptions) }
  }
  const settled = (
    before: Omit<Prepared, 'withPictures' | 'withLayers'>,
    { model, phases, stages }: ReturnType<typeof staged>,
    pictures: Pictures | undefined,
  ): Prepared => {
    const isSame = JSON.stringify(stages) === JSON.stringify(before.stages)
    const after: Prepared = {
      ...before,
      model,
      phases,
      stages: isSame ? before.stages : stages,
      pictures,
      withPictures: (counts) => settled(after, staged(model, counts), counts),
      withLayers: async (stored) => {
        const problems = await layerProblems(loaded, stored)
        if (problems.length > 0) throw new PipelineError(problems)
        return settled(after, staged(modelOf(pipeline, stored), pictures), pictures)
      },
    }
    return after
  }
  const begin = staged(modelOf(pipeline, loaded.known.stored))
  const base = {
    ...file,
    pipeline,
    ...begin,
    pictures: undefined,
    classProblems: (classes: readonly string[]) => classProblems(loaded, classes),
  }
  return settled(base, begin, undefined)
}

/** The same of a file without training. */
export async function preparePrediction(
  loaded: LoadedPrediction,
  options: PrepareOptions,
): Promise<PreparedPrediction> {
  const { prediction } = loaded
  const places = placesOfProject(options.runs)
  const digest = digestWithout(withPlacesOfPrediction(prediction, places))
  const { file, stageOptions } = await prepareAny(loaded, prediction, digest, options)
  return { ...file, prediction, stages: predictionStages(prediction, stageOptions) }
}

async function prepareAny(
  loaded: LoadedPipeline | LoadedPrediction,
  pipeline: Pick<Pipeline, 'name' | 'notes' | 'tags' | 'seed' | 'engine'>,
  digest: Digest,
  { name = pipeline.name, runs, offline, pin, verbose = false }: PrepareOptions,
): Promise<{ readonly file: Omit<PreparedFile, 'stages'>; readonly stageOptions: ResolveOptions }> {
  const seed = pipeline.seed === 'random' ? drawnSeed(runs, digest) : pipeline.seed
  const warnings = [...loaded.warnings]
  const note = (diagnostic: Diagnostic) => void warnings.push(diagnostic)
  const engine = await chooseEngine(pipeline.engine, { verbose, note })
  return {
    file: {
      name,
      text: publicText(loaded),
      blob: blobId(loaded.text),
      tags: pipeline.tags,
      notes: pipeline.notes,
      digest,
      seed,
      isRepeatable: pipeline.seed !== 'random',
      engine: engine.info,
      openEngine: engine.open,
      warnings,
      placed: (error) => placed(error, loaded),
    },
    stageOptions: {
      engine: engine.info,
      seed,
      pixelNumerics: pixelNumerics(),
      lockFile: join(dirname(loaded.file), 'pipeline.lock'),
      offline,
      pin,
      known: loaded.known,
    },
  }
}

/** The pipeline without name, notes and tags, and without where on this machine its project lies. */
export function digestOfPipeline(pipeline: Pipeline, runs: string): Digest {
  return digestWithout(withPlaces(pipeline, placesOfProject(runs)))
}

function digestWithout(pipeline: Pipeline | PredictionPipeline): Digest {
  const rest = { ...pipeline, name: undefined, notes: undefined, tags: undefined }
  return digestOf(canonicalJson(rest as unknown as Json))
}

/** The seed of an unfinished run of the same pipeline, which goes on with it, else a fresh one. */
function drawnSeed(runs: string, digest: Digest): number {
  const unfinished = listRuns(runs).findLast(
    ({ row }) => row.pipeline === digest && row.status !== 'done',
  )
  return unfinished?.row.seed ?? randomInt(2 ** 31)
}
