import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { BaseModelOptions } from '../../src/models/published.ts'
import type { LayerKind } from '../../src/models/layer-graph.ts'
import { ROOT } from '../support/paths.ts'

/** What test/golden/models.py wrote. */
export interface TopologyGolden {
  readonly models: readonly {
    readonly options: BaseModelOptions
    readonly model: string
    /** Of the lines, joined by newlines. */
    readonly sha256: string
    readonly parameters: number
    readonly trainableWeights: number
    readonly lines: readonly string[]
    readonly frozenFirst?: readonly {
      readonly first: number
      readonly trainableWeights: number
      readonly trainableParameters: number
      readonly parameters: number
    }[]
  }[]
  readonly head: readonly string[]
}

export interface OutputGolden {
  readonly preprocessing: {
    readonly pixels: readonly number[]
    readonly modes: Readonly<Record<'tf' | 'torch' | 'caffe', readonly number[]>>
  }
  readonly layers: readonly LayerGolden[]
  readonly outputs: readonly {
    readonly options: BaseModelOptions
    readonly batch: number
    readonly shape: readonly number[]
    readonly output: readonly number[]
    readonly logits?: readonly number[]
  }[]
}

export interface LayerGolden {
  readonly kind: LayerKind
  readonly settings: Readonly<Record<string, unknown>>
  /** With the batch axis. */
  readonly inputs: readonly (readonly number[])[]
  readonly training: boolean
  readonly shape: readonly number[]
  readonly output: readonly number[]
  /** Moving averages after one call in training. */
  readonly moved?: Readonly<Record<string, readonly number[]>>
}

export function topologyGolden(): TopologyGolden {
  const bytes = readFileSync(join(ROOT, 'test/golden/models.json.gz'))
  return JSON.parse(gunzipSync(bytes).toString()) as TopologyGolden
}

export function outputGolden(): OutputGolden {
  const bytes = readFileSync(join(ROOT, 'test/golden/model-outputs.json.gz'))
  return JSON.parse(gunzipSync(bytes).toString()) as OutputGolden
}
