import type { Node, Tensor } from '../../../program/program.ts'
import type { LayerConfigs, LayerKind } from '../../layer-graph.ts'
import type { LayerSettings } from '../../layers/table.ts'
import type { Known } from './known.ts'

/** What gives a tensor: layers one behind the other, the first on `sources`; none: the source itself. */
export interface Raised {
  readonly sources: readonly Tensor[]
  readonly layers: readonly RaisedLayer[]
}

export interface RaisedLayer {
  readonly kind: LayerKind
  readonly settings: Partial<LayerConfigs[LayerKind]>
  /** As the module calls it; undefined: it has no name there. */
  readonly name: string | undefined
  /** By Keras' short name. */
  readonly weights: Readonly<Record<string, Float32Array>>
  /** Its weights are no module's: no training may change them. */
  readonly fixed?: true
}

/** The function that is raised. */
export interface Reading {
  readonly known: Known
  /** Nothing else takes the tensor, so that it may become part of what does. */
  readonly alone: (t: Tensor) => boolean
}

/** What gives the first output of a node; or why no layer does, as it continues "OP "; undefined: another rule may know. */
export type Rule = (t: Tensor, reading: Reading) => Raised | string | undefined

export function layer<Kind extends LayerKind>(
  kind: Kind,
  settings: LayerSettings<Kind>,
  { name, weights = {} }: Partial<Pick<RaisedLayer, 'name' | 'weights'>> = {},
): RaisedLayer {
  return { kind, settings: settings as RaisedLayer['settings'], name, weights }
}

/** Layers on what the node takes that is not known. */
export function of({ inputs }: Node, known: Known, ...layers: readonly RaisedLayer[]): Raised {
  return { sources: inputs.filter((t) => !known.has(t)), layers }
}

/** [batch, ...] of a picture each: how many the function is raised with. */
export const BATCH = 2
