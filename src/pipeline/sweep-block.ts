import type { Diagnostic, Position } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import { checkSweep } from './check-sweep.ts'
import { compose, type Composed, type ReadText } from './compose.ts'
import { fillDefaults } from './defaults.ts'
import { explain } from './explain.ts'
import { writeDatasetOut } from './folders.ts'
import { readNumbers } from './numbers.ts'
import { override } from './override.ts'
import { parseValue } from './parse.ts'
import type { EarlyTerminate, SweepParameter } from './pipeline.generated.ts'
import { writeOut } from './short.ts'
import { pathOfKey } from './trial.ts'
import { find, fromData, mapTree, replace, toData, type MapNode, type Node } from './tree.ts'

export type Goal = 'maximize' | 'minimize'

/** The `sweep` block of a file, defaults filled in, checked as far as it can be without its trials. */
export interface SweepBlock {
  readonly method: 'grid' | 'random' | 'tpe' | 'list'
  readonly seed: number
  readonly metric: SweepMetric
  readonly maxTrials: number | undefined
  /** Dotted keys and what they may be, in the file's order. */
  readonly parameters: ReadonlyMap<string, SweepParameter>
  readonly zip: readonly (readonly string[])[]
  readonly when: readonly { readonly if: Values; readonly drop: readonly string[] }[]
  readonly exclude: readonly Values[]
  readonly points: readonly Values[]
  readonly repeat: ReadonlyMap<string, readonly Json[]>
  readonly earlyTerminate: EarlyTerminate | undefined
  readonly onError: 'continue' | 'stop'
  readonly retries: number
  /** What the file itself says at a dotted key, as it is written. */
  readonly written: (key: string) => Json | undefined
  /** A value with the place in the block that names it, or that of its key. */
  readonly nodeOf: (key: string, value: Json) => Node
  readonly warnings: readonly Diagnostic[]
  /** The file as it was read. */
  readonly composed: Composed
}

/** By dotted key. */
export type Values = Readonly<Record<string, Json>>

export interface SweepMetric {
  /** `validation.accuracy`. */
  readonly name: string
  readonly split: string
  /** `accuracy`. */
  readonly figure: string
  readonly goal: Goal
  readonly target: number | undefined
}

export interface SweepOptions {
  readonly set?: readonly string[] | undefined
  /** `--sweep` arguments: `optimizer.learningRate=0.001,0.0003`. */
  readonly sweep?: readonly string[] | undefined
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Reads the file and those that it extends, in place of the disk. */
  readonly read?: ReadText | undefined
}

/** The sweep of a file, undefined where it has none and none is asked for. Throws PipelineError with what is wrong with the block. */
export async function readSweep(
  file: string,
  { set = [], sweep = [], env, read }: SweepOptions,
): Promise<SweepBlock | undefined> {
  const composed = await compose(file, env, read)
  const { root, problems } = composed
  const found: Diagnostic[] = []
  const report = (diagnostic: Diagnostic) => void found.push(diagnostic)
  const prepare = (node: Node): Node => writeOut(writeDatasetOut(node))
  const given = override(root, set, report, prepare, env)
  const tree = sweep.reduce((node, argument) => withParameter(node, argument), given)
  // What is wrong with the rest of the file is told with its trials.
  if (!find(tree, ['sweep'])) return undefined
  if (find(tree, ['prediction'])) {
    throw new PipelineError([
      {
        code: 'CONFLICT',
        message: 'sweep is about training, and a file with prediction trains nothing',
        at: find(tree, ['sweep'])?.at,
        hint: 'take sweep out, or prediction',
      },
    ])
  }
  const written = readNumbers(tree, report)
  const alone: Node = {
    kind: 'map',
    from: 'file',
    at: root.at,
    entries: new Map([...(written as MapNode).entries].filter(([key]) => key === 'sweep')),
  }
  const wrong = explain(alone).filter(({ path }) => path[0] === 'sweep')
  if (wrong.length > 0) throw new PipelineError(wrong.map(({ diagnostic }) => diagnostic))
  const block = { ...blockOf(find(fillDefaults(alone), ['sweep'])!, written), composed }
  checkSweep(block, written, report)
  const errors = [...problems.filter(isOfSweep(root)), ...found]
  if (errors.some(({ severity }) => severity !== 'warning')) throw new PipelineError(errors)
  return { ...block, warnings: errors }
}

/** Whether a problem of composing the file stands in its sweep. */
function isOfSweep(root: Node): (diagnostic: Diagnostic) => boolean {
  const places: (Position | undefined)[] = []
  const block = find(root, ['sweep'])
  if (block) mapTree(block, (node) => (places.push(node.at), node))
  return ({ at }) => places.some((place) => place !== undefined && place === at)
}

/** `--sweep a.b=v,w` adds a parameter, or stands in the place of the file's. */
function withParameter(root: Node, text: string): Node {
  const argument = `--sweep ${text}`
  const equals = text.indexOf('=')
  const key = text.slice(0, Math.max(0, equals)).trim()
  const bad = (message: string, hint: string) =>
    new PipelineError([{ code: 'BAD_OVERRIDE', message: `${argument}: ${message}`, hint }])
  const form = 'write --sweep a.b=value,value'
  if (key === '') throw bad(equals < 0 ? 'no values' : 'no key', form)
  const list = parseValue(`[${text.slice(equals + 1)}]`, argument)
  if (list.kind !== 'list' || list.items.length === 0) throw bad('no values', form)
  const values = fromData({}, 'set', argument) as MapNode
  const parameter: Node = { ...values, entries: new Map([['values', { value: list }]]) }
  return replace(root, ['sweep', 'parameters', key], parameter)
}

function blockOf(node: Node, root: Node): Omit<SweepBlock, 'composed'> {
  const data = toData(node) as {
    readonly [Key in 'method' | 'onError' | 'retries' | 'maxTrials' | 'earlyTerminate']: never
  } & {
    readonly seed?: number
    readonly metric?: { name: string; goal?: Goal; target?: number }
    readonly parameters?: Record<string, SweepParameter>
    readonly repeat?: Record<string, Json[]>
    readonly zip?: string[][]
    readonly when?: { if: Values; drop: string[] }[]
    readonly exclude?: Values[]
    readonly points?: Values[]
  }
  const written = (key: string) => {
    const found = find(root, pathOfKey(key))
    return found && (toData(found) as Json)
  }
  const seed = written('seed')
  return {
    method: data.method,
    seed: data.seed ?? (typeof seed === 'number' ? seed : 0),
    metric: metricOf(data.metric, written),
    maxTrials: data.maxTrials,
    parameters: new Map(Object.entries(data.parameters ?? {})),
    zip: data.zip ?? [],
    when: data.when ?? [],
    exclude: data.exclude ?? [],
    points: data.points ?? [],
    repeat: new Map(Object.entries(data.repeat ?? {})),
    earlyTerminate: data.earlyTerminate,
    onError: data.onError,
    retries: data.retries,
    written,
    nodeOf: (key, value) => nodeOf(node, key, value),
    warnings: [],
  }
}

/** Without a metric: accuracy on validation, or on test where that is all there is. */
function metricOf(
  given: { name: string; goal?: Goal; target?: number } | undefined,
  written: (key: string) => Json | undefined,
): SweepMetric {
  const splits = written('dataset.splits')
  const isOnTest =
    typeof splits === 'object' && splits !== null && 'test' in splits && !('validation' in splits)
  const name = given?.name ?? (isOnTest ? 'test.accuracy' : 'validation.accuracy')
  const [split = '', figure = ''] = name.split('.')
  const goal = given?.goal ?? (figure === 'loss' ? 'minimize' : 'maximize')
  return { name, split, figure, goal, target: given?.target }
}

/** Looks for the value among those of the parameter, then of points and of repeat. */
function nodeOf(sweep: Node, key: string, value: Json): Node {
  const text = canonicalJson(value)
  const parameter = find(sweep, ['parameters', key])
  const points = find(sweep, ['points'])
  const candidates = [
    ...itemsOf(find(sweep, ['parameters', key, 'values'])),
    ...itemsOf(points).flatMap((point) => find(point, [key]) ?? []),
    ...itemsOf(find(sweep, ['repeat', key])),
  ]
  const named = candidates.find((node) => canonicalJson(toData(node) as Json) === text)
  const place = named ?? parameter ?? sweep
  const argument = place.argument
  const at = place.at ?? (argument ? undefined : sweep.at)
  const made = named ?? fromData(value, 'sweep')
  return mapTree(made, (node) => ({ ...node, from: 'sweep', argument, at: node.at ?? at }))
}

function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.kind === 'list' ? node.items : []
}
