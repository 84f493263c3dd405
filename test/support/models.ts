import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { BASE_MODELS, type BaseModel } from '../../src/models/catalogue.ts'
import { sizeOf } from '../../src/program/program.ts'
import { ROOT } from './paths.ts'

/** A model file as Keras wrote it (test/golden/model-files.py): `sequential.h5`. */
export function modelFile(name: string): Buffer {
  return gunzipSync(readFileSync(join(ROOT, 'test/fixtures/model-files', `${name}.gz`)))
}

/** The base model of each family that has the fewest weights: what a test that needs values can afford. */
export function smallestOfFamilies(): readonly BaseModel[] {
  const found = new Map<string, { readonly model: BaseModel; readonly size: number }>()
  for (const model of BASE_MODELS) {
    const { layers } = buildBaseModel({ name: model.name })
    const weights = layers.flatMap((layer) => layer.weights)
    const size = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    if (size < (found.get(model.family)?.size ?? Infinity)) found.set(model.family, { model, size })
  }
  return [...found.values()].map(({ model }) => model)
}
