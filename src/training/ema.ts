import type { Builder } from '../program/builder.ts'
import { sizeOf, type Shape, type Update } from '../program/program.ts'
import type { OptimizerConfig } from './optimizers.ts'

/** What is to be done behind the update of a step. */
export interface EmaStep {
  /** Of the entry `ema`, which is run first. */
  readonly feeds: { readonly emaMomentum: Float32Array }
  /** Whether the entry `emaOverwrite` is run then. */
  readonly overwrites: boolean
}

/** Keras' default. */
const MOMENTUM = 0.99
const AVERAGE = 'optimizer/ema/'

/**
 * Moving averages of the weights (Keras: base_optimizer.py, `_update_model_variables_moving_average`), for an
 * optimizer with `useEma`; without it nothing is added. Entries over the same variables: `ema` moves each average
 * (`optimizer/ema/dense/kernel`) towards its weight, `emaOverwrite` puts the averages into the weights' place. What
 * is run when, `emaAt` says. Validation sees the weights, not their averages.
 */
export function addEmaEntries(
  b: Builder,
  { useEma }: OptimizerConfig,
  weights: readonly { readonly name: string; readonly shape: Shape }[],
): void {
  if (!useEma) return
  const momentum = b.input('emaMomentum', [])
  const rest = b.subtract(b.scalar(1), momentum)
  const averages = weights.map(({ name, shape }) => {
    const variable = `${AVERAGE}${name}`
    const zeros = new Float32Array(sizeOf(shape))
    const weight = b.variable(name, shape, zeros)
    return { name, weight, variable, average: b.variable(variable, shape, zeros) }
  })
  b.entry('ema', {
    fetches: {},
    updates: averages.map(({ weight, variable, average }): Update => {
      const value = b.add(b.multiply(momentum, average), b.multiply(rest, weight))
      return { kind: 'assign', variable, value }
    }),
  })
  b.entry('emaOverwrite', {
    fetches: {},
    updates: averages.map(({ name, average }): Update => ({
      kind: 'assign',
      variable: name,
      value: average,
    })),
  })
}

/** What follows the update of a step (from 1); undefined without `useEma`. The first average is the weight itself. */
export function emaAt(
  { useEma, emaMomentum, emaOverwriteFrequency }: OptimizerConfig,
  step: number,
): EmaStep | undefined {
  if (!useEma) return undefined
  const momentum = step === 1 ? 0 : Number(emaMomentum ?? MOMENTUM)
  const every = Number(emaOverwriteFrequency ?? 0)
  return {
    feeds: { emaMomentum: Float32Array.of(momentum) },
    overwrites: every > 0 && step % every === 0,
  }
}

/**
 * The weights that training ends with, out of all variables: with `useEma` the averages stand in the weights' place
 * (`finalize_variable_values`). The variables themselves are what more epochs go on from.
 */
export function finalWeights(
  { useEma }: OptimizerConfig,
  variables: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, Float32Array> {
  if (!useEma) return variables
  const averages = [...variables].flatMap(([name, data]) =>
    name.startsWith(AVERAGE) ? [[name.slice(AVERAGE.length), data] as const] : [],
  )
  return new Map([...variables, ...averages])
}
