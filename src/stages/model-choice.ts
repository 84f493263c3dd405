import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../graph/stage.ts'
import type { ModelChoice } from '../models/base-model.ts'
import type { BaseModelOptions } from '../models/published.ts'
import { parseStored, type StoredGraph } from '../models/stored-graph.ts'
import { failure } from '../util/diagnostic.ts'

/** Of a weights artifact whose model is not built by name: its layers, as plain JSON. */
export const ARCHITECTURE_FILE = 'architecture.json'

/** The base model as stages name it; without a name the input `architecture` holds its layers. */
export type ModelParams = BaseModelOptions | ImportedParams

export interface ImportedParams {
  readonly imported: true
  readonly inputShape: readonly number[]
  /** The layer that the trunk ends with. */
  readonly output?: string | undefined
}

/** The stage's params with its model's layers at hand. */
export async function withModel<Params extends { readonly model: ModelParams | ModelChoice }>(
  params: Params,
  inputs: Readonly<Record<string, Artifact | undefined>>,
): Promise<Params & { readonly model: ModelChoice }> {
  const { model } = params
  if (!('imported' in model)) return { ...params, model }
  const { inputShape, output } = model
  const stored = await readArchitecture(inputs['architecture']!)
  return { ...params, model: { stored, inputShape, output } }
}

/** Throws STORE_DAMAGED for layers that this version did not write. */
export async function readArchitecture({ path }: Pick<Artifact, 'path'>): Promise<StoredGraph> {
  const file = join(path, ARCHITECTURE_FILE)
  const text = await readFile(file, 'utf8')
  return parseStored(text).catch((error: unknown) => {
    if (!(error instanceof SyntaxError)) throw error
    throw failure('STORE_DAMAGED', `${file} is not of this version: ${error.message}`, {
      hint: 'run again with --force weights',
      cause: error,
    })
  })
}
