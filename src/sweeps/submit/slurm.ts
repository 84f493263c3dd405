import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure, type PipelineError } from '../../util/diagnostic.ts'
import { arrayText, chunksOf } from './slurm-script.ts'

export interface SlurmContext {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** The default of Slurm: the last index of an array is one less. */
const MAX_ARRAY_SIZE = 1001
/** A busy controller answers late; what it has accepted all the same does no harm, as workers share the trials. */
const TRIES = 3

/** How long an array may be here. */
export async function maxArraySize(context: SlurmContext): Promise<number> {
  const { stdout } = await call(['scontrol', 'show', 'config'], context)
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(stdout)?.[1] ?? MAX_ARRAY_SIZE)
  return Math.max(1, size)
}

/** The calls of sbatch that so many workers need. Where they are several and few may run at once, each waits for the one before. */
export function sbatchCalls(
  script: string,
  { workers, atOnce, max }: { workers: number; atOnce: number | undefined; max: number },
): ((before: string | undefined) => string[])[] {
  return chunksOf(workers, max).map((size) => (before) => [
    'sbatch',
    '--parsable',
    `--array=${arrayText(size, atOnce)}`,
    ...(before === undefined || atOnce === undefined ? [] : [`--dependency=afterany:${before}`]),
    script,
  ])
}

/** The id of the job. Throws TOOL_MISSING, or STAGE_FAILED with what sbatch says. */
export async function sbatch(words: readonly string[], context: SlurmContext): Promise<string> {
  for (let left = TRIES - 1; ; left -= 1) {
    const { code, stdout, stderr } = await call(words, context)
    if (code === 'ENOENT') throw noSlurm()
    // `12`, or `12;cluster`; wrappers of a site may say more.
    const id = /^(\d+)(?:;\S*)?$/m.exec(stdout)?.[1]
    if (code === 0 && id !== undefined) return id
    const said =
      stderr.trim() || stdout.trim() || `it ended with exit code ${code} and said nothing`
    if (left === 0 || !/Socket timed out|temporarily unavailable/i.test(said)) {
      throw failure('STAGE_FAILED', `sbatch accepted no job: ${said}`, { hint: hintFor(said) })
    }
    await sleep(500 * 2 ** (TRIES - 1 - left), undefined, { signal: context.signal })
  }
}

/** Throws TOOL_MISSING where there is no Slurm here. */
export async function requireSlurm(context: SlurmContext): Promise<void> {
  const { code } = await call(['sbatch', '--version'], context)
  if (code === 'ENOENT') throw noSlurm()
}

function noSlurm(): PipelineError {
  return failure('TOOL_MISSING', 'sbatch is needed to submit to Slurm, and was not found', {
    hint: 'log in to a machine of the cluster where `sbatch --version` works (often `module load slurm`), or look at the script with --dry-run',
  })
}

/** Workers of a job that are still to start, and those that run. */
export interface Queued {
  readonly pending: number
  readonly running: number
}

/**
 * What the controller knows of these jobs; nothing of those that it has lost or forgotten, nor where it does not answer. By the
 * name too, as an id that was lost is given again.
 */
export async function queued(
  { name, jobs }: { readonly name: string; readonly jobs: readonly string[] },
  context: SlurmContext,
): Promise<Queued> {
  const states = '--states=PENDING,CONFIGURING,REQUEUED,RUNNING'
  const words = ['squeue', '--noheader', '--array', states, '--format=%F|%T|%j']
  const { stdout } = await call(words, context)
  const known = stdout
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([job = '', , ...called]) => jobs.includes(job) && called.join('|') === name)
  // One that is told to stop is SIGNALING.
  const pending = known.filter(([, state]) =>
    /^(PENDING|CONFIGURING|REQUEUED)$/.test(state!),
  ).length
  return { pending, running: known.length - pending }
}

function hintFor(said: string): string {
  if (/partition/i.test(said)) return '`sinfo` lists the partitions; name one with --partition'
  if (/account|qos/i.test(said)) return "give it with --sbatch '--account=NAME' (or --qos)"
  if (/time limit/i.test(said))
    return '`sinfo -o "%P %l"` lists the time limits; ask for less with --time'
  if (/memory|node configuration|CPU count|gres/i.test(said)) {
    return 'no node has that much: `sinfo -o "%P %c %m %G"` lists cores, memory and GPUs'
  }
  if (/timed out|contact/i.test(said)) return 'the controller does not answer: try again later'
  return '--dry-run shows the script; sbatch reads it as it stands there'
}

interface Called {
  /** ENOENT where there is no such program. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

function call(words: readonly string[], { cwd, env, signal }: SlurmContext): Promise<Called> {
  const [program = '', ...args] = words
  const options = {
    cwd,
    env,
    signal,
    timeout: 60_000,
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  } as const
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const code = error ? ((error as { code?: number | string }).code ?? 1) : 0
      resolve({ code, stdout, stderr })
    })
  })
}
