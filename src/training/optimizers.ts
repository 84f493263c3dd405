import type { Builder } from '../program/builder.ts'
import {
  sizeOf,
  type Shape,
  type Tensor,
  type Update,
  type UpdateRuleName,
} from '../program/program.ts'
import { momentumProduct, UPDATE_RULES, type ScalarName } from '../program/updates.ts'
import type { Schedule } from './schedules.ts'

export type OptimizerName =
  'SGD' | 'RMSprop' | 'Adam' | 'AdamW' | 'Adagrad' | 'Adadelta' | 'Adamax' | 'Nadam'
export type ArgumentValue = number | boolean

export interface OptimizerArgument {
  /** Keras' default; undefined: off. */
  readonly default: ArgumentValue | undefined
  readonly description: string
}

export interface OptimizerDefinition {
  readonly description: string
  /** Keras' arguments, in camelCase. */
  readonly arguments: Readonly<Record<string, OptimizerArgument>>
  readonly rule: (settings: Settings) => UpdateRuleName
}

/** Keras' name and the arguments that differ from their defaults. */
export interface OptimizerConfig {
  readonly name: OptimizerName
  readonly [argument: string]: ArgumentValue | string | Schedule | undefined
}

type Settings = Readonly<Record<string, ArgumentValue>>

const rate = (value: number): Record<'learningRate', OptimizerArgument> => ({
  learningRate: { default: value, description: 'how far one update goes' },
})
const flag = (description: string): OptimizerArgument => ({ default: false, description })
const optional = (description: string): OptimizerArgument => ({ default: undefined, description })

/** Of every optimizer (keras/src/optimizers/base_optimizer.py); at most one of the three clips. */
const COMMON: Readonly<Record<string, OptimizerArgument>> = {
  weightDecay: optional('each update first takes weightDecay * learningRate of a weight off it'),
  clipnorm: optional("each weight's gradient is shortened to this norm"),
  globalClipnorm: optional('all gradients together are shortened to this norm'),
  clipvalue: optional('each number of a gradient is clipped to +- this'),
  useEma: optional('keeps a moving average of the weights and ends with it'),
  emaMomentum: optional('decay of that average'),
  emaOverwriteFrequency: optional('after so many steps the weights become their average'),
}
/** What no update rule reads: the rate is fed, averages of weights are entries of their own (ema.ts). */
const APART: ReadonlySet<string> = new Set([
  'learningRate',
  'useEma',
  'emaMomentum',
  'emaOverwriteFrequency',
])
/** What the family of Adam has, with Nadam and Adamax. */
const MOMENTS: Readonly<Record<string, OptimizerArgument>> = {
  ...rate(0.001),
  beta1: { default: 0.9, description: 'decay of the average of gradients' },
  beta2: { default: 0.999, description: 'decay of the average of squared gradients' },
  epsilon: { default: 1e-7, description: 'added to the root that divides' },
  ...COMMON,
}
const ADAM: Readonly<Record<string, OptimizerArgument>> = {
  ...MOMENTS,
  amsgrad: flag('divides by the largest average so far'),
}

/** The optimizers by Keras' name, with Keras' defaults. */
export const OPTIMIZERS: Readonly<Record<OptimizerName, OptimizerDefinition>> = {
  SGD: {
    description: 'gradient descent, with momentum',
    arguments: {
      ...rate(0.01),
      momentum: { default: 0, description: 'how much of the last update is repeated, 0 to 1' },
      nesterov: flag('looks one step ahead along the momentum'),
      ...COMMON,
    },
    rule: ({ momentum }) => (momentum ? 'momentum' : 'sgd'),
  },
  RMSprop: {
    description: 'divides gradients by a moving average of their magnitude',
    arguments: {
      ...rate(0.001),
      rho: { default: 0.9, description: 'decay of the average of squared gradients' },
      momentum: { default: 0, description: 'how much of the last update is repeated, 0 to 1' },
      epsilon: { default: 1e-7, description: 'added under the root that divides' },
      centered: flag('divides by the variance instead of the mean square'),
      ...COMMON,
    },
    rule: () => 'rmsprop',
  },
  Adam: {
    description: 'averages of gradients and of their squares, corrected for the start',
    arguments: ADAM,
    rule: () => 'adam',
  },
  AdamW: {
    description: 'Adam with weight decay apart from the gradient',
    arguments: {
      ...ADAM,
      weightDecay: { default: 0.004, description: COMMON.weightDecay!.description },
    },
    rule: () => 'adamw',
  },
  Adagrad: {
    description: 'divides gradients by the root of all their squares so far',
    arguments: {
      ...rate(0.001),
      initialAccumulatorValue: { default: 0.1, description: 'what the sum of squares starts from' },
      epsilon: { default: 1e-7, description: 'added under the root that divides' },
      ...COMMON,
    },
    rule: () => 'adagrad',
  },
  Adadelta: {
    description: 'gradients in units of the changes of late',
    arguments: {
      ...rate(0.001),
      rho: { default: 0.95, description: 'decay of the averages of squares' },
      epsilon: { default: 1e-7, description: 'added under both roots' },
      ...COMMON,
    },
    rule: () => 'adadelta',
  },
  Adamax: {
    description: 'Adam that divides by the largest gradient of late',
    arguments: {
      ...MOMENTS,
      beta2: { default: 0.999, description: 'how slowly the largest gradient fades' },
      epsilon: { default: 1e-7, description: 'added to the largest gradient' },
    },
    rule: () => 'adamax',
  },
  Nadam: {
    description: "Adam with Nesterov's momentum",
    arguments: MOMENTS,
    rule: () => 'nadam',
  },
}

export interface TrainedWeight {
  /** The variable's name. */
  readonly name: string
  readonly shape: Shape
  readonly gradient: Tensor
}

/**
 * One update of each weight from its gradient, clipped first if the configuration says so. Declares the slots
 * (`optimizer/velocity/dense/kernel`) and returns their names in order. Scalars of the rule that are not given are
 * inputs of their names, fed at each run with what `scalarsAt` says.
 * Throws a TypeError on an argument the optimizer does not have, and on two clips at once.
 */
export function updatesFor(
  b: Builder,
  config: OptimizerConfig,
  weights: readonly TrainedWeight[],
  scalars: Readonly<Partial<Record<ScalarName, Tensor>>> = {},
): { updates: Update[]; slotVariables: string[] } {
  const settings = settingsOf(config)
  const rule = OPTIMIZERS[config.name].rule(settings)
  const { slots: slotsOf, scalars: needed } = UPDATE_RULES[rule]
  const fed = Object.fromEntries(needed.map((name) => [name, scalars[name] ?? b.input(name, [])]))
  const gradients = clipped(
    b,
    weights.map((w) => w.gradient),
    settings,
  )
  const slotVariables: string[] = []
  const updates = weights.map(({ name, shape }, i): Update => {
    const slots: Record<string, string> = {}
    for (const [slot, initial] of Object.entries(slotsOf(settings))) {
      slots[slot] = `optimizer/${slot}/${name}`
      b.variable(slots[slot], shape, new Float32Array(sizeOf(shape)).fill(initial))
      slotVariables.push(slots[slot])
    }
    const gradient = gradients[i]!
    return {
      kind: 'rule',
      rule,
      variable: name,
      slots,
      gradient,
      scalars: fed,
      constants: settings,
    }
  })
  return { updates, slotVariables }
}

/** What the update of the step (from 1) is fed: a function of the step alone, and of the learning rate. */
export function scalarsAt(
  config: OptimizerConfig,
  step: number,
  learningRate: number,
): Partial<Record<ScalarName, number>> {
  const settings = settingsOf(config)
  const values: Readonly<Record<ScalarName, () => number>> = {
    learningRate: () => learningRate,
    step: () => step,
    momentumProduct: () => momentumProduct(Number(settings.beta1), step),
  }
  const { scalars } = UPDATE_RULES[OPTIMIZERS[config.name].rule(settings)]
  return Object.fromEntries(scalars.map((name) => [name, values[name]()]))
}

/** The arguments with Keras' defaults filled in, those that are off left out, and those that stand apart. */
function settingsOf({ name, ...given }: OptimizerConfig): Settings {
  const known = OPTIMIZERS[name].arguments
  const unknown = Object.keys(given).find((argument) => !known[argument])
  if (unknown) throw new TypeError(`${name} has no argument ${unknown}`)
  const clips = ['clipnorm', 'globalClipnorm', 'clipvalue'].filter((clip) => given[clip])
  if (clips.length > 1) throw new TypeError(`${name}: only one of ${clips.join(', ')}`)
  return Object.fromEntries(
    Object.entries(known).flatMap(([argument, { default: initial }]) => {
      const value = given[argument] ?? initial
      return APART.has(argument) || value === undefined ? [] : [[argument, value]]
    }),
  ) as Settings
}

/** base_optimizer.py, `_clip_gradients`. */
function clipped(b: Builder, gradients: readonly Tensor[], settings: Settings): readonly Tensor[] {
  const { clipnorm, globalClipnorm, clipvalue } = settings
  if (clipnorm) {
    const limit = b.scalar(Number(clipnorm))
    return gradients.map((g) => {
      const norm = b.sqrt(squares(b, g))
      return b.divide(b.multiply(g, limit), b.maximum(norm, limit))
    })
  }
  if (globalClipnorm) {
    const limit = b.scalar(Number(globalClipnorm))
    const norm = b.sqrt(gradients.map((g) => squares(b, g)).reduce((sum, x) => b.add(sum, x)))
    const scale = b.divide(limit, b.maximum(norm, limit))
    return gradients.map((g) => b.multiply(g, scale))
  }
  if (!clipvalue) return gradients
  const limit = Number(clipvalue)
  return gradients.map((g) => b.maximum(b.minimum(g, b.scalar(limit)), b.scalar(-limit)))
}

function squares(b: Builder, x: Tensor): Tensor {
  return b.reduceSum(
    b.square(x),
    x.shape.map((_, axis) => axis),
  )
}
