import { basename, extname } from 'node:path'
import type { BaseModel } from '../models/catalogue.ts'
import type { KnownModel } from './base-model.ts'
import { follow, schemaAt } from './schema.ts'
import type { Node, Path } from './tree.ts'
import { find, fromData, mapTree, replace, toData } from './tree.ts'

/**
 * The defaults that depend on other values: the name, what the base model was trained with, the loss that fits the
 * head, the first rate of a schedule, the splits to evaluate on; and the last of normal form (three channels,
 * lower-case digests, accuracy first).
 * `model` is undefined where the file names none that is known: its defaults are then left open.
 */
export function resolveDefaults(
  root: Node,
  file: string,
  model: BaseModel | undefined,
  known: KnownModel | undefined,
): Node {
  let tree = root
  const fallback = (path: Path, value: unknown): void => {
    if (value === undefined || find(tree, path) || !find(tree, path.slice(0, -1))) return
    tree = replace(tree, path, fromData(value, 'default'))
  }
  fallback(['name'], nameOf(file))
  if (model) {
    fallback(['dataset', 'imageSize'], [model.inputSize, model.inputSize])
    fallback(['preprocessing'], model.preprocessing)
    const forget = (key: string): void => {
      const path = ['baseModel', key]
      if (find(tree, path)?.from === 'default') tree = replace(tree, path, undefined)
    }
    if (!model.alphas) forget('alpha')
    if (!model.hasMinimalistic) forget('minimalistic')
  }
  if (known && !model) {
    fallback(['dataset', 'imageSize'], known.imageSize ?? [224, 224])
    fallback(['preprocessing'], known.preprocessing ?? { mode: 'none' })
  }
  for (const optimizer of optimizersOf(tree)) {
    fallback([...optimizer, 'learningRate', 'initialLearningRate'], firstRate(tree, optimizer))
    const useEma = find(tree, [...optimizer, 'useEma'])
    const keepsAverage = useEma?.kind === 'scalar' && useEma.value === true
    fallback([...optimizer, 'emaMomentum'], keepsAverage ? 0.99 : undefined)
  }
  const loss = lossFor(toData(find(tree, ['head']) ?? fromData([], 'default')))
  fallback(['loss'], loss)
  fallback(['evaluation', 'on'], evaluatedOn(tree))
  return normalForm(tree)
}

/** The file's name without its ending, with what may not stand in a name as hyphens. */
function nameOf(file: string): string {
  const stem = basename(file, extname(file))
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 100)
  return /^[A-Za-z0-9_-]/.test(stem) ? stem : `pipeline${stem}`.slice(0, 100)
}

/** What the last layer with an activation ends in; undefined where the head has none. */
export function lastActivation(head: unknown): string | undefined {
  const layers = Array.isArray(head) ? (head as unknown[]) : []
  const last = layers.at(-1)
  if (typeof last !== 'object' || last === null) return undefined
  const [settings] = Object.values(last) as { activation?: unknown }[]
  return typeof settings?.activation === 'string' ? settings.activation : undefined
}

function lossFor(head: unknown): unknown {
  const activation = lastActivation(head)
  if (activation === 'sigmoid') return { name: 'BinaryCrossentropy', labelSmoothing: 0 }
  if (activation === 'softmax') return { name: 'CategoricalCrossentropy', labelSmoothing: 0 }
  return undefined
}

/** Where the file names an optimizer: its own, and those of phases. */
function optimizersOf(tree: Node): Path[] {
  const phases = find(tree, ['training', 'phases'])
  const count = phases?.kind === 'list' ? phases.items.length : 0
  const ofPhases = Array.from({ length: count }, (_, i) => ['training', 'phases', i, 'optimizer'])
  return [['optimizer'], ...ofPhases]
}

/** What a schedule begins at: the optimizer's own default rate, and 0 before a warmupTarget; undefined where it has none. */
function firstRate(tree: Node, optimizer: Path): unknown {
  const path = [...optimizer, 'learningRate']
  const rate = schemaAt(tree, path)
  if (!rate || !schemaAt(tree, [...path, 'initialLearningRate'])) return undefined
  return find(tree, [...path, 'warmupTarget']) ? 0 : follow(rate).default
}

function evaluatedOn(tree: Node): string[] {
  const splits = find(tree, ['dataset', 'splits'])
  if (splits?.kind !== 'map') return []
  return ['test', 'validation'].filter((split) => splits.entries.has(split)).slice(0, 1)
}

const BARE_LAYERS = new Set(['Flatten', 'GlobalAveragePooling2D', 'GlobalMaxPooling2D'])

function normalForm(root: Node): Node {
  return mapTree(root, (node, path) => {
    const where = path.map((step) => (typeof step === 'number' ? '*' : step)).join('.')
    if (node.kind === 'scalar' && typeof node.value === 'string' && path.at(-1) === 'sha256') {
      return { ...node, value: node.value.toLowerCase() }
    }
    if (
      node.kind === 'list' &&
      /^preprocessing\.(mean|std)$/.test(where) &&
      node.items.length === 1
    ) {
      return { ...node, items: [node.items[0]!, node.items[0]!, node.items[0]!] }
    }
    if (node.kind === 'list' && where === 'evaluation.metrics') {
      const others = node.items.filter(
        (item) => item.kind !== 'scalar' || item.value !== 'accuracy',
      )
      const accuracy =
        node.items.find((item) => !others.includes(item)) ?? fromData('accuracy', 'default')
      return { ...node, items: [accuracy, ...others] }
    }
    if (node.kind === 'map' && where === 'head.*' && node.entries.size === 1) {
      const [name] = node.entries.keys()
      if (BARE_LAYERS.has(name!))
        return {
          kind: 'scalar',
          at: node.at,
          from: node.from,
          argument: node.argument,
          value: name!,
        }
    }
    return node
  })
}
