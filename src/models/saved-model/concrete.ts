import type { ModuleTensor } from './module.ts'
import type { ConcreteFunction } from './object-graph.ts'
import type { Argument } from './stored.ts'
import { leavesOf, shapeOf, type Leaf, type Parameters } from './structured.ts'

/** A concrete function, with what is known of its arguments. */
export interface Candidate {
  readonly name: string
  readonly concrete: ConcreteFunction
  readonly leaves: readonly Leaf[]
  readonly defaults: Parameters['defaults']
}

export function isTraining({ path }: Leaf): boolean {
  return path.length === 1 && (path[0] === 'training' || path[0] === 'is_training')
}

/** What a number that may be given beside the pictures is by default (`batch_norm_momentum`). */
export function defaultOf(
  { path }: Leaf,
  defaults: Parameters['defaults'],
): number | boolean | undefined {
  const value = path.length === 1 ? defaults.get(path[0]!) : undefined
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

export function truth(value: boolean): Argument {
  return { kind: 'constant', constant: { type: 'bool', shape: [], values: [Number(value)] } }
}

/**
 * The concrete function to run: traced for this `training`, else for one that is given, else one without; of several
 * the one that takes the fewest tensors, its other arguments at their defaults, and leaves most sizes open. A module
 * that never asks is trained by what it has; one that was traced for false or None alone cannot be.
 */
export function best(candidates: readonly Candidate[], training: boolean): Candidate | undefined {
  const ranked = candidates.flatMap((candidate) => {
    const argument = candidate.leaves.find(isTraining)
    const literal = argument?.spec ? 'given' : (argument?.literal ?? null)
    if (literal === !training || (training && argument?.literal === null)) return []
    const others = candidate.leaves.filter(
      (leaf) =>
        !leaf.spec &&
        !isTraining(leaf) &&
        leaf.literal !== (candidate.defaults.get(leaf.path[0]!) ?? null),
    )
    const rank = literal === training ? 0 : literal === 'given' ? 1 : 2
    const inputs = inputsOf(candidate)
    const fixed = inputs.flatMap(({ shape }) => shape ?? []).filter((n) => n >= 0).length
    return [{ candidate, order: [inputs.length, others.length, rank, fixed] }]
  })
  return ranked.toSorted((a, b) => before(a.order, b.order))[0]?.candidate
}

function before(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k])
  return i < 0 ? 0 : a[i]! - b[i]!
}

export function inputsOf({ leaves, defaults }: Candidate): ModuleTensor[] {
  return leaves
    .filter((leaf) => leaf.spec && !isTraining(leaf) && defaultOf(leaf, defaults) === undefined)
    .map(({ path, spec }) => ({ name: spec!.name || path.join('/'), shape: shapeOf(spec!) }))
}

export function outputNames({ concrete }: Candidate): string[] {
  return leavesOf(concrete.outputs)
    .filter(({ spec }) => spec)
    .map(({ path }) => (path.length === 0 ? 'default' : path.join('/')))
}
