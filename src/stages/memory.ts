import { failure, PipelineError } from '../util/diagnostic.ts'
import { bytesText, plural } from '../util/text.ts'

/** What was computed with, for a person who wonders why it did not fit. */
export interface BatchUse {
  /** Pictures. */
  readonly batch: number
  /** The setting that it comes from, where there is one. */
  readonly key?: string
  readonly hint: string
}

/** Where memory ends, the error says how many pictures were in a batch and how much the process had at its peak. */
export async function namingBatches<T>(use: BatchUse, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw isOutOfMemory(error) ? named(error, use) : error
  }
}

function isOutOfMemory(error: unknown): error is Error {
  if (error instanceof PipelineError) {
    return error.diagnostics.every(({ code }) => code === 'OUT_OF_MEMORY')
  }
  // What V8 says of a typed array that does not fit.
  return error instanceof RangeError && /allocation failed|array length/i.test(error.message)
}

function named(error: Error, { batch, key, hint }: BatchUse): PipelineError {
  const what = error instanceof PipelineError ? error.diagnostics[0]!.message : error.message
  // Kilobytes, whatever the platform.
  const peak = bytesText(process.resourceUsage().maxRSS * 1024)
  const place = key === undefined ? '' : `${key}: `
  const text = `${place}batches of ${plural(batch, 'picture')} do not fit: ${what}; at its peak the process had ${peak}`
  return failure('OUT_OF_MEMORY', text, { hint, cause: error })
}
