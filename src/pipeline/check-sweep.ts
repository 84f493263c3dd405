import type { Diagnostic, DiagnosticCode, Position } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import { alternatives, follow, SCHEMA, words, type Schema } from './schema.ts'
import type { SweepBlock } from './sweep-block.ts'
import { diagnose, find, type Node, type Path } from './tree.ts'

type CheckedSweep = Omit<SweepBlock, 'composed'>

/** Of every epoch and every evaluation. */
const FIGURES = ['loss', 'accuracy']
/** Those that an evaluation computes where it is asked to. */
const EVALUATED = words(itemOf(['evaluation', 'metrics']))

function itemOf([block, key]: readonly [string, string]): Schema {
  const list = alternatives(follow(SCHEMA.properties![block]!).properties![key]!)
  return list.find(({ items }) => items)!.items!
}

/** Blocks that are the same in all trials. */
const FIXED = ['name', 'notes', 'tags', 'extends', 'sweep', 'prediction']

/** What the schema cannot say of a sweep. Whether keys and values fit is told by the trials themselves. */
export function checkSweep(
  block: CheckedSweep,
  root: Node,
  tell: (diagnostic: Diagnostic) => void,
): void {
  const report = (code: DiagnosticCode, path: Path, message: string, hint?: string) =>
    tell(
      diagnose(root, ['sweep', ...path], {
        code,
        message,
        hint,
        at: code === 'UNKNOWN_KEY' ? keyPlace(root, ['sweep', ...path]) : undefined,
      }),
    )
  checkMethod(block, report)
  checkTermination(block, report)
  checkParameters(block, report)
  checkZip(block, report)
  checkConditions(block, report)
  checkMetric(block, report, tell, root)
  if (block.written('seed') === 'random') {
    const hint = 'write a number, or repeat: {seed: [1, 2, 3]} for several'
    tell(
      diagnose(root, ['seed'], {
        code: 'CONFLICT',
        message: 'seed is random, and the trials of a sweep must be the same when it is run again',
        hint,
      }),
    )
  }
}

/** Of a key itself, where a map has it. */
function keyPlace(root: Node, path: Path): Position | undefined {
  const map = find(root, path.slice(0, -1))
  return map?.kind === 'map' ? map.entries.get(String(path.at(-1)))?.keyAt : undefined
}

type Report = (code: DiagnosticCode, path: Path, message: string, hint?: string) => void

function checkMethod(block: CheckedSweep, report: Report): void {
  const { method, maxTrials, parameters, points } = block
  if ((method === 'random' || method === 'tpe') && maxTrials === undefined) {
    const message = `method ${method} needs maxTrials`
    report('MISSING_KEY', ['maxTrials'], message, 'for instance maxTrials: 24')
  }
  if (method === 'list') {
    if (points.length === 0) {
      const hint = 'for instance points: [{optimizer.learningRate: 0.001}]'
      report('MISSING_KEY', ['points'], 'method list needs points', hint)
    }
    return
  }
  if (parameters.size === 0 && block.repeat.size === 0) {
    const hint = 'for instance parameters: {training.batchSize: {values: [16, 32]}}'
    report('MISSING_KEY', ['parameters'], 'the sweep needs parameters', hint)
  }
  if (method === 'grid') {
    for (const [key, parameter] of parameters) {
      if ('values' in parameter) continue
      const message = `a grid tries every value of ${key}, and a distribution has no end of them`
      const hint = 'write values: [...], or method: random'
      report('CONFLICT', ['parameters', key], message, hint)
    }
  }
}

/** What is stopped early is one training; its repeats would each have an end of their own. */
function checkTermination(
  { earlyTerminate, repeat, parameters }: CheckedSweep,
  report: Report,
): void {
  if (!earlyTerminate) return
  if (repeat.size > 0) {
    const hint = 'repeat the best trials in a sweep of their own'
    report('CONFLICT', ['repeat'], 'trials that end early cannot be repeated', hint)
  }
  if (earlyTerminate.type !== 'asha') return
  if (parameters.has('training.epochs')) {
    const message = 'earlyTerminate asha says how many epochs there are, by its max'
    report('CONFLICT', ['parameters', 'training.epochs'], message)
  }
  if (earlyTerminate.max < (earlyTerminate.min ?? 1)) {
    const message = `max: ${earlyTerminate.max} epochs are fewer than min: ${earlyTerminate.min ?? 1}`
    report('CONFLICT', ['earlyTerminate', 'max'], message)
  }
}

function checkParameters(
  { parameters, repeat, points, method }: CheckedSweep,
  report: Report,
): void {
  const keys = [...parameters.keys(), ...repeat.keys()]
  for (const key of keys) {
    const where = parameters.has(key) ? ['parameters', key] : ['repeat', key]
    const [block = ''] = key.split('.')
    if (FIXED.includes(block)) {
      report('WRONG_VALUE', where, `${block} is the same in all trials of a sweep`)
    }
    const above = keys.find((other) => other !== key && key.startsWith(`${other}.`))
    if (above !== undefined) {
      report('CONFLICT', where, `${key} stands inside ${above}, which has values of its own`)
    }
    if (parameters.has(key) && repeat.has(key)) {
      report('CONFLICT', ['repeat', key], `${key} is a parameter already`)
    }
  }
  for (const [key, parameter] of parameters) checkRange(key, parameter, report)
  if (method === 'list') return
  for (const [i, point] of points.entries()) {
    for (const key of Object.keys(point)) {
      if (!parameters.has(key)) unknown(['points', i, key], key, [...parameters.keys()], report)
    }
  }
}

type Parameter = CheckedSweep['parameters'] extends ReadonlyMap<string, infer P> ? P : never

function checkRange(key: string, parameter: Parameter, report: Report): void {
  if (!('min' in parameter)) return
  const { min, max, distribution } = parameter as { min: number; max: number; distribution: string }
  const where = ['parameters', key]
  if (min >= max) report('CONFLICT', where, `${key}: min ${min} is not below max ${max}`)
  if (distribution === 'logUniform' && min <= 0) {
    const hint = 'min and max are the values themselves, not exponents'
    report(
      'WRONG_VALUE',
      [...where, 'min'],
      `${key}: logUniform takes min above 0, got ${min}`,
      hint,
    )
  }
  if (distribution === 'intUniform' && !(Number.isInteger(min) && Number.isInteger(max))) {
    report('WRONG_VALUE', where, `${key}: intUniform takes whole numbers, got ${min} and ${max}`)
  }
}

function checkZip({ zip, parameters }: CheckedSweep, report: Report): void {
  const seen = new Set<string>()
  for (const [i, keys] of zip.entries()) {
    const lengths = new Set<number>()
    for (const key of keys) {
      const parameter = parameters.get(key)
      if (!parameter) unknown(['zip', i], key, [...parameters.keys()], report)
      else if (!('values' in parameter)) {
        report('CONFLICT', ['zip', i], `${key} has no values to change together with others`)
      } else lengths.add(parameter.values.length)
      if (seen.has(key)) report('CONFLICT', ['zip', i], `${key} stands in zip twice`)
      seen.add(key)
    }
    if (lengths.size > 1) {
      const counts = keys.map((key) => `${key} ${valuesOf(parameters.get(key))}`).join(', ')
      report('CONFLICT', ['zip', i], `keys of a zip have as many values each: ${counts}`)
    }
  }
}

function valuesOf(parameter: Parameter | undefined): number {
  return parameter && 'values' in parameter ? parameter.values.length : 0
}

/** Keys of `exclude` and of `when` are parameters, or keys that the file has. */
function checkConditions(block: CheckedSweep, report: Report): void {
  const known = [...block.parameters.keys(), ...block.repeat.keys()]
  const isKnown = (key: string) => known.includes(key) || block.written(key) !== undefined
  for (const [i, values] of block.exclude.entries()) {
    for (const key of Object.keys(values)) {
      if (!isKnown(key)) unknown(['exclude', i, key], key, known, report)
    }
  }
  for (const [i, rule] of block.when.entries()) {
    for (const key of Object.keys(rule.if)) {
      if (!isKnown(key)) unknown(['when', i, 'if', key], key, known, report)
    }
    for (const key of rule.drop) {
      const isThere = isKnown(key) || known.some((other) => other.startsWith(`${key}.`))
      if (!isThere) unknown(['when', i, 'drop'], key, known, report)
    }
  }
}

function unknown(path: Path, key: string, known: readonly string[], report: Report): void {
  const guess = didYouMean(key, known) ?? `parameters here: ${known.join(', ')}`
  report('UNKNOWN_KEY', path, `the sweep has no parameter "${key}"`, guess)
}

function checkMetric(
  { metric, written }: CheckedSweep,
  report: Report,
  tell: (diagnostic: Diagnostic) => void,
  root: Node,
): void {
  const known = metric.split === 'train' ? FIGURES : [...FIGURES, ...EVALUATED]
  if (!known.includes(metric.figure)) {
    const message = `trials cannot be judged by ${metric.name}: there is no such figure`
    const hint =
      didYouMean(metric.figure, known) ?? `write ${metric.split}. and one of ${known.join(', ')}`
    report('WRONG_VALUE', ['metric', 'name'], message, hint)
  }
  const isLoss = metric.figure === 'loss'
  if (isLoss === (metric.goal === 'maximize')) {
    const message = `the best trial is the one with the ${isLoss ? 'highest' : 'lowest'} ${metric.name}`
    const hint = `take goal out, or write ${isLoss ? 'minimize' : 'maximize'}`
    const path = ['sweep', 'metric', 'goal']
    tell(diagnose(root, path, { code: 'NOTE', severity: 'warning', message, hint }))
  }
  const splits = written('dataset.splits')
  const isKnown = typeof splits === 'object' && splits !== null
  if (metric.split !== 'train' && isKnown && !(metric.split in splits)) {
    const hint = `add ${metric.split}: {from: train, fraction: 0.2} to dataset.splits`
    const message = `trials are judged by ${metric.name}, and dataset.splits has no ${metric.split}`
    report('MISSING_KEY', find(root, ['sweep', 'metric']) ? ['metric', 'name'] : [], message, hint)
  }
  if (metric.split !== 'test') return
  const message = `trials are judged by ${metric.name}: what chose the best one then measures it too`
  const hint = 'judge by validation; the best trial alone is measured on test'
  const path = find(root, ['sweep', 'metric']) ? ['sweep', 'metric', 'name'] : ['sweep']
  tell(diagnose(root, path, { code: 'NOTE', severity: 'warning', message, hint }))
}
