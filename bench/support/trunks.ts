import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../../src/engines/engine.ts'
import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { buildModel } from '../../src/models/base-model.ts'
import type { WeightMap } from '../../src/models/layer-graph.ts'
import { defaultPreprocessing, type BaseModelOptions } from '../../src/models/published.ts'
import { initialize } from '../../src/models/weights/initializers.ts'
import type { TrunkOptions } from '../../src/training/trunk.ts'

/** The models that the bars are about. */
export const TRUNKS = [
  'MobileNetV2',
  'NASNetMobile',
  'EfficientNetB0',
  'ResNet50',
  'InceptionV3',
] as const

/** Those of a comma-separated list, or all. */
export function chosen(list: string | undefined): string[] {
  return TRUNKS.filter((name) => list === undefined || list.split(',').includes(name))
}

export const SIZE = 224

export function trunkOptions(name: string): TrunkOptions & { readonly model: BaseModelOptions } {
  return {
    model: { name, inputShape: [SIZE, SIZE, 3] },
    preprocessing: defaultPreprocessing(name),
  }
}

/** Fresh weights by Keras' initializers. */
export function randomWeights({ model }: Pick<TrunkOptions, 'model'>): WeightMap {
  return initialize(buildModel(model), 1)
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
