import { statfs } from 'node:fs/promises'
import { failure, PipelineError } from '../../../util/diagnostic.ts'
import { diskError } from '../../../util/files.ts'
import { bytesText } from '../../../util/text.ts'

const HINT = 'free some space, or put engines elsewhere with GRAFT_ENGINES=DIR'

/** Bytes that this user may still write below the folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Throws DISK_FULL where fewer are free. */
export async function needSpace(
  folder: string,
  bytes: number,
  free: (folder: string) => Promise<number> = freeBytes,
): Promise<void> {
  const left = await free(folder)
  if (left >= bytes) return
  const needs = `libtensorflow needs ${bytesText(bytes)} in ${folder}`
  throw failure('DISK_FULL', `${needs}, which has ${bytesText(left)} left`, { hint: HINT })
}

/** `diskError` with the cure that fits engines. */
export function engineDiskError(error: unknown, path: string): unknown {
  const known = diskError(error, path)
  if (known === error || !(known instanceof PipelineError)) return error
  const { code, message } = known.diagnostics[0]!
  const hint = code === 'DISK_FULL' ? HINT : HINT.replace('free some space, or ', '')
  return failure(code, message, { hint, cause: error })
}
