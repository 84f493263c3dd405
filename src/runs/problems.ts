import { isNamed, modelName, sourceKey } from '../pipeline/base-model.ts'
import type { LoadedPipeline, LoadedPrediction } from '../pipeline/load.ts'
import type { Diagnostic, DiagnosticCode, Position } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'

type Loaded = LoadedPipeline | LoadedPrediction

/** The key that a person would look at first, for codes that come from one. */
const KEYS: Partial<Record<DiagnosticCode, string>> = {
  EMPTY_CLASS: 'dataset.splits',
  ONE_CLASS: 'dataset.splits',
  BAD_SPLIT: 'dataset.splits',
  TOO_MANY_BAD_IMAGES: 'dataset.badImages',
  NOT_FINITE: 'optimizer.learningRate',
  ENGINE_MISSING: 'engine',
}
/** About disks and tools: no line of the file is at fault, unless they name one. */
const ELSEWHERE: ReadonlySet<DiagnosticCode> = new Set([
  'DISK_FULL',
  'NOT_WRITABLE',
  'OUT_OF_MEMORY',
  'STORE_DAMAGED',
])

/**
 * What a stage complained of, with the place in the pipeline file that it comes from: stages know values only. A message
 * that begins with a key, or that has a path or an address of the file in it, is at that key; else its code tells.
 */
export function placed(error: unknown, loaded: Loaded): unknown {
  if (!(error instanceof PipelineError)) return error
  const diagnostics = error.diagnostics.map((one) => withPlace(one, loaded))
  return new PipelineError(diagnostics, { cause: error.cause ?? error })
}

function withPlace(diagnostic: Diagnostic, loaded: Loaded): Diagnostic {
  const { code, message, at } = diagnostic
  const key = /^([A-Za-z]+(?:\.[A-Za-z0-9]+)+): /.exec(message)?.[1]
  if (at !== undefined || (key === undefined && ELSEWHERE.has(code))) return diagnostic
  const named = Object.entries(namesIn(loaded)).find(([, name]) => message.includes(name))?.[0]
  const declared = code === 'DIGEST_MISMATCH' ? named?.replace(/\w+$/, 'sha256') : undefined
  const place = placeOf(declared, loaded) ?? placeOf(key ?? named ?? KEYS[code], loaded)
  return place ? { ...diagnostic, at: place } : diagnostic
}

/** Key -> what stages call its value in a message: an absolute path, or an address without its query. */
function namesIn(loaded: Loaded): Record<string, string> {
  const names: Record<string, string> = {}
  const add = (key: string, source: object): void => {
    for (const kind of ['path', 'url', 'npm', 'pypi']) {
      const name = (source as Record<string, unknown>)[kind]
      if (typeof name === 'string') names[`${key}.${kind}`] = name.replace(/[?#].*$/, '')
    }
  }
  const { baseModel } = 'pipeline' in loaded ? loaded.pipeline : loaded.prediction
  if (!isNamed(baseModel)) names[`baseModel.${sourceKey(baseModel)}`] = modelName(baseModel)
  else if (typeof baseModel.weights === 'object') add('baseModel.weights', baseModel.weights)
  if ('pipeline' in loaded) {
    const { source, layout } = loaded.pipeline.dataset
    if (layout !== 'folders') names['dataset.layout.csv.file'] = layout.csv.file
    add('dataset.source', source)
  } else {
    const { labels } = loaded.prediction.prediction
    if (labels !== undefined && labels !== 'imagenet') names['prediction.labels'] = labels
  }
  return names
}

/** Undefined for what is not written in a file, such as a default. */
function placeOf(key: string | undefined, { origin }: Loaded): Position | undefined {
  if (key === undefined) return undefined
  try {
    return origin(key).at
  } catch {
    return undefined
  }
}
