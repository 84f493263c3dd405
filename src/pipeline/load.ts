import { join } from 'node:path'
import { BASE_MODELS } from '../models/catalogue.ts'
import type { BaseModel } from '../models/catalogue.ts'
import type { StoredGraph } from '../models/stored-graph.ts'
import type { Diagnostic, Position } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { byCodePoint } from '../util/json.ts'
import type { FindRunModel, KnownModel } from './base-model.ts'
import { CHECKS } from './checks.ts'
import type { Checked } from './check.ts'
import { checkFeatures } from './check-features.ts'
import { checkFreeze } from './check-freeze.ts'
import { checkClassWeight, checkHead, checkUnits } from './check-head.ts'
import { buildLayers } from './check-layers.ts'
import { compose, type Composed, type ReadText } from './compose.ts'
import { fillDefaults, inSchemaOrder } from './defaults.ts'
import { explain } from './explain.ts'
import { findSplits, foldersIn, writeDatasetOut } from './folders.ts'
import { inheritPhases } from './inherit.ts'
import { knownModel } from './known-model.ts'
import { findNotYet } from './not-yet.ts'
import { readNumbers } from './numbers.ts'
import { override } from './override.ts'
import { absolutePaths } from './paths.ts'
import { resolvePrediction, trainingProblems } from './load-prediction.ts'
import type { Pipeline, PredictionPipeline } from './pipeline.ts'
import { resolveDefaults } from './resolve.ts'
import { writeOut } from './short.ts'
import { layTrial, type TrialChanges } from './trial.ts'
import type { From, Node, Path } from './tree.ts'
import { diagnose, find, fromData, placeOf, replace, scalars, showPath, toData } from './tree.ts'
import validate from './validator.js'

export interface LoadOptions {
  /** `--set` arguments: `a.b=v`, `+a.b=v`, `~a.b`. Relative paths in them are seen from `cwd`. */
  readonly set?: readonly string[] | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  /** The file as it was read before, for one that is loaded many times. */
  readonly composed?: Composed | undefined
  /** A trial of the file's sweep; without it the file is read as if it had no sweep. */
  readonly trial?: TrialChanges | undefined
  /** Reads the file and those that it extends, in place of the disk. */
  readonly read?: ReadText | undefined
  /** Finds the run that a file names as its base model; without it nothing is known of that. */
  readonly findRun?: FindRunModel | undefined
}

/** A file that trains. */
export interface LoadedPipeline extends LoadedFile {
  readonly pipeline: Pipeline
}

/** A file without training. */
export interface LoadedPrediction extends LoadedFile {
  readonly prediction: PredictionPipeline
}

export interface LoadedFile {
  /** As it was named. */
  readonly file: string
  /** The file's own text. */
  readonly text: string
  readonly warnings: readonly Diagnostic[]
  /** Where the value at a dotted path (`head.1.Dense.units`) comes from. */
  readonly origin: (path: string) => Origin
  /** The resolved values with their places. */
  readonly tree: Node
  /** What is known of the base model before anything runs. */
  readonly known: KnownModel
}

export interface Origin {
  readonly at?: Position | undefined
  readonly from: From
  /** The value as written, where a variable, a fraction or a path was replaced. */
  readonly written?: string | undefined
  /** The `--set` argument that brought it. */
  readonly argument?: string | undefined
}

/**
 * Reads a pipeline file and resolves it: `extends`, variables, `--set`, short forms, defaults. Nothing runs; of the
 * data only names of folders are looked at. Throws PipelineError with everything that is wrong, in order of place.
 */
export async function loadFile(
  file: string,
  options: LoadOptions = {},
): Promise<LoadedPipeline | LoadedPrediction> {
  const { set = [], env = process.env, cwd = process.cwd(), trial, findRun, read } = options
  const { root, text, problems } = options.composed ?? (await compose(file, env, read))
  const found: Diagnostic[] = [...problems]
  const report = (diagnostic: Diagnostic): void => void found.push(diagnostic)
  const prepare = (node: Node): Node => writeOut(writeDatasetOut(node))
  const given = absolutePaths(override(root, set, report, prepare, env), cwd)
  const alone = find(given, ['prediction']) ? given : replace(given, ['sweep'], undefined)
  const merged = trial ? layTrial(alone, trial, { prepare, report, cwd }) : alone
  const written = readNumbers(merged, report)

  // Keys that are known to be wrong: nothing more is said about them, nor checked that reads them.
  const bad = scalars(written).flatMap(([node, path]) => (node.broken ? [path] : []))
  const wrong = schemaProblems(written).filter(({ path }) => !bad.some((b) => touches(b, path)))
  found.push(...wrong.map((problem) => problem.diagnostic))
  bad.push(...wrong.map((problem) => problem.path))
  const isBad = (key: string): boolean => bad.some((path) => touches(path, key.split('.')))
  const isPrediction = find(written, ['prediction']) !== undefined
  if (!isPrediction) bad.push(...missingKeys(written, report))
  const checked = isPrediction
    ? await resolvePrediction(written, file, { isBad, report, findRun, modelOf })
    : await resolveAndCheck(written, file, { bad, isBad, report, findRun })
  const sorted = inOrder(found, file)
  if (sorted.some((d) => d.severity !== 'warning')) throw new PipelineError(sorted)
  const { tree } = checked
  return { ...checked, file, text, warnings: sorted, origin: (path) => originOf(tree, path) }
}

/** The same of a file that trains; a TypeError for one that does not. */
export async function loadPipeline(file: string, options?: LoadOptions): Promise<LoadedPipeline> {
  const loaded = await loadFile(file, options)
  if ('pipeline' in loaded) return loaded
  throw new TypeError(`${file} trains nothing`)
}

interface Findings {
  /** Paths known to be wrong; grows. */
  readonly bad: Path[]
  readonly isBad: (key: string) => boolean
  readonly report: (diagnostic: Diagnostic) => void
  readonly findRun: FindRunModel | undefined
}

/** Defaults, then every check that reads nothing known to be wrong. */
async function resolveAndCheck(
  written: Node,
  file: string,
  { bad, isBad, report, findRun }: Findings,
): Promise<{ pipeline: Pipeline; tree: Node; known: KnownModel }> {
  let tree = fillDefaults(inheritPhases(written))
  if (!isBad('dataset')) {
    tree = await findSplits(tree, (diagnostic) => {
      bad.push(['dataset', 'splits'])
      report(diagnostic)
    })
  }
  const model = isBad('baseModel') ? undefined : modelOf(tree)
  const known = isBad('baseModel') ? undefined : await knownModel(tree, model, findRun, report)
  if (known?.run) tree = replace(tree, ['baseModel', 'run'], fromData(known.run.id, 'file'))
  tree = inSchemaOrder(resolveDefaults(tree, file, model, known))
  const given: Checked = {
    pipeline: toData(tree) as Pipeline,
    model,
    known,
    classes: isBad('dataset') ? undefined : await knownClasses(tree),
    isWritten: (path) => (find(tree, path)?.from ?? 'default') !== 'default',
    report: (code, path, message, more) => {
      report(diagnose(tree, path, { code, message, ...more }))
    },
  }
  const isOpen = isBad('baseModel') || isBad('dataset.imageSize')
  const checked = { ...given, layers: isOpen ? undefined : await buildLayers(given) }
  for (const check of CHECKS) if (!check.reads.some(isBad)) check.run(checked)
  if (!isBad('freeze') && !isBad('training.phases')) await checkFreeze(checked)
  const reads = [
    'features',
    'augmentation',
    'freeze',
    'training.phases',
    'head',
    'baseModel',
    'dataset',
  ]
  if (!reads.some(isBad)) await checkFeatures(checked)
  return { pipeline: checked.pipeline, tree, known: known ?? {} }
}

/**
 * What only the pictures tell: with the classes of the index, whether the head's units and the class weights fit.
 * For use before anything is trained, with the places of the file.
 */
export function classProblems(
  { pipeline, tree }: LoadedPipeline,
  classes: readonly string[],
): Diagnostic[] {
  const problems: Diagnostic[] = []
  const checked: Checked = {
    pipeline,
    model: undefined,
    known: undefined,
    classes,
    isWritten: () => true,
    report: (code, path, message, more) =>
      void problems.push(diagnose(tree, path, { code, message, ...more })),
  }
  checkUnits(checked)
  checkClassWeight(checked)
  return problems
}

/** What only the layers of a base model tell that is fetched first: whether the head and the freeze policy fit them. */
export async function layerProblems(
  { pipeline, tree }: LoadedPipeline,
  stored: StoredGraph,
): Promise<Diagnostic[]> {
  const problems: Diagnostic[] = []
  const given: Checked = {
    pipeline,
    model: undefined,
    known: { stored },
    classes: undefined,
    isWritten: (path) => (find(tree, path)?.from ?? 'default') !== 'default',
    report: (code, path, message, more) =>
      void problems.push(diagnose(tree, path, { code, message, ...more })),
  }
  const checked = { ...given, layers: await buildLayers(given) }
  checkHead(checked)
  await checkFreeze(checked)
  await checkFeatures(checked)
  return problems.filter(({ severity }) => severity !== 'warning')
}

/** What a file that trains cannot do without; told, and returned as paths. */
function missingKeys(tree: Node, report: (diagnostic: Diagnostic) => void): Path[] {
  const dataset = find(tree, ['dataset'])
  const code = 'MISSING_KEY'
  if (!dataset) {
    const message = 'the file needs the key "dataset"'
    const hint = 'for instance dataset: {source: {path: photos}, splits: {train: Training}}'
    report(diagnose(tree, [], { code, message, hint }))
    return [['dataset']]
  }
  if (dataset.kind !== 'map' || dataset.entries.has('source')) return []
  const hint = 'for instance source: {path: photos}'
  const message = 'dataset needs the key "source"'
  report(diagnose(tree, ['dataset', 'source'], { code, message, hint }))
  return [['dataset', 'source']]
}

/** By the schema, and by what this version does. */
function schemaProblems(tree: Node): ReturnType<typeof explain> {
  const wrong = validate(toData(tree)) ? [] : explain(tree)
  if (wrong.length === 0 && !validate(toData(tree))) {
    throw new Error(
      'the compiled validator refuses a file that the schema allows: run `npm run build`',
    )
  }
  const isPrediction = find(tree, ['prediction']) !== undefined
  const more = [...(isPrediction ? trainingProblems(tree) : []), ...findNotYet(tree)]
  return [...wrong, ...more.filter(({ path }) => !wrong.some((w) => touches(w.path, path)))]
}

/** Whether one path is the other or stands inside it. */
function touches(a: Path, b: Path): boolean {
  return a.slice(0, b.length).every((step, i) => String(step) === String(b[i]))
}

function modelOf(tree: Node): BaseModel | undefined {
  const name = find(tree, ['baseModel', 'name'])
  return BASE_MODELS.find((m) => name?.kind === 'scalar' && m.name === name.value)
}

/** Listed, or the sub-folders of a local training folder. */
async function knownClasses(tree: Node): Promise<readonly string[] | undefined> {
  const { dataset } = toData(tree) as { dataset: Partial<Pipeline['dataset']> }
  if (dataset.classes) return dataset.classes
  const train = dataset.splits?.train
  if (
    dataset.layout !== 'folders' ||
    typeof train !== 'string' ||
    !dataset.source ||
    !('path' in dataset.source)
  )
    return undefined
  const folders = await foldersIn(join(dataset.source.path, dataset.root ?? '.', train))
  return folders && folders.length > 0
    ? folders.map((f) => f.normalize('NFC')).sort(byCodePoint)
    : undefined
}

/** The file's own first, then the others', each by line; what has no place last. The same thing is told once. */
function inOrder(diagnostics: readonly Diagnostic[], file: string): Diagnostic[] {
  const unique = new Map(diagnostics.map((d) => [JSON.stringify([d.code, d.message, d.at]), d]))
  const rank = ({ at }: Diagnostic): string => (at ? (at.file === file ? '0' : `1${at.file}`) : '2')
  return [...unique.values()].sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1
    return (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.col ?? 0) - (b.at?.col ?? 0)
  })
}

function originOf(tree: Node, dotted: string): Origin {
  const path = dotted === '' ? [] : dotted.replace(/\[([0-9]+)\]/g, '.$1').split('.')
  const node = find(tree, path)
  if (!node) throw new TypeError(`the pipeline has no ${showPath(path)}`)
  const written = node.kind === 'scalar' ? node.written : undefined
  // The place of a default would be that of the nearest parent, which does not say it.
  const at = node.from === 'default' ? node.at : placeOf(tree, path)
  return { at, from: node.from, written, argument: node.argument }
}
