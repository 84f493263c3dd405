import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WeightMap } from '../models/layer-graph.ts'
import type { Program } from '../program/program.ts'
import type { WholeModel } from '../training/model.ts'
import { failure, type PipelineError } from '../util/diagnostic.ts'
import { digestOf, type Digest } from '../util/digest.ts'
import { stableJson, type Json } from '../util/json.ts'

/** A train artifact's file that says which frozen values were compared. */
export const FROZEN_FILE = 'frozen.json'

/** Of the frozen layers that training ran; without any, kept features stood in their place. */
export interface FrozenRecord {
  readonly tensors: number
  readonly values: number
  /** Of all their bytes, tensor by tensor in the graph's order. */
  readonly digest: Digest
}

/**
 * Remembers the frozen weights that a program was built from; what it returns is called after training and writes `FROZEN_FILE`
 * into the folder. Both throw FROZEN_CHANGED: where a frozen weight is a variable of the program, so that a step
 * could move it, and where one is not bit for bit what it was.
 */
export function watchFrozen(
  { graph, frozen }: Pick<WholeModel, 'graph' | 'frozen'>,
  weights: WeightMap,
  program: Pick<Program, 'variables'>,
): { readonly confirm: (folder: string) => Promise<FrozenRecord> } {
  const layers = graph.layers.filter(({ name }) => frozen.has(name))
  const names = layers.flatMap((layer) => layer.weights.map(({ name }) => name))
  const variables = new Set(program.variables.map(({ name }) => name))
  const moved = names.filter((name) => variables.has(name))
  if (moved.length > 0) throw changed('is frozen, but training may change it', moved)
  const known = names.filter((name) => weights.has(name))
  const digestsNow = () => known.map((name) => digestOfValues(weights.get(name)!))
  const before = digestsNow()
  return {
    confirm: async (folder) => {
      const after = digestsNow()
      const differing = known.filter((_, i) => after[i] !== before[i])
      if (differing.length > 0) throw changed('is frozen, but training changed it', differing)
      const record = {
        tensors: known.length,
        values: known.reduce((sum, name) => sum + weights.get(name)!.length, 0),
        digest: digestOf(after.join('\n')),
      }
      await writeFile(join(folder, FROZEN_FILE), stableJson(record as unknown as Json))
      return record
    },
  }
}

export async function readFrozen(model: string): Promise<FrozenRecord> {
  return JSON.parse(await readFile(join(model, FROZEN_FILE), 'utf8')) as FrozenRecord
}

function digestOfValues({ buffer, byteOffset, byteLength }: Float32Array): Digest {
  return digestOf(new Uint8Array(buffer, byteOffset, byteLength))
}

function changed(what: string, [first, ...others]: readonly string[]): PipelineError {
  const more = others.length > 0 ? `; so it is with ${others.length} more` : ''
  return failure('FROZEN_CHANGED', `${first} ${what}${more}`, {
    hint: 'this is an error of Graft or of the engine: report it; another engine may do better',
  })
}
