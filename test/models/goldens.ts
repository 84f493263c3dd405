import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { BaseModelOptions } from '../../src/models/published.ts'
import type { LayerKind } from '../../src/models/layer-graph.ts'
import { ROOT } from '../support/paths.ts'

/** What test/golden/models.py wrote of the layers of one variant. */
export interface TopologyGolden {
  readonly options: BaseModelOptions
  readonly model: string
  /** Of the lines, joined by newlines. */
  readonly sha256: string
  /** In Keras' `model.layers`, where a nested model is one. */
  readonly layers: number
  readonly parameters: number
  readonly trainableWeights: number
  /** One for each layer: `name Class [output shape] weight[shape] ...`. */
  readonly lines: readonly string[]
  /** What Keras fetches for ImageNet's weights; absent where it has none. */
  readonly weights?: { readonly url: string; readonly digest: string | null }
  readonly frozenFirst?: readonly {
    readonly first: number
    readonly trainableWeights: number
    readonly trainableParameters: number
    readonly parameters: number
  }[]
}

export interface OutputGolden {
  readonly preprocessing: {
    readonly pixels: readonly number[]
    readonly modes: Readonly<Record<'tf' | 'torch' | 'caffe', readonly number[]>>
    /** By base model. */
    readonly models: Readonly<Record<string, readonly number[]>>
  }
  readonly layers: readonly LayerGolden[]
}

/** What test/golden/model_runs.py wrote of one base model: numbers of Keras in float64. */
export interface RunGolden {
  readonly options: BaseModelOptions
  readonly gains: readonly number[]
  /** Of the two pictures. */
  readonly size: readonly [number, number]
  /** With the top, of both pictures; of so many classes one is kept. */
  readonly every: number
  readonly logits: readonly number[]
  readonly outputs: readonly number[]
  readonly step: {
    readonly size: readonly [number, number]
    /** Which made-up ones; absent from runs that model_runs.py has not made anew, of Keras in float32: 0. */
    readonly pictures?: number
    readonly batch: number
    readonly classes: number
    readonly lift: number
    readonly learningRate: number
    readonly loss: number
    readonly lossAfter: number
    /** How far a gradient of Keras in float32 is from it at most, its pictures as they are and changed by a rounding. */
    readonly spread: number
    /** Name, norm and sketch. */
    readonly gradients: readonly (readonly [string, number, number])[]
    /** Name and sketch, after the step. */
    readonly averages: readonly (readonly [string, number])[]
  }
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

/** As in the file: lines without their shapes, each said once. */
interface StoredTopologies {
  readonly structures: readonly {
    readonly of: number | null
    readonly first: number
    readonly lines: readonly string[]
  }[]
  readonly models: readonly (Omit<TopologyGolden, 'lines'> & {
    readonly structure: number
    readonly shapes: readonly (readonly [string, number])[]
  })[]
  readonly head: readonly string[]
}

/** Of every variant, and the lines of two heads. */
export function topologyGoldens(): { models: TopologyGolden[]; head: readonly string[] } {
  const bytes = readFileSync(join(ROOT, 'test/golden/models.json.gz'))
  const { structures, models, head } = JSON.parse(gunzipSync(bytes).toString()) as StoredTopologies
  const linesOf = (number: number): string[] => {
    const { of, first, lines } = structures[number]!
    return [...(of === null ? [] : linesOf(of).slice(0, first)), ...lines]
  }
  const withLines = ({ structure, shapes, ...rest }: StoredTopologies['models'][number]) => {
    const all = shapes.flatMap(([shape, times]) => Array.from({ length: times }, () => shape))
    return { ...rest, lines: linesOf(structure).map((line, i) => line.replace('*', all[i]!)) }
  }
  return { models: models.map(withLines), head }
}

export function outputGolden(): OutputGolden {
  const bytes = readFileSync(join(ROOT, 'test/golden/model-outputs.json.gz'))
  return JSON.parse(gunzipSync(bytes).toString()) as OutputGolden
}

export function runGoldens(): readonly RunGolden[] {
  const bytes = readFileSync(join(ROOT, 'test/golden/model-runs.json.gz'))
  return (JSON.parse(gunzipSync(bytes).toString()) as { runs: RunGolden[] }).runs
}
