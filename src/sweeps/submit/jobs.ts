import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError, isErrno } from '../../util/files.ts'
import { submittedFolder } from './frozen.ts'

/** A job that was submitted: what its workers run, and how many there are. */
export interface SubmittedJob {
  readonly time: string
  /** Of Slurm. */
  readonly job: string
  readonly workers: number
  /** The name of the frozen copy. */
  readonly runs: string
}

/** Where the jobs write what they print. */
export function logFolder(sweepFolder: string): string {
  return join(submittedFolder(sweepFolder), 'logs')
}

function jobsFile(sweepFolder: string): string {
  return join(submittedFolder(sweepFolder), 'jobs.jsonl')
}

/** The folder of what is submitted, which git takes nothing of: paths of this machine stand in it. Throws NOT_WRITABLE, DISK_FULL. */
export async function makeSubmittedFolder(sweepFolder: string): Promise<void> {
  const folder = submittedFolder(sweepFolder)
  try {
    // Slurm fails a job without a word where its output has no folder.
    await mkdir(logFolder(sweepFolder), { recursive: true })
    await writeFile(join(folder, '.gitignore'), '*\n')
  } catch (error) {
    throw diskError(error, folder)
  }
}

export async function addJob(sweepFolder: string, job: SubmittedJob): Promise<void> {
  const file = jobsFile(sweepFolder)
  try {
    await appendFile(file, `${JSON.stringify(job)}\n`)
  } catch (error) {
    throw diskError(error, file)
  }
}

export async function readJobs(sweepFolder: string): Promise<SubmittedJob[]> {
  let text
  try {
    text = await readFile(jobsFile(sweepFolder), 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as SubmittedJob]
    } catch {
      return []
    }
  })
}
