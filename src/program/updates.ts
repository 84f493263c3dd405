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

export interface UpdateRule {
  /** The state kept beside each variable, of its shape: names and what every element is at first. */
  readonly slots: (constants: UpdateInputs['constants']) => Readonly<Record<string, number>>
  /** Fed at each run: `learningRate`, and `step`, a float32 that is 1 at the first update. */
  readonly scalars: readonly ('learningRate' | 'step')[]
  /**
   * The TensorFlow op that means the same on resource variables. Where the constant `weightDecay` is there and
   * not 0, `variable -= variable * weightDecay * learningRate` comes before it.
   */
  readonly fused: (constants: UpdateInputs['constants']) => string
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
}

/** rmsprop.py: the moving average of squares (less that of gradients, squared) divides; epsilon under the root. */
function expandRmsprop(b: Builder, u: UpdateInputs): ReturnType<UpdateRule['expand']> {
  const average = (old: Tensor, value: Tensor): Tensor =>
    b.add(b.multiply(number(b, u, 'rho'), old), b.multiply(complement(b, u, 'rho'), value))
  const slots: Record<string, Tensor> = {}
  slots.velocity = average(u.slots.velocity!, b.square(u.gradient))
  let spread = slots.velocity
  if (u.constants.centered) {
    slots.averageGradient = average(u.slots.averageGradient!, u.gradient)
    spread = b.subtract(spread, b.square(slots.averageGradient))
  }
  let change = b.divide(scaled(b, u), b.sqrt(b.add(spread, number(b, u, 'epsilon'))))
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
  const one = b.scalar(1)
  const left = (beta: 'beta1' | 'beta2'): Tensor =>
    b.subtract(one, b.power(number(b, u, beta), u.scalars.step!))
  const towards = (old: Tensor, value: Tensor, beta: 'beta1' | 'beta2'): Tensor =>
    b.add(old, b.multiply(b.subtract(value, old), complement(b, u, beta)))
  const rate = b.divide(b.multiply(u.scalars.learningRate!, b.sqrt(left('beta2'))), left('beta1'))
  const momentum = towards(u.slots.momentum!, u.gradient, 'beta1')
  const velocity = towards(u.slots.velocity!, b.square(u.gradient), 'beta2')
  const slots: Record<string, Tensor> = { momentum, velocity }
  if (u.constants.amsgrad) slots.velocityHat = b.maximum(u.slots.velocityHat!, velocity)
  const spread = b.add(b.sqrt(slots.velocityHat ?? velocity), number(b, u, 'epsilon'))
  const change = b.divide(b.multiply(momentum, rate), spread)
  return { variable: b.subtract(decayed(b, u), change), slots }
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
