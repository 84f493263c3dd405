import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Event } from '../graph/event.ts'
import { isForced } from '../graph/plan.ts'
import type { Artifact } from '../graph/stage.ts'
import { PREDICTION_FILES } from '../prediction/files.ts'
import { readPredictionAbout } from '../stages/predict.ts'
import { diskError } from '../util/files.ts'
import type { PreparedPrediction } from './prepare.ts'
import { RUN_FILES, type RunRecord } from './record.ts'
import type { Recorder } from './recorder.ts'
import type { RunOptions, Workshop } from './run.ts'

/** Executes the stages of a file without training. Throws what `execute` does. */
export async function carryOutPrediction(
  { stages }: PreparedPrediction,
  { store, kinds }: Workshop,
  options: RunOptions,
  recorder: Recorder,
): Promise<Artifact> {
  const { execute } = await import('../graph/execute.ts')
  const { signal, jobs, restart } = options
  const emit = (event: Event): void => {
    recorder.event(event)
    options.emit(event)
  }
  let isCached = false
  const artifacts = await execute(stages, kinds, store, {
    jobs,
    signal,
    emit: (event) => {
      if (event.type === 'stageDone' && event.stage === 'predict') isCached = event.cached
      emit(event)
    },
    force: stages.filter((stage) => isForced(stage, options)).map(({ id }) => id),
    restart,
    want: ['predict'],
  })
  const artifact = artifacts.get('predict')!
  // The stage itself has told them where it was computed now.
  const { problems, notes } = await readPredictionAbout(artifact.path)
  for (const diagnostic of isCached ? [...notes, ...problems] : []) {
    emit({ type: 'warning', stage: 'predict', diagnostic })
  }
  return artifact
}

/** The files with the predictions of a run, and what its record says of them. */
export async function writePredictions(
  folder: string,
  { path }: Artifact,
): Promise<Pick<RunRecord, 'predicted' | 'parameters'>> {
  try {
    await copyFile(join(path, PREDICTION_FILES.lines), join(folder, RUN_FILES.predictions))
    await copyFile(join(path, PREDICTION_FILES.table), join(folder, RUN_FILES.predictionTable))
  } catch (error) {
    throw diskError(error, folder)
  }
  const { pictures, problems, parameters } = await readPredictionAbout(path)
  return {
    predicted: { pictures, bad: problems.length },
    parameters: { total: parameters, trainable: 0 },
  }
}
