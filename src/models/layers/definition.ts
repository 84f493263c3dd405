import type { Builder } from '../../program/builder.ts'
import type { Shape, Tensor } from '../../program/program.ts'
import { Misfit } from '../../program/shapes.ts'
import type {
  Activation,
  InitializerConfig,
  LayerConfigs,
  LayerKind,
  WeightSpec,
} from '../layer-graph.ts'

/** What there is to know about one Keras layer: one file each, listed in `table.ts`. */
export interface LayerDefinition<Kind extends LayerKind> {
  /** Keras' defaults; the settings without one must be given. */
  readonly defaults: Partial<LayerConfigs[Kind]>
  /**
   * Output shape without the batch axis, from those of the inputs. Throws a Misfit where the layer does not
   * take them: sizes that a person chooses for a model with a name are checked before.
   */
  readonly outputShape: (config: LayerConfigs[Kind], inputs: readonly Shape[]) => Shape
  /** In Keras' order: trainable ones first. The names are Keras' short ones (`kernel`). Absent: none. */
  readonly weights?: (config: LayerConfigs[Kind], inputs: readonly Shape[]) => readonly WeightSpec[]
  /** The layer as ops. Inputs and output carry the batch axis. */
  readonly lower: (lowering: Lowering<Kind>) => Tensor
  /**
   * The weight whose trailing axes, flattened, are the output channels, for layers that are linear in it: a batch
   * normalization behind such a layer becomes a factor on this weight and a bias.
   */
  readonly foldsInto?: string
  /** Of one picture, where the weights' shapes do not tell. */
  readonly multiplyAdds?: (config: LayerConfigs[Kind], inputs: readonly Shape[]) => number
  /** Acts only while it is trained, and at random: never shared, and no tensor behind it can be kept. */
  readonly random?: true
  /** Its weights are none that training changes, frozen or not. */
  readonly fixed?: true
  /** What the layer adds to the loss while it is trained, one number; undefined: nothing. */
  readonly penalty?: (layer: Pick<Lowering<Kind>, 'b' | 'config' | 'weight'>) => Tensor | undefined
}

/** What a layer's `lower` is given. */
export interface Lowering<Kind extends LayerKind> {
  readonly b: Builder
  readonly config: LayerConfigs[Kind]
  readonly inputs: readonly Tensor[]
  /** True: batch statistics and dropout. */
  readonly training: boolean
  /** By short name; a TypeError where the layer has none of that name. */
  weight(name: string): Tensor
  /** The bias, the layer's own or one that came out of folding; undefined where there is neither. */
  bias(): Tensor | undefined
  /** Applies the activation, noting what it was applied to (losses work on logits). */
  activate(activation: Activation, x: Tensor): Tensor
  /** A weight's values when the program is made: of layers that are `fixed`. */
  value(name: string): Float32Array
  /** 0 or 1 / (1 - rate), of the shape given; only while training. */
  mask(shape: Shape, rate: number): Tensor
  /** Draws on [0, 1) of the shape given, [batch, ...], by a key of the layer's own; only while training. */
  uniform(key: string, shape: Shape): Tensor
  /** Gives a weight that no gradient changes its value at the end of the step. */
  assign(name: string, value: Tensor): void
}

export const GLOROT: InitializerConfig = { name: 'GlorotUniform' }
export const ZEROS: InitializerConfig = { name: 'Zeros' }
export const ONES: InitializerConfig = { name: 'Ones' }

export function trainable(name: string, shape: Shape, initializer: InitializerConfig): WeightSpec {
  return { name, shape, initializer, trainable: true }
}

/** [height, width, channels] of a layer's only input. */
export function imageOf(inputs: readonly Shape[]): [number, number, number] {
  const [shape] = inputs
  if (inputs.length !== 1 || shape?.length !== 3) {
    throw new Misfit(`one [height, width, channels], got ${inputs.map((s) => `[${s}]`).join(', ')}`)
  }
  return [shape[0]!, shape[1]!, shape[2]!]
}
