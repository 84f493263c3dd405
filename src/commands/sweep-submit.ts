import { relative, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { writeDefinition } from '../sweeps/definition.ts'
import { workLeft } from '../sweeps/next.ts'
import { addJob, logFolder, makeSubmittedFolder, readJobs } from '../sweeps/submit/jobs.ts'
import { frozenPath, frozenText, seenFrom } from '../sweeps/submit/frozen.ts'
import { jobManifest } from '../sweeps/submit/k8s.ts'
import { maxArraySize, queued, requireSlurm, sbatch, sbatchCalls } from '../sweeps/submit/slurm.ts'
import { secondsOf, shellWord, slurmScript } from '../sweeps/submit/slurm-script.ts'
import type { Sweep } from '../sweeps/sweep.ts'
import { begin, workersAlive } from '../sweeps/trials.ts'
import { failure } from '../util/diagnostic.ts'
import { writeFileAtomic } from '../util/files.ts'
import { plural } from '../util/text.ts'
import type { CommandContext } from './command.ts'
import { jobsOf, overrides } from './pipeline-file.ts'
import { workerFlags, type SweepFlags } from './run-sweep.ts'

export interface SubmitFlags extends SweepFlags {
  readonly slurm?: boolean
  readonly k8s?: boolean
  readonly dryRun?: boolean
  readonly workers?: string
  readonly time?: string
  readonly partition?: string
  readonly gpus?: string
  readonly cpus?: string
  readonly mem?: string
  readonly sbatch?: readonly string[]
  readonly image?: string
  readonly claim?: string
}

/** What is submitted, and what there is to do. */
interface Submission {
  readonly sweep: Sweep
  readonly file: string
  readonly flags: SubmitFlags
  readonly context: CommandContext
  /** Absolute. */
  readonly frozen: { readonly path: string; readonly text: string }
  /** Trials that a worker would find. */
  readonly left: number
  readonly atOnce: number | undefined
}

/** `pipeline sweep submit FILE --slurm|--k8s`: workers for what is missing of the sweep. `files`: what was read of it. */
export async function submit(
  sweep: Sweep,
  { file, files }: { readonly file: string; readonly files: Readonly<Record<string, string>> },
  flags: SubmitFlags,
  context: CommandContext,
): Promise<void> {
  const { slurm, k8s, sweep: swept = [] } = flags
  if (Boolean(slurm) === Boolean(k8s)) {
    throw failure('USAGE', 'sweep submit takes one of --slurm and --k8s')
  }
  if (flags.time !== undefined) secondsOf(flags.time)
  const name = seenFrom(context.cwd, file)
  const text = frozenText({ file: name, set: overrides(flags), sweep: swept, files })
  const again = {
    isForced: (flags.force?.length ?? 0) > 0 || flags.cache === false || (flags.restart ?? false),
    onlyFailed: flags.only === 'failed',
  }
  const submission: Submission = {
    sweep,
    file,
    flags,
    context,
    frozen: { path: frozenPath(sweep.folder, text), text },
    left: workLeft(sweep, again),
    atOnce: flags.jobs === undefined ? undefined : jobsOf(flags),
  }
  const prepare = async () => {
    await writeDefinition(sweep, { set: overrides(flags), sweep: swept, cwd: context.cwd })
    await begin(sweep, again)
    await makeSubmittedFolder(sweep.folder)
    await writeFileAtomic(submission.frozen.path, text)
  }
  if (k8s) await toKubernetes(submission, prepare)
  else await toSlurm(submission, prepare)
}

async function toSlurm(submission: Submission, prepare: () => Promise<void>): Promise<void> {
  const { sweep, flags, context, frozen, left, atOnce } = submission
  const { cwd, signal, stdout } = context
  const slurm = { cwd, signal, env: context.env }
  if (!flags.dryRun) await requireSlurm(slurm)
  const coming = flags.dryRun ? 0 : await comingWorkers(submission)
  const workers = workersOf(flags) ?? left - coming
  if (left === 0 || workers <= 0) return sayNothing(submission, coming)
  const script = slurmScript({
    name: sweep.name,
    cwd,
    log: join(logFolder(sweep.folder).replaceAll('%', '%%'), '%A_%a.out'),
    command: workerCommand(submission, [process.execPath, ...process.execArgv, MAIN]),
    ...flags,
    extra: flags.sbatch ?? [],
  })
  const path = frozen.path.replace(/yaml$/, 'sh')
  const calls = sbatchCalls(path, { workers, atOnce, max: await maxArraySize(slurm) })
  if (flags.dryRun) {
    const lines = calls.map((words, i) =>
      words(i > 0 ? 'JOB' : undefined)
        .map(shellWord)
        .join(' '),
    )
    stdout.write(`${script}\n${lines.map((line) => `$ ${line}\n`).join('')}`)
    return
  }
  await prepare()
  await writeFileAtomic(path, script)
  const jobs: string[] = []
  for (const words of calls) {
    const job = await sbatch(words(jobs.at(-1)), slurm)
    jobs.push(job)
    const time = new Date().toISOString()
    await addJob(sweep.folder, { time, job, workers, runs: frozen.path.split('/').at(-1)! })
  }
  if (flags.json) stdout.write(`${JSON.stringify({ jobs, workers, trials: left }, null, 2)}\n`)
  else stdout.write(submittedText(submission, jobs, workers))
}

function submittedText(
  { sweep, file, context, frozen, left }: Submission,
  jobs: readonly string[],
  workers: number,
): string {
  const { cwd, program } = context
  const of = jobs.length > 1 ? 'jobs' : 'job'
  const ids = jobs.join(',')
  return `submitted ${of} ${jobs.join(', ')}: ${plural(workers, 'worker')} for ${plural(left, 'trial')} of ${sweep.name}
they run   ${relative(cwd, frozen.path)}
they print ${relative(cwd, logFolder(sweep.folder))}/
state      ${program} sweep show ${file}
the queue  squeue -j ${ids}; scancel ${jobs.join(' ')} ends ${jobs.length > 1 ? 'them' : 'it'}
`
}

async function toKubernetes(submission: Submission, prepare: () => Promise<void>): Promise<void> {
  const { sweep, flags, context, left, atOnce } = submission
  const { image, claim, time, gpus, cpus, mem } = flags
  if (image === undefined || claim === undefined) {
    throw failure('USAGE', `--k8s needs ${image === undefined ? '--image' : '--claim'}`, {
      hint: '--image: has Node and this program; --claim: a PersistentVolumeClaim with this folder in it',
    })
  }
  const workers = workersOf(flags) ?? left
  if (left === 0) return sayNothing(submission, 0)
  if (!flags.dryRun) await prepare()
  const manifest = jobManifest({
    name: sweep.name,
    image,
    claim,
    workers,
    atOnce,
    command: workerCommand(submission, ['pipeline']),
    seconds: time === undefined ? undefined : secondsOf(time),
    gpus,
    cpus,
    mem,
  })
  const text = flags.json
    ? JSON.stringify(manifest, null, 2)
    : stringify(manifest, { lineWidth: 0 })
  context.stdout.write(`${text.trimEnd()}\n`)
}

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

/** Of the frozen copy, as seen from where workers start. */
function workerCommand(
  { frozen, flags, context }: Submission,
  program: readonly string[],
): string[] {
  const copy = seenFrom(context.cwd, frozen.path)
  return [...program, 'sweep', 'worker', copy, ...workerFlags(flags), '--log', 'plain']
}

/** Workers of the same copy that are about to take a trial: they wait in the queue, or have just started. */
async function comingWorkers({ sweep, frozen, context }: Submission): Promise<number> {
  const jobs = await readJobs(sweep.folder)
  const own = jobs.filter(({ runs }) => frozen.path.endsWith(`/${runs}`)).map(({ job }) => job)
  if (own.length === 0) return 0
  const { pending, running } = await queued({ name: sweep.name, jobs: own }, context)
  return pending + Math.max(0, running - workersAlive(sweep).workers)
}

/** To stderr where stdout is for kubectl. */
function sayNothing({ sweep, file, flags, context, left }: Submission, coming: number): void {
  const { stdout, stderr, program } = context
  const { name } = sweep
  if (flags.json && flags.slurm) {
    stdout.write(`${JSON.stringify({ jobs: [], workers: 0, trials: 0 }, null, 2)}\n`)
    return
  }
  const { workers } = workersAlive(sweep)
  const atWork = `${plural(workers, 'worker')} ${workers === 1 ? 'has' : 'have'} what is left of ${name} (one that died on another machine is given up after 5 minutes)`
  const why =
    left > 0 && coming > 0
      ? `what is open of ${name} is for ${plural(coming, 'worker')} of an earlier job, in the queue; --workers N adds more`
      : workers > 0
        ? atWork
        : flags.only === 'failed'
          ? `no trial of ${name} has failed`
          : `nothing is left to do of ${name}`
  const output = flags.k8s ? stderr : stdout
  output.write(`nothing submitted: ${why}\nstate      ${program} sweep show ${file}\n`)
}

function workersOf({ workers }: SubmitFlags): number | undefined {
  if (workers === undefined) return undefined
  const count = Number(workers)
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count
  throw failure('USAGE', `--workers takes a whole number from 1 to 100000, got ${workers}`)
}
