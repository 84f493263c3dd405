import { failure, type PipelineError } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import type { Layer, LayerGraph } from './layer-graph.ts'
import { kerasCount, kerasPositions } from './listing.ts'

/**
 * Which layers of the trunk training leaves as they are. `first` counts as Keras counts `model.layers`, the input layer
 * included; `upTo` includes the layer it names; globs know `*` and `?`.
 */
export type FreezePolicy =
  | 'all'
  | 'none'
  | { readonly first: number }
  | { readonly upTo: string }
  | { readonly layers: readonly string[] }
  | { readonly except: readonly string[] }

/**
 * The names of the trunk's frozen layers. Throws WRONG_VALUE where the policy freezes by a number out of range, by an
 * unknown layer, by a glob that matches nothing, or names layers of the head (`head`), which is always trained; and where
 * a SavedModel is to be trained that has nothing to be trained by.
 */
export function resolveFreeze(
  policy: FreezePolicy,
  trunk: LayerGraph,
  head: readonly string[] = [],
): ReadonlySet<string> {
  const frozen = frozenNames(policy, trunk, head)
  const untrained = trunk.layers.find(
    (layer) =>
      layer.kind === 'SavedModel' &&
      (layer as Layer<'SavedModel'>).config.training === undefined &&
      !frozen.has(layer.name),
  )
  if (!untrained) return frozen
  const text = describeFreeze(policy)
  throw failure(
    'WRONG_VALUE',
    `freeze: ${text} trains ${untrained.name}, a SavedModel without a branch to be trained by`,
    { hint: 'write freeze: all, or take a module that is called with `training`' },
  )
}

function frozenNames(
  policy: FreezePolicy,
  trunk: LayerGraph,
  head: readonly string[],
): ReadonlySet<string> {
  const names = trunk.layers.map((layer) => layer.name)
  if (policy === 'all') return new Set(names)
  if (policy === 'none') return new Set()
  if ('first' in policy) {
    const first = countOf(policy.first, trunk)
    const end = kerasPositions(trunk).findIndex((position) => (position ?? -1) >= first)
    return new Set(end < 0 ? names : names.slice(0, end))
  }
  if ('upTo' in policy) {
    const index = names.indexOf(policy.upTo)
    if (index < 0) throw unknownLayer(policy.upTo, trunk, head)
    return new Set(names.slice(0, index + 1))
  }
  if ('layers' in policy) return matching(policy.layers, trunk, head)
  const trained = matching(policy.except, trunk, head)
  return new Set(names.filter((name) => !trained.has(name)))
}

/** As a person writes it: `all`, `{first: 600}`. */
export function describeFreeze(policy: FreezePolicy): string {
  if (typeof policy === 'string') return policy
  const [key, value] = Object.entries(policy)[0] as [string, unknown]
  return `{${key}: ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}}`
}

function countOf(first: number, trunk: LayerGraph): number {
  const length = kerasCount(trunk)
  if (first === 0) {
    throw failure('WRONG_VALUE', 'freeze.first is 0', {
      hint: 'write freeze: none to freeze nothing',
    })
  }
  if (!Number.isInteger(first) || first < 0) {
    throw failure('WRONG_VALUE', `freeze.first is no number of layers, got ${first}`)
  }
  if (first > length) {
    throw failure(
      'WRONG_VALUE',
      `freeze.first is ${first}, but ${trunk.name} has ${length} layers`,
      {
        hint: 'write freeze: all to freeze the whole trunk; the head is always trained',
      },
    )
  }
  return first
}

function matching(
  globs: readonly string[],
  trunk: LayerGraph,
  head: readonly string[],
): Set<string> {
  const found = new Set<string>()
  for (const glob of globs) {
    const pattern = expression(glob)
    const hits = trunk.layers.filter((layer) => pattern.test(layer.name))
    if (hits.length === 0) throw noMatch(glob, pattern, trunk, head)
    for (const { name } of hits) found.add(name)
  }
  return found
}

function noMatch(
  glob: string,
  pattern: RegExp,
  trunk: LayerGraph,
  head: readonly string[],
): PipelineError {
  if (!/[*?]/.test(glob)) return unknownLayer(glob, trunk, head)
  const ofHead = head.find((name) => pattern.test(name))
  if (ofHead !== undefined) return headLayer(glob, ofHead)
  return failure('WRONG_VALUE', `freeze: "${glob}" matches no layer of ${trunk.name}`, {
    hint: `its layers are called like ${examples(trunk)}`,
  })
}

function unknownLayer(name: string, trunk: LayerGraph, head: readonly string[]): PipelineError {
  if (head.includes(name)) return headLayer(name, name)
  const names = trunk.layers.map((layer) => layer.name)
  return failure('WRONG_VALUE', `freeze: ${trunk.name} has no layer "${name}"`, {
    hint: didYouMean(name, names) ?? `its layers are called like ${examples(trunk)}`,
  })
}

function headLayer(given: string, name: string): PipelineError {
  const what = given === name ? `"${name}" is a layer` : `"${given}" matches "${name}", a layer`
  return failure('WRONG_VALUE', `freeze: ${what} of the head, which is always trained`, {
    hint: 'name layers of the trunk only',
  })
}

/** Three names that hold weights, from the start, the middle and the end. */
function examples({ layers }: LayerGraph): string {
  const names = layers.filter((layer) => layer.weights.length > 0).map((layer) => layer.name)
  return [names[0], names[Math.floor(names.length / 2)], names.at(-1)].join(', ')
}

function expression(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`)
}
