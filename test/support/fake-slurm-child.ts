import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeSettings, FakeTask } from './fake-slurm.ts'

/**
 * What sbatch, squeue and scontrol of a real Slurm (22.05) answered, replayed: their words on errors, ids that are lost, arrays of
 * tasks as processes. Called as `node fake-slurm-child.js FOLDER PROGRAM ARGS`.
 */
const [folder = '', program = '', ...args] = process.argv.slice(2)
const settings = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as FakeSettings
const option = (name: string) =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3)

if (program === 'scontrol')
  process.stdout.write(`MaxArraySize            = ${settings.maxArraySize}\n`)
else if (program === 'squeue') squeue()
else if (program === 'controller') await controller(args[0]!)
else sbatch()

function squeue(): void {
  const states = option('states')?.split(',') ?? []
  for (const { job, state, script } of tasks()) {
    const name = /^#SBATCH --job-name=(.*)$/m.exec(script)?.[1] ?? ''
    if (states.includes(state)) process.stdout.write(`${job}|${state}|${name}\n`)
  }
}

function sbatch(): void {
  if (args.includes('--version')) return void process.stdout.write('slurm-wlm 22.05.8\n')
  appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify(args)}\n`)
  const script = args.at(-1)!
  const text = readFileSync(script, 'utf8')
  const asked = (name: string) => new RegExp(`^#SBATCH --${name}=(.*)$`, 'm').exec(text)?.[1]
  if ((asked('partition') ?? 'local') !== 'local') {
    refuse(
      `invalid partition specified: ${asked('partition')}`,
      'Batch job submission failed: Invalid partition name specified',
    )
  }
  const [first = 0, last = first] = option('array')!.split('%')[0]!.split('-').map(Number)
  if (last >= settings.maxArraySize) {
    refuse('Batch job submission failed: Invalid job array specification')
  }
  if (settings.busy > 0) {
    const left = { ...settings, busy: settings.busy - 1 }
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(left))
    refuse('Batch job submission failed: Socket timed out on send/recv operation')
  }
  const job = String(1 + readdirSync(join(folder, 'jobs')).length)
  mkdirSync(join(folder, 'jobs', job))
  process.stdout.write(`${job}\n`)
  if (settings.mode === 'lose') return
  const log = asked('output')!
  // No folder for what it prints: the job fails without a word.
  const isLaunched = existsSync(dirname(log))
  for (let index = first; index <= last; index += 1) {
    write({ job, index, state: isLaunched ? 'PENDING' : 'FAILED', script: text, log, pid: 0 })
  }
  spawn(process.execPath, [process.argv[1]!, folder, 'controller', job], {
    detached: true,
    stdio: 'ignore',
  }).unref()
}

function refuse(...lines: readonly string[]): never {
  process.stderr.write(lines.map((line) => `sbatch: error: ${line}\n`).join(''))
  process.exit(1)
}

/** Runs the tasks of a job, two at a time. */
async function controller(job: string): Promise<void> {
  while (existsSync(join(folder, 'hold'))) await sleep(50)
  const waiting = tasks().filter((task) => task.job === job && task.state === 'PENDING')
  const slot = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) await runTask(task)
  }
  await Promise.all([slot(), slot()])
}

async function runTask(task: FakeTask): Promise<void> {
  const { job, index, log } = task
  const script = join(folder, 'jobs', job, `${index}.sh`)
  writeFileSync(script, task.script)
  const cwd = /^#SBATCH --chdir=(.*)$/m.exec(task.script)![1]!
  const name = log.replaceAll('%A', job).replaceAll('%a', String(index)).replaceAll('%%', '%')
  const out = openSync(name, 'a')
  const env = { ...process.env, SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: String(index) }
  const child = spawn('/bin/sh', [script], { cwd, env, stdio: ['ignore', out, out] })
  write({ ...task, state: 'RUNNING', pid: child.pid! })
  const code = await new Promise((resolve) => child.on('close', resolve))
  write({ ...task, state: code === 0 ? 'COMPLETED' : 'FAILED', pid: child.pid! })
  rmSync(script)
}

function tasks(): FakeTask[] {
  const jobs = join(folder, 'jobs')
  return readdirSync(jobs, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(jobs, name), 'utf8')) as FakeTask]
      } catch {
        return [] // Being written.
      }
    })
}

function write(task: FakeTask): void {
  writeFileSync(join(folder, 'jobs', task.job, `${task.index}.json`), JSON.stringify(task))
}
