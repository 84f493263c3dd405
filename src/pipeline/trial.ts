import { dirname } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { layOver } from './override.ts'
import { absolutePaths } from './paths.ts'
import { find, replace, type Node, type Path } from './tree.ts'

/** What a trial of a sweep changes in the file, in this order: keys that go, then keys that get a value. */
export interface TrialChanges {
  readonly drop: readonly Path[]
  /** Values carry the place in the file where the sweep names them. */
  readonly set: readonly { readonly path: Path; readonly value: Node }[]
}

/** `training.batchSize`, `head.1.Dense.units`: the steps of a dotted key. */
export function pathOfKey(key: string): Path {
  return key.split('.').map((step) => (/^(0|[1-9][0-9]{0,5})$/.test(step) ? Number(step) : step))
}

/**
 * The tree with a trial's values in it. A value may be what the file itself may write there, short forms too; its paths are
 * seen from the file that names it. What does not fit is told at the place in the sweep that names it.
 */
export function layTrial(
  root: Node,
  { drop, set }: TrialChanges,
  options: {
    readonly prepare: (root: Node) => Node
    readonly report: (diagnostic: Diagnostic) => void
    readonly cwd: string
  },
): Node {
  const { prepare, report, cwd } = options
  let tree = root
  for (const path of drop) if (find(tree, path)) tree = replace(tree, path, undefined)
  for (const { path, value } of set) {
    try {
      const laid = layOver(prepare(tree), path, value, prepare)
      tree = absolutePaths(laid, value.at ? dirname(value.at.file) : cwd)
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      for (const diagnostic of error.diagnostics) report({ ...diagnostic, at: value.at })
    }
  }
  return prepare(tree)
}
