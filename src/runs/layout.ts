import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../util/digest.ts'
import { diskError, isErrno } from '../util/files.ts'

/** `20261124-101500-8f2c1a`: UTC time, then the start of the pipeline's digest. */
export function newRunId(now: Date, pipeline: Digest): string {
  const [date, time] = now.toISOString().slice(0, 19).replace(/[-:]/g, '').split('T')
  return `${date}-${time}-${pipeline.slice(7, 13)}`
}

/** What git takes of a run: small texts. Models, predictions and the list of pictures stay out. */
const GITIGNORE = `# Of a run, git keeps run.json, metrics.jsonl, the pipeline and the summary; what is big stays out.
model/
predictions.jsonl
index.jsonl
running.json
`

/** Makes the folder of a run, and the root with its .gitignore where it is new. Throws NOT_WRITABLE, DISK_FULL. */
export async function makeRunFolder(root: string, name: string, id: string): Promise<string> {
  const folder = join(root, name, id)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(root, '.gitignore'), GITIGNORE, { flag: 'wx' }).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error
    })
  } catch (error) {
    throw diskError(error, folder)
  }
  return folder
}
