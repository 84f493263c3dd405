import type { StageKind } from '../graph/stage.ts'
import type { StageEnvironment } from './environment.ts'

/** What a plan must know of a kind, and how to get the rest: what is cached loads none of the code that computes. */
export interface StageRow extends Pick<StageKind, 'kind' | 'version' | 'describe' | 'exclusive'> {
  readonly has: readonly ('probe' | 'accept' | 'estimate')[]
  readonly load: (environment: StageEnvironment) => Promise<StageKind>
}

/** Every stage kind, in the order in which a pipeline meets them. */
export const STAGE_KINDS: readonly StageRow[] = [
  {
    kind: 'download',
    version: 1,
    describe: 'download and check',
    has: ['accept'],
    load: async () => (await import('./download.ts')).DOWNLOAD,
  },
  {
    kind: 'unpack',
    version: 1,
    describe: 'unpack the archive',
    has: ['probe'],
    load: async () => (await import('./unpack.ts')).UNPACK,
  },
  {
    kind: 'index',
    version: 1,
    describe: 'list, check and split the pictures',
    has: ['probe'],
    load: async () => (await import('./index.ts')).INDEX,
  },
  {
    kind: 'pixels',
    version: 1,
    describe: 'decode and resize the pictures',
    has: ['estimate'],
    load: async () => (await import('./pixels.ts')).PIXELS,
  },
  {
    kind: 'weights',
    version: 2,
    describe: "read the base model's weights, or draw initial ones",
    has: ['probe'],
    load: async () => (await import('./weights.ts')).WEIGHTS,
  },
  {
    kind: 'features',
    version: 2,
    describe: 'run every picture through the frozen layers',
    exclusive: 'engine',
    has: ['estimate'],
    load: async (environment) => (await import('./features.ts')).featuresKind(environment),
  },
  {
    kind: 'train',
    version: 3,
    describe: 'train what is not frozen',
    exclusive: 'engine',
    has: [],
    load: async (environment) => (await import('./train.ts')).trainKind(environment),
  },
  {
    kind: 'evaluate',
    version: 2,
    describe: 'score the trained model on a split',
    exclusive: 'engine',
    has: [],
    load: async (environment) => (await import('./evaluate.ts')).evaluateKind(environment),
  },
  {
    kind: 'predict',
    version: 1,
    describe: 'name the pictures',
    exclusive: 'engine',
    has: ['probe'],
    load: async (environment) => (await import('./predict.ts')).predictKind(environment),
  },
]

/** The kinds by name, each loaded when it is first asked to do something. */
export function stageKinds(environment: StageEnvironment): Readonly<Record<string, StageKind>> {
  return Object.fromEntries(STAGE_KINDS.map((row) => [row.kind, kindOf(row, environment)]))
}

function kindOf({ has, load, ...facts }: StageRow, environment: StageEnvironment): StageKind {
  let loading: Promise<StageKind> | undefined
  const whole = () => (loading ??= load(environment))
  return {
    ...facts,
    run: async (context) => (await whole()).run(context),
    ...(has.includes('probe')
      ? { probe: async (stage, context) => (await whole()).probe!(stage, context) }
      : {}),
    ...(has.includes('accept')
      ? { accept: async (stage, known) => (await whole()).accept!(stage, known) }
      : {}),
    ...(has.includes('estimate')
      ? { estimate: async (stage, inputs) => (await whole()).estimate!(stage, inputs) }
      : {}),
  } satisfies StageKind
}
