import type { BaseModel as Catalogued } from '../models/catalogue.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { FindRunModel, KnownModel } from './base-model.ts'
import type { CheckedModel } from './check.ts'
import { buildLayers } from './check-layers.ts'
import { checkImageSize, checkPreprocessing, checkVariant } from './check-model.ts'
import { checkActivation, checkLabels, checkTop } from './check-prediction.ts'
import { fillDefaults, inSchemaOrder } from './defaults.ts'
import type { Problem } from './explain.ts'
import { knownModel } from './known-model.ts'
import type { PredictionPipeline } from './pipeline.ts'
import { resolveDefaults } from './resolve.ts'
import { diagnose, find, fromData, replace, scalars, toData, type Node, type Path } from './tree.ts'

/** Keys that only what trains has. */
const TRAINING: readonly Path[] = [
  'augmentation',
  'freeze',
  'features',
  'head',
  'loss',
  'optimizer',
  'training',
  'evaluation',
  'sweep',
].map((key) => [key])
const OF_DATASET: readonly Path[] = [
  'source',
  'root',
  'layout',
  'splits',
  'classes',
  'badImages',
].map((key) => ['dataset', key])

/** What a file with `prediction` says of training, and of pictures to train on. */
export function trainingProblems(written: Node): Problem[] {
  const problem = (path: Path, message: string): Problem => {
    const key = String(path.at(-1))
    const node = find(written, path)!
    const isTaken = node.from === 'extends'
    const hint = isTaken
      ? `take the one from the extended file out with \`${key}: null\``
      : `take ${key} out, or prediction`
    // What `--set` brought has no place, but the argument.
    const [, leaf = []] = scalars(node).find(([{ from }]) => from === 'set') ?? []
    const at = [...path, ...leaf]
    return { path, diagnostic: diagnose(written, at, { code: 'CONFLICT', message, hint }) }
  }
  const there = (path: Path): boolean => find(written, path) !== undefined
  return [
    ...TRAINING.filter(there).map((path) =>
      problem(path, `${path[0]} is about training, and a file with prediction trains nothing`),
    ),
    ...OF_DATASET.filter(there).map((path) =>
      problem(
        path,
        `dataset.${path[1]} is about pictures to train on, and a file with prediction names its own in prediction.images`,
      ),
    ),
  ]
}

interface Findings {
  readonly isBad: (key: string) => boolean
  readonly report: (diagnostic: Diagnostic) => void
  readonly findRun: FindRunModel | undefined
  readonly modelOf: (tree: Node) => Catalogued | undefined
}

/** Defaults of a file with `prediction`, then every check that reads nothing known to be wrong. */
export async function resolvePrediction(
  written: Node,
  file: string,
  { isBad, report, findRun, modelOf }: Findings,
): Promise<{ prediction: PredictionPipeline; tree: Node; known: KnownModel }> {
  let tree = withoutTraining(fillDefaults(wholeModel(written)))
  const model = isBad('baseModel') ? undefined : modelOf(tree)
  // What a model file says of training that is left out here does not matter.
  const tell = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity !== 'warning') report(diagnostic)
  }
  const known = isBad('baseModel') ? undefined : await knownModel(tree, model, findRun, tell)
  if (known?.run) tree = replace(tree, ['baseModel', 'run'], fromData(known.run.id, 'file'))
  tree = resolveDefaults(tree, file, model, known)
  if (model && !find(tree, ['prediction', 'labels'])) {
    tree = replace(tree, ['prediction', 'labels'], fromData(model.labels, 'default'))
  }
  tree = inSchemaOrder(tree)
  const pipeline = toData(tree) as PredictionPipeline
  const given: CheckedModel = {
    pipeline,
    model,
    known,
    isWritten: (path) => (find(tree, path)?.from ?? 'default') !== 'default',
    report: (code, path, message, more) => {
      report(diagnose(tree, path, { code, message, ...more }))
    },
  }
  const isOpen = isBad('baseModel') || isBad('dataset.imageSize')
  const checked = { ...given, pipeline, layers: isOpen ? undefined : await buildLayers(given) }
  if (!isBad('baseModel')) {
    checkVariant(checked)
    checkTop(checked)
    if (!isBad('preprocessing')) checkPreprocessing(checked)
    if (!isBad('dataset.imageSize')) checkImageSize(checked)
    if (!isBad('prediction')) {
      checkActivation(checked)
      await checkLabels(checked)
    }
  }
  return { prediction: pipeline, tree, known: known ?? {} }
}

/** The top is what predicts, so that it is there where nothing else is said; and `dataset` may be left out. */
function wholeModel(written: Node): Node {
  const base = find(written, ['baseModel'])
  let tree = written
  if (base?.kind === 'map' && !base.entries.has('includeTop')) {
    const hasTop = base.entries.has('name') || base.entries.has('run')
    if (hasTop) tree = replace(tree, ['baseModel', 'includeTop'], fromData(true, 'default'))
  }
  return find(tree, ['dataset']) ? tree : replace(tree, ['dataset'], fromData({}, 'default'))
}

function withoutTraining(tree: Node): Node {
  return [...TRAINING, ...OF_DATASET].reduce(
    (rest, path) => (find(rest, path) ? replace(rest, path, undefined) : rest),
    tree,
  )
}
