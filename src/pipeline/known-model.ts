import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { BaseModel as Catalogued } from '../models/catalogue.ts'
import { isNamed, sourceKey, type FindRunModel, type KnownModel } from './base-model.ts'
import type { BaseModel } from './pipeline.ts'
import { diagnose, find, toData, type Node } from './tree.ts'

/**
 * What is known of the file's base model without fetching anything: a model file's layers are read, not its values. What is
 * wrong with it is reported at its key; undefined: there is no such model.
 */
export async function knownModel(
  tree: Node,
  model: Catalogued | undefined,
  findRun: FindRunModel | undefined,
  report: (diagnostic: Diagnostic) => void,
): Promise<KnownModel | undefined> {
  const node = find(tree, ['baseModel'])
  if (!node) return undefined
  const base = toData(node) as BaseModel
  if (isNamed(base)) return model && {}
  try {
    if ('run' in base) return (await findRun?.(base.run, base)) ?? {}
    const { knownOf } = await import('./known-files.ts')
    const known = await knownOf(base)
    for (const note of known.notes ?? []) {
      report({ ...diagnose(tree, ['baseModel', sourceKey(base)], note), severity: 'warning' })
    }
    return known
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const path = ['baseModel', sourceKey(base)]
    for (const { code, message, hint } of error.diagnostics) {
      report(diagnose(tree, path, { code, message, hint }))
    }
    return undefined
  }
}
