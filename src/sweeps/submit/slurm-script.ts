import { failure } from '../../util/diagnostic.ts'

/** What a worker is given by Slurm. */
export interface SlurmRequest {
  readonly name: string
  /** Absolute: where workers start. */
  readonly cwd: string
  /** Absolute; its folder must be there before the job is. */
  readonly log: string
  readonly command: readonly string[]
  readonly time?: string | undefined
  readonly partition?: string | undefined
  /** As `--gres` takes it behind `gpu:`: a number, or `a100:1`. */
  readonly gpus?: string | undefined
  readonly cpus?: string | undefined
  readonly mem?: string | undefined
  /** Further options, as sbatch takes them. */
  readonly extra: readonly string[]
}

/** A worker needs so long to come to a good moment and write what it has, in seconds, where the limit leaves it. */
const NOTICE = 90

/**
 * The script of an array of workers. `exec`: the signal goes to the batch shell alone, which has to be the worker. Slurm may send
 * it up to a minute early.
 */
export function slurmScript(request: SlurmRequest): string {
  const { name, cwd, log, command, time, partition, gpus, cpus, mem, extra } = request
  const asked = (option: string, value: string | undefined) =>
    value === undefined ? [] : [`${option}=${slurmWord(value)}`]
  const options = [
    `--job-name=${slurmWord(name)}`,
    `--chdir=${slurmWord(cwd)}`,
    // %A is the job, %a the place in the array.
    `--output=${slurmWord(log)}`,
    '--open-mode=append',
    '--export=ALL',
    '--requeue',
    `--signal=B:USR2@${time === undefined ? NOTICE : noticeFor(time)}`,
    '--nodes=1',
    '--ntasks=1',
    ...asked('--time', time),
    ...asked('--partition', partition),
    ...(gpus === undefined ? [] : [`--gres=gpu:${slurmWord(gpus)}`]),
    ...asked('--cpus-per-task', cpus),
    ...asked('--mem', mem),
    ...extra.map(oneLine),
  ]
  const lines = ['#!/bin/sh', ...options.map((option) => `#SBATCH ${option}`), '']
  return `${[...lines, `exec ${command.map(shellWord).join(' ')}`].join('\n')}\n`
}

/** A quarter of the limit where that is short. */
export function noticeFor(time: string): number {
  const seconds = secondsOf(time)
  return Math.min(NOTICE, Math.max(10, Math.floor(seconds / 4)))
}

/** Slurm's forms: minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S. Throws USAGE. */
export function secondsOf(time: string): number {
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(time)
  if (!match) {
    if (/^(infinite|unlimited)$/i.test(time)) return Infinity
    throw failure('USAGE', `--time takes a time as Slurm writes it, got ${time}`, {
      hint: 'minutes (90), hours (4:00:00) or days (1-12)',
    })
  }
  const [, days, ...parts] = match
  const [a = 0, b, c] = parts.map((part) => (part === undefined ? undefined : Number(part)))
  if (days !== undefined) return Number(days) * 86_400 + a * 3600 + (b ?? 0) * 60 + (c ?? 0)
  if (c !== undefined) return a * 3600 + b! * 60 + c
  return a * 60 + (b ?? 0)
}

/** A value on a #SBATCH line, where quotes and backslashes count as in a shell. */
function slurmWord(value: string): string {
  oneLine(value)
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}

function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw failure('USAGE', 'an option of sbatch is one line')
  return text
}

export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** `0-7%2`: so many workers, at most two at a time. */
export function arrayText(workers: number, atOnce: number | undefined): string {
  const range = workers === 1 ? '0' : `0-${workers - 1}`
  return atOnce !== undefined && atOnce < workers ? `${range}%${atOnce}` : range
}

/** Sizes of the arrays that so many workers need, each as long as it may be. */
export function chunksOf(workers: number, maxArraySize: number): number[] {
  const whole = Array.from({ length: Math.floor(workers / maxArraySize) }, () => maxArraySize)
  const rest = workers % maxArraySize
  return rest > 0 ? [...whole, rest] : whole
}
