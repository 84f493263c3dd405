import type { Engine, Session } from '../../src/engines/engine.ts'
import type { WeightMap } from '../../src/models/layer-graph.ts'
import type { ExampleSource } from '../../src/training/example-source.ts'
import type { FeaturePlan } from '../../src/training/feature-plan.ts'
import { fit, type FitOptions } from '../../src/training/fit.ts'
import type { LabelledSplit } from '../../src/training/labelled-split.ts'
import { featureName, PIXELS, trunkProgram, type TrunkOptions } from '../../src/training/trunk.ts'
import type { Shape } from '../../src/program/program.ts'
import { sizeOf } from '../../src/program/program.ts'
import { memorySource } from './memory.ts'
import { stopwatch, type Cost } from './pairs.ts'

/** What the frozen layers make of every picture of a split, in memory; the pictures fill whole batches. */
export async function keptSource(
  engine: Engine,
  options: {
    readonly pictures: LabelledSplit
    readonly plan: FeaturePlan
    readonly trunk: TrunkOptions
    readonly weights: WeightMap
    readonly batch: number
  },
): Promise<ExampleSource> {
  const { batch, weights, plan } = options
  const { source } = options.pictures
  const shape: Shape = [batch, ...source.inputs[0]!.shape]
  const { ends, tail } = plan
  const { program, kept } = trunkProgram({ ...options.trunk, ends, tail }, weights, { shape })
  const session = await engine.compile(program)
  const inputs = kept.map(({ layer, shape }) => ({
    name: featureName(layer),
    shape,
    dtype: 'float32' as const,
    data: new Float32Array(source.pictures * sizeOf(shape)),
  }))
  const feed = source.allocate(batch)
  for (let start = 0; start < source.pictures; start += batch) {
    const rows = Uint32Array.from({ length: batch }, (_, i) => start + i)
    await source.gather(rows, 1, feed)
    const result = await session.run('features', { [PIXELS]: feed[PIXELS]! })
    for (const { name, shape, data } of inputs) data.set(result[name]!, start * sizeOf(shape))
  }
  await session.close()
  return memorySource(inputs, source.pictures)
}

/** Runs the loop of `pipeline run` without chance; the loss of each step as it comes out of the session. */
export async function recordedFit(
  options: Pick<FitOptions, 'session' | 'shape' | 'train' | 'optimizer' | 'batchSize'> & {
    readonly epochs: number
  },
): Promise<{
  readonly losses: readonly number[]
  readonly variables: ReadonlyMap<string, Float32Array>
}> {
  const { session, epochs, train, ...rest } = options
  const losses: number[] = []
  const recording: Session = {
    concurrency: 1,
    run: async (entry, feeds) => {
      const result = await session.run(entry, feeds)
      if (result['loss']) losses.push(result['loss'][0]!)
      return result
    },
    read: (names) => session.read(names),
    write: (values) => session.write(values),
    close: () => session.close(),
  }
  const { end } = await fit({
    ...rest,
    ...plain(train),
    session: recording,
    firstEpoch: 1,
    lastEpoch: epochs,
    shuffle: false,
  })
  return { losses, variables: end.variables }
}

/** Runs one epoch of the loop, shuffled; its cost does not hold the checkpoint at the end. */
export async function epochCost(
  options: Pick<FitOptions, 'session' | 'shape' | 'train' | 'optimizer' | 'batchSize'> & {
    readonly epoch: number
  },
): Promise<Required<Cost>> {
  const { epoch, train, ...rest } = options
  let cost: Required<Cost> | undefined
  const stop = stopwatch()
  await fit({
    ...rest,
    ...plain(train),
    firstEpoch: epoch,
    lastEpoch: epoch,
    shuffle: true,
    onEpoch: () => (cost = stop()),
  })
  return cost!
}

function plain(train: LabelledSplit) {
  return {
    train,
    validation: undefined,
    lastBatch: 'drop',
    seed: 1,
    classWeights: new Float32Array(Math.max(...train.labels) + 1).fill(1),
    signal: new AbortController().signal,
    onEpoch: () => undefined,
    onBatch: () => undefined,
  } as const
}
