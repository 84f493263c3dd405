import type { Problem } from './explain.ts'
import type { Node, Path } from './tree.ts'
import { diagnose, mapTree, showPath } from './tree.ts'

/** A part of the file that is understood but not done in this version. Whoever builds it takes the row out. */
interface NotYet {
  /** Where it stands; `*` is any key or place of a list. */
  readonly path: readonly string[]
  /** Which values there are not done; without it, all. */
  readonly when?: (value: unknown) => boolean
  /** What the value asks for: `augmentation is not in this version`. */
  readonly what: string
  readonly hint: string
}

const not =
  (...names: readonly string[]) =>
  (value: unknown) =>
    typeof value === 'string' && !names.includes(value)

export const NOT_YET: readonly NotYet[] = [
  {
    path: ['loss', 'name'],
    when: not('BinaryCrossentropy', 'CategoricalCrossentropy', 'SparseCategoricalCrossentropy'),
    what: 'this loss',
    hint: 'use BinaryCrossentropy, CategoricalCrossentropy or SparseCategoricalCrossentropy',
  },
]

/** Every part of the (written-out) tree that this version does not do, each with the row's hint. */
export function findNotYet(root: Node): Problem[] {
  const problems: Problem[] = []
  mapTree(root, (node, path) => {
    for (const row of NOT_YET) {
      if (!fits(row.path, path)) continue
      const value = node.kind === 'scalar' ? node.value : {}
      if (row.when && !row.when(value)) continue
      const shown = showPath(node.short ? path.slice(0, -1) : path)
      const got = node.kind === 'scalar' && row.when ? `: ${String(value)}` : ''
      const message = `${row.what} is not in this version (${shown}${got})`
      problems.push({
        path,
        diagnostic: diagnose(root, path, { code: 'NOT_YET', message, hint: row.hint }),
      })
    }
    return node
  })
  return problems
}

function fits(pattern: readonly string[], path: Path): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, i) => step === '*' || step === String(path[i]))
  )
}
