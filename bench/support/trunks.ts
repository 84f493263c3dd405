import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine, Session } from '../../src/engines/engine.ts'
import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { defaultPreprocessing } from '../../src/models/published.ts'
import { initialize } from '../../src/models/weights/initializers.ts'
import { writeWeights } from '../../src/stages/weight-files.ts'
import { trunkProgram, type TrunkOptions } from '../../src/training/trunk.ts'

/** Of a pair of names: the models that the bars are about, with those bars. */
export const TRUNKS = [
  { name: 'MobileNetV2', bar: 1.35 },
  { name: 'NASNetMobile', bar: 1.2 },
] as const

export function trunkOptions(name: string, size = 224): TrunkOptions {
  return {
    model: { name, inputShape: [size, size, 3] },
    preprocessing: defaultPreprocessing(name),
  }
}

/** Random weights by Keras' initializers in a safetensors file with Keras' names, and a session of the frozen pass. */
export async function randomTrunk(
  engine: Engine,
  options: TrunkOptions,
  batch: number,
  file: string,
): Promise<{ session: Session; outputShape: readonly number[] }> {
  const graph = buildBaseModel(options.model)
  const weights = initialize(graph, 1)
  await writeWeights(file, graph, weights)
  const pixels = [batch, ...graph.input.outputShape]
  const { program, outputShape } = trunkProgram(options, weights, pixels)
  return { session: await engine.compile(program), outputShape }
}

export function openEngine(): Promise<Engine> {
  return openTensorflow({ device: 'cpu' })
}

/** A folder that goes when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
