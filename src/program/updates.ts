import type { Builder } from './builder.ts'
import type { Tensor, UpdateRuleName } from './program.ts'

/** What a rule computes from; the keys of slots, scalars and constants are those the rule lists. */
export interface UpdateInputs {
  readonly variable: Tensor
  readonly slots: Readonly<Record<string, Tensor>>
  readonly gradient: Tensor
  readonly scalars: Readonly<Record<string, Tensor>>
  readonly constants: Readonly<Record<string, number | boolean>>
}

/**
 * Fed at each run: `learningRate`; `step`, a float32 that is 1 at the first update; and Nadam's `momentumProduct`, of
 * its momenta up to this step (`momentumProduct` below).
 */
export type ScalarName = 'learningRate' | 'step' | 'momentumProduct'

export interface UpdateRule {
  /** The state kept beside each variable, of its shape: names and what every element is at first. */
  readonly slots: (constants: UpdateInputs['constants']) => Readonly<Record<string, number>>
  readonly scalars: readonly ScalarName[]
  /**
   * The TensorFlow op that means the same on resource variables; without one, engines expand the rule. Where the
   * constant `weightDecay` is there and not 0, `variable -= variable * weightDecay * learningRate` comes before it.
   */
  readonly fused?: (constants: UpdateInputs['constants']) => string
  /** The new values in primitive ops: what the rule means. */
  readonly expand: (
    b: Builder,
    inputs: UpdateInputs,
  ) => { readonly variable: Tensor; readonly slots: Readonly<Record<string, Tensor>> }
}

/**
 * How variables follow their gradients, as Keras 3 defines it (keras/src/optimizers, `update_step` of each).
 * Any rule takes the constant `weightDecay` (base_optimizer.py, `_apply_weight_decay`); `adamw` is `adam` with it.
 */
export const UPDATE_RULES: Readonly<Record<UpdateRuleName, UpdateRule>> = {
  sgd: {
    slots: () => ({}),
    scalars: ['learningRate'],
    fused: () => 'ResourceApplyGradientDescent',
    expand: (b, u) => ({ variable: b.subtract(decayed(b, u), scaled(b, u)), slots: {} }),
  },
  momentum: {
    // sgd.py: m = momentum m - lr g; nesterov looks one step ahead along it.
    slots: () => ({ momentum: 0 }),
    scalars: ['learningRate'],
    fused: () => 'ResourceApplyKerasMomentum',
    expand: (b, u) => {
      const rate = number(b, u, 'momentum')
      const step = scaled(b, u)
      const momentum = b.subtract(b.multiply(u.slots.momentum!, rate), step)
      const change = u.constants.nesterov ? b.subtract(b.multiply(momentum, rate), step) : momentum
      return { variable: b.add(decayed(b, u), change), slots: { momentum } }
    },
  },
  rmsprop: {
    slots: ({ momentum, centered }) => ({
      velocity: 0,
      ...(momentum ? { momentum: 0 } : {}),
      ...(centered ? { averageGradient: 0 } : {}),
    }),
    scalars: ['learningRate'],
    fused: ({ centered }) => (centered ? 'ResourceApplyCenteredRMSProp' : 'ResourceApplyRMSProp'),
    expand: expandRmsprop,
  },
  adam: {
    slots: adamSlots,
    scalars: ['learningRate', 'step'],
    fused: fusedAdam,
    expand: expandAdam,
  },
  adamw: {
    slots: adamSlots,
    scalars: ['learningRate', 'step'],
    fused: fusedAdam,
    expand: expandAdam,
  },
  adagrad: {
    // adagrad.py. TensorFlow's ops add epsilon behind the root, or none.
    slots: ({ initialAccumulatorValue }) => ({ accumulator: Number(initialAccumulatorValue) }),
    scalars: ['learningRate'],
    expand: (b, u) => {
      const accumulator = b.add(u.slots.accumulator!, b.square(u.gradient))
      const change = b.divide(scaled(b, u), rootOf(b, u, accumulator))
      return { variable: b.subtract(decayed(b, u), change), slots: { accumulator } }
    },
  },
  adadelta: {
    slots: () => ({ accumulatedGradient: 0, accumulatedDelta: 0 }),
    scalars: ['learningRate'],
    fused: () => 'ResourceApplyAdadelta',
    expand: (b, u) => {
      // adadelta.py: gradients in units of the changes before.
      const accumulatedGradient = average(b, u, u.slots.accumulatedGradient!, b.square(u.gradient))
      const usual = b.multiply(rootOf(b, u, u.slots.accumulatedDelta!), u.gradient)
      const delta = b.divide(usual, rootOf(b, u, accumulatedGradient))
      const accumulatedDelta = average(b, u, u.slots.accumulatedDelta!, b.square(delta))
      const change = b.multiply(delta, u.scalars.learningRate!)
      return {
        variable: b.subtract(decayed(b, u), change),
        slots: { accumulatedGradient, accumulatedDelta },
      }
    },
  },
  adamax: {
    slots: () => ({ momentum: 0, norm: 0 }),
    scalars: ['learningRate', 'step'],
    fused: () => 'ResourceApplyAdaMax',
    expand: (b, u) => {
      // adamax.py: the largest gradient of late, fading, divides.
      const momentum = towards(b, u, u.slots.momentum!, u.gradient, 'beta1')
      const faded = b.multiply(number(b, u, 'beta2'), u.slots.norm!)
      const norm = b.maximum(faded, b.maximum(u.gradient, b.negative(u.gradient)))
      const spread = b.multiply(left(b, u, 'beta1'), b.add(norm, number(b, u, 'epsilon')))
      const change = b.divide(b.multiply(u.scalars.learningRate!, momentum), spread)
      return { variable: b.subtract(decayed(b, u), change), slots: { momentum, norm } }
    },
  },
  nadam: {
    slots: () => ({ momentum: 0, velocity: 0 }),
    scalars: ['learningRate', 'step', 'momentumProduct'],
    expand: expandNadam,
  },
}

/** rmsprop.py: the moving average of squares (less that of gradients, squared) divides; epsilon under the root. */
function expandRmsprop(b: Builder, u: UpdateInputs): ReturnType<UpdateRule['expand']> {
  const slots: Record<string, Tensor> = {}
  slots.velocity = average(b, u, u.slots.velocity!, b.square(u.gradient))
  let spread = slots.velocity
  if (u.constants.centered) {
    slots.averageGradient = average(b, u, u.slots.averageGradient!, u.gradient)
    spread = b.subtract(spread, b.square(slots.averageGradient))
  }
  let change = b.divide(scaled(b, u), rootOf(b, u, spread))
  if (u.constants.momentum) {
    change = b.add(b.multiply(number(b, u, 'momentum'), u.slots.momentum!), change)
    slots.momentum = change
  }
  return { variable: b.subtract(decayed(b, u), change), slots }
}

function adamSlots({ amsgrad }: UpdateInputs['constants']): Record<string, number> {
  return { momentum: 0, velocity: 0, ...(amsgrad ? { velocityHat: 0 } : {}) }
}

function fusedAdam({ amsgrad }: UpdateInputs['constants']): string {
  return amsgrad ? 'ResourceApplyAdamWithAmsgrad' : 'ResourceApplyAdam'
}

/** adam.py: the corrections of both averages are in the rate, so epsilon is Kingma and Ba's "epsilon hat". */
function expandAdam(b: Builder, u: UpdateInputs): ReturnType<UpdateRule['expand']> {
  const corrected = b.multiply(u.scalars.learningRate!, b.sqrt(left(b, u, 'beta2')))
  const rate = b.divide(corrected, left(b, u, 'beta1'))
  const momentum = towards(b, u, u.slots.momentum!, u.gradient, 'beta1')
  const velocity = towards(b, u, u.slots.velocity!, b.square(u.gradient), 'beta2')
  const slots: Record<string, Tensor> = { momentum, velocity }
  if (u.constants.amsgrad) slots.velocityHat = b.maximum(u.slots.velocityHat!, velocity)
  const spread = b.add(b.sqrt(slots.velocityHat ?? velocity), number(b, u, 'epsilon'))
  const change = b.divide(b.multiply(momentum, rate), spread)
  return { variable: b.subtract(decayed(b, u), change), slots }
}

/** How fast Nadam's momentum comes to its full beta1 (nadam.py): beta1 (1 - 0.96^step / 2). */
const NADAM_DECAY = 0.96

/** nadam.py: Adam that looks one step ahead along its momentum, whose decay itself grows with the steps. */
function expandNadam(b: Builder, u: UpdateInputs): ReturnType<UpdateRule['expand']> {
  const one = b.scalar(1)
  const { step, momentumProduct: product, learningRate } = u.scalars
  const decayAt = (at: Tensor): Tensor => {
    const missing = b.multiply(b.scalar(0.5), b.power(b.scalar(NADAM_DECAY), at))
    return b.multiply(number(b, u, 'beta1'), b.subtract(one, missing))
  }
  // Keras takes these from 1 in float32, and what they are divided by too.
  const rest = (name: string): Tensor => b.subtract(one, number(b, u, name))
  const follow = (old: Tensor, value: Tensor, beta: string): Tensor =>
    b.add(old, b.multiply(b.subtract(value, old), rest(beta)))
  const now = decayAt(step!)
  const next = decayAt(b.add(step!, one))
  const momentum = follow(u.slots.momentum!, u.gradient, 'beta1')
  const velocity = follow(u.slots.velocity!, b.square(u.gradient), 'beta2')
  const ofMomentum = b.divide(next, b.subtract(one, b.multiply(product!, next)))
  const ofGradient = b.divide(b.subtract(one, now), b.subtract(one, product!))
  const ahead = b.add(b.multiply(momentum, ofMomentum), b.multiply(u.gradient, ofGradient))
  const spread = b.sqrt(b.divide(velocity, left(b, u, 'beta2')))
  const change = b.divide(b.multiply(ahead, learningRate!), b.add(spread, number(b, u, 'epsilon')))
  return { variable: b.subtract(decayed(b, u), change), slots: { momentum, velocity } }
}

/** The product of Nadam's momenta of steps 1 to `step`: a function of the step alone, so that a resumed run has the same. */
export function momentumProduct(beta1: number, step: number): number {
  let product = 1
  // Below 2^-26 it no longer changes a float32 that it is taken from.
  for (let i = 1; i <= step && product > 2 ** -26; i += 1) {
    product *= beta1 * (1 - 0.5 * NADAM_DECAY ** i)
  }
  return product
}

/** What is left of 1 after beta^step. */
function left(b: Builder, u: UpdateInputs, beta: 'beta1' | 'beta2'): Tensor {
  return b.subtract(b.scalar(1), b.power(number(b, u, beta), u.scalars.step!))
}

/** old + (value - old) (1 - beta), as the family of Adam writes a moving average. */
function towards(b: Builder, u: UpdateInputs, old: Tensor, value: Tensor, beta: string): Tensor {
  return b.add(old, b.multiply(b.subtract(value, old), complement(b, u, beta)))
}

/** rho old + (1 - rho) value. */
function average(b: Builder, u: UpdateInputs, old: Tensor, value: Tensor): Tensor {
  return b.add(b.multiply(number(b, u, 'rho'), old), b.multiply(complement(b, u, 'rho'), value))
}

/** The root of what has epsilon added. */
function rootOf(b: Builder, u: UpdateInputs, x: Tensor): Tensor {
  return b.sqrt(b.add(x, number(b, u, 'epsilon')))
}

function scaled(b: Builder, u: UpdateInputs): Tensor {
  return b.multiply(u.gradient, u.scalars.learningRate!)
}

/** The variable after its weight decay: decoupled from the gradient, scaled by the learning rate. */
function decayed(b: Builder, u: UpdateInputs): Tensor {
  if (!u.constants.weightDecay) return u.variable
  const decay = b.multiply(number(b, u, 'weightDecay'), u.scalars.learningRate!)
  return b.subtract(u.variable, b.multiply(u.variable, decay))
}

function number(b: Builder, u: UpdateInputs, name: string): Tensor {
  return b.scalar(Number(u.constants[name]))
}

/** 1 - value, taken before rounding to float32 as Keras does: 1 - 0.999 in float32 is off by 1e-5. */
function complement(b: Builder, u: UpdateInputs, name: string): Tensor {
  return b.scalar(1 - Number(u.constants[name]))
}
