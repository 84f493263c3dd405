export interface ScheduleSettings {
  CosineDecay: {
    readonly initialLearningRate: number
    readonly decaySteps: number
    readonly alpha?: number
    readonly warmupTarget?: number
  }
  CosineDecayRestarts: {
    readonly initialLearningRate: number
    readonly firstDecaySteps: number
    readonly tMul?: number
    readonly mMul?: number
    readonly alpha?: number
  }
  ExponentialDecay: Decay
  InverseTimeDecay: Decay
  PiecewiseConstantDecay: {
    readonly boundaries: readonly number[]
    readonly values: readonly number[]
  }
  PolynomialDecay: {
    readonly initialLearningRate: number
    readonly decaySteps: number
    readonly endLearningRate?: number
    readonly power?: number
    readonly cycle?: boolean
  }
}

interface Decay {
  readonly initialLearningRate: number
  readonly decaySteps: number
  readonly decayRate: number
  readonly staircase?: boolean
}

export type ScheduleName = keyof ScheduleSettings

/** Keras' name and arguments, and how many steps the rate rises before. */
export type Schedule = {
  [Name in ScheduleName]: {
    readonly name: Name
    readonly warmupSteps?: number
  } & ScheduleSettings[Name]
}[ScheduleName]

export interface ScheduleDefinition<Settings> {
  readonly description: string
  /** Where a warm-up begins and where it ends. */
  readonly warmup: (settings: Settings) => readonly [number, number]
  /** The rate at a step, 0 at the first update, without a warm-up. */
  readonly rateAt: (settings: Settings, step: number) => number
}

const fromZero = ({ initialLearningRate }: { readonly initialLearningRate: number }) =>
  [0, initialLearningRate] as const

/** The schedules by Keras' name (formulas and defaults: keras/src/optimizers/schedules/learning_rate_schedule.py). */
export const SCHEDULES: {
  readonly [Name in ScheduleName]: ScheduleDefinition<ScheduleSettings[Name]>
} = {
  CosineDecay: {
    description: 'down along half a cosine',
    // Keras' own warm-up, from the initial rate to a target that the decay begins at.
    warmup: ({ initialLearningRate: initial, warmupTarget }) =>
      warmupTarget === undefined ? [0, initial] : [initial, warmupTarget],
    rateAt: ({ initialLearningRate, warmupTarget, decaySteps, alpha = 0 }, step) => {
      const cosine = halfCosine(Math.min(step, decaySteps) / decaySteps)
      return (warmupTarget ?? initialLearningRate) * ((1 - alpha) * cosine + alpha)
    },
  },
  CosineDecayRestarts: {
    description: 'half cosines one after the other',
    warmup: fromZero,
    rateAt: ({ initialLearningRate, firstDecaySteps, tMul = 2, mMul = 1, alpha = 0 }, step) => {
      const { restarts, fraction } = periodAt(step / firstDecaySteps, tMul)
      const cosine = mMul ** restarts * halfCosine(fraction)
      return initialLearningRate * ((1 - alpha) * cosine + alpha)
    },
  },
  ExponentialDecay: {
    description: 'times decayRate every decaySteps',
    warmup: fromZero,
    rateAt: (settings, step) =>
      settings.initialLearningRate * settings.decayRate ** periods(settings, step),
  },
  InverseTimeDecay: {
    description: 'divided by 1 + decayRate, 1 + 2 decayRate ... every decaySteps',
    warmup: fromZero,
    rateAt: (settings, step) =>
      settings.initialLearningRate / (1 + settings.decayRate * periods(settings, step)),
  },
  PiecewiseConstantDecay: {
    description: 'one value up to and with each boundary',
    warmup: ({ values }) => [0, values[0]!],
    rateAt: ({ boundaries, values }, step) => {
      const next = boundaries.findIndex((boundary) => step <= boundary)
      return values[next < 0 ? boundaries.length : next]!
    },
  },
  PolynomialDecay: {
    description: 'down to an end along a power',
    warmup: fromZero,
    rateAt: (settings, step) => {
      const { initialLearningRate, decaySteps, endLearningRate = 1e-4, power = 1 } = settings
      const cycles = settings.cycle ? Math.max(1, Math.ceil(step / decaySteps)) : 1
      const left = 1 - Math.min(1, step / (decaySteps * cycles))
      return (initialLearningRate - endLearningRate) * left ** power + endLearningRate
    },
  },
}

/**
 * The rate of an update, a float32 number; `step` counts from 0, as Keras' `iterations` do at that update. Computed in
 * double precision: Keras' own float32 rates are within 1e-6 of the schedule's largest one.
 *
 * `warmupSteps` is Keras' where CosineDecay has a warmupTarget. Everywhere else it is our own: a straight line from
 * zero to the first rate, and the schedule counted from its end.
 */
export function learningRateAt(learningRate: number | Schedule, step: number): number {
  return Math.fround(typeof learningRate === 'number' ? learningRate : rateOf(learningRate, step))
}

function rateOf({ name, warmupSteps = 0, ...settings }: Schedule, step: number): number {
  const { warmup, rateAt } = SCHEDULES[name] as ScheduleDefinition<unknown>
  if (step >= warmupSteps) return rateAt(settings, step - warmupSteps)
  const [from, to] = warmup(settings)
  return from + (to - from) * (step / warmupSteps)
}

/** From 1 down to 0 while `fraction` goes from 0 to 1. */
function halfCosine(fraction: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * fraction))
}

/** How many periods are over, each `factor` times as long as the one before, and what part of the next; `time` in first periods. */
function periodAt(time: number, factor: number): { restarts: number; fraction: number } {
  if (factor === 1) return { restarts: Math.floor(time), fraction: time - Math.floor(time) }
  let restarts = 0
  let left = time
  let length = 1
  for (; left >= length; restarts += 1) {
    left -= length
    length *= factor
  }
  return { restarts, fraction: left / length }
}

function periods({ decaySteps, staircase = false }: Decay, step: number): number {
  const count = step / decaySteps
  return staircase ? Math.floor(count) : count
}
