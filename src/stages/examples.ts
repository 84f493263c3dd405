import type { Engine } from '../engines/engine.ts'
import type { Artifact } from '../graph/stage.ts'
import type { ExampleFiles } from './labelled-split.ts'
import type { TrainParams } from './train.ts'
import { TRUNK_BATCH } from './trunk-batch.ts'

/** Pictures that a head alone scores at once at most. */
const HEAD_BATCH = 64

/** An input artifact as what it is: features where the params name layers, else pixels. */
export function exampleFiles(
  artifact: Artifact,
  ends: readonly string[] | undefined,
): ExampleFiles {
  return ends ? { features: artifact, ends } : { pixels: artifact }
}

/** How many pictures are scored at once: as many as the engine likes in a trunk, more where only the head is left. */
export function inferBatch(
  engine: Engine,
  { freeze }: Pick<TrainParams, 'freeze'>,
  ends: readonly string[] | undefined,
  pictures: number,
): number {
  const most = freeze === 'all' && ends ? HEAD_BATCH : TRUNK_BATCH[engine.info.name]
  return Math.max(1, Math.min(most, pictures))
}
