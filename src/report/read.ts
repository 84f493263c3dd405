import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { StoredRun } from '../runs/read.ts'
import { RUN_FILES, type RunRecord } from '../runs/record.ts'
import type { EvaluationFile } from '../stages/evaluate.ts'
import { isErrno } from '../util/files.ts'

/** What a page about a run is made of: all that its folder says. Of a run from git, some of it is not there. */
export interface RunReport {
  readonly record: RunRecord
  /** Where a person has it: `runs/NAME/ID`. */
  readonly place: string
  /** Of the evaluated splits, the one that counts first: test, else the last. */
  readonly evaluations: readonly EvaluationFile[]
  /** resolved.yaml. */
  readonly resolved: string | undefined
}

/** Reads a run folder. Files that git does not keep may be missing. */
export async function readReport({ record, folder }: StoredRun): Promise<RunReport> {
  const splits = Object.keys(record.metrics)
  const first = splits.includes('test') ? 'test' : splits.at(-1)
  const inOrder = splits.toSorted((a, b) => Number(b === first) - Number(a === first))
  const evaluations = await Promise.all(
    inOrder.map((split) => readJson<EvaluationFile>(join(folder, `evaluation-${split}.json`))),
  )
  const parents = [dirname(dirname(folder)), dirname(folder), folder]
  return {
    record,
    place: parents.map((path) => basename(path)).join('/'),
    evaluations: evaluations.filter((one) => one !== undefined),
    resolved: await readText(join(folder, RUN_FILES.resolved)),
  }
}

export async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}

/** Undefined also for a file that is no JSON: then the page is without that part. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}
