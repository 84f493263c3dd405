import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Prediction } from '../prediction/predict-pictures.ts'
import { failure } from '../util/diagnostic.ts'
import type { StoredRun } from './read.ts'
import { RUN_FILES } from './record.ts'

/** What a run without training came to; undefined for one that trains, or that has not ended well. */
export async function predictionsOf({
  record,
  folder,
}: StoredRun): Promise<readonly Prediction[] | undefined> {
  return record.predicted && readPredictions(folder)
}

/** predictions.jsonl of a run without training. Throws UNKNOWN_RUN where it is gone. */
export async function readPredictions(folder: string): Promise<Prediction[]> {
  const path = join(folder, RUN_FILES.predictions)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const hint = 'runs in git are without it: run the pipeline again'
    throw failure('UNKNOWN_RUN', `the run has no ${path}`, { hint, cause })
  })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Prediction)
}
