import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import type { Program, TensorData } from '../../program/program.ts'
import { encodeProgram } from '../../program/serialize.ts'
import type { CompileOptions, Session } from '../engine.ts'
import type { Answer, Request } from './messages.ts'

interface Job {
  readonly request: Request
  resolve(answer: Answer): void
  reject(error: unknown): void
}

interface Member {
  readonly child: ChildProcess
  /** The end of what it wrote to stderr. */
  said: string
  job: Job | undefined
}

/**
 * A session of several processes, each with a whole copy of the program; a run goes to one that is free, or waits.
 * (Processes, not worker threads: those slow the kernels down for good after some hundred messages.) Only for
 * programs without variables. If one process dies, the session has failed and the others are ended.
 */
export async function openPool(
  program: Program,
  processes: number,
  { entries }: CompileOptions = {},
): Promise<Session> {
  const pool = new Pool(processes)
  try {
    await pool.load({ kind: 'load', ...encodeProgram(program), entries })
  } catch (error) {
    await pool.close()
    throw error
  }
  return pool
}

class Pool implements Session {
  readonly concurrency: number
  readonly #members: Member[]
  readonly #waiting: Job[] = []
  /** Why no run can succeed any more. */
  #over: Error | undefined

  constructor(processes: number) {
    this.concurrency = processes
    this.#members = Array.from({ length: processes }, () => this.#start())
  }

  async load(request: Request): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#ask(request, member)))
  }

  async run(
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const answer = await this.#ask({ kind: 'run', entry, feeds })
    if (answer.kind !== 'fetched') throw new TypeError(`a run was answered by ${answer.kind}`)
    return answer.fetches
  }

  read(names: readonly string[] = []): Promise<Map<string, Float32Array>> {
    return names.length === 0
      ? Promise.resolve(new Map())
      : Promise.reject(new TypeError(`no variable ${names[0]}`))
  }

  write(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    const [name] = values.keys()
    return name === undefined
      ? Promise.resolve()
      : Promise.reject(new TypeError(`no variable ${name}`))
  }

  async close(): Promise<void> {
    this.#end(failure('ENGINE_FAILED', 'the wasm session was closed before the run was over'))
    await Promise.all(this.#members.map(({ child }) => ended(child)))
  }

  #start(): Member {
    const child = fork(fileURLToPath(new URL('worker.js', import.meta.url)), {
      serialization: 'advanced',
      // Not ours to pass on: inspectors and test runners start processes of their own.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const member: Member = { child, said: '', job: undefined }
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      member.said = (member.said + text).slice(-2000)
    })
    child.on('message', (answer: Answer) => this.#settle(member, answer))
    child.on('error', (cause) => this.#lost(member, String(cause), cause))
    child.on('close', (code, signal) => {
      this.#lost(member, reasonOf(code, signal, member.said), undefined, signal)
    })
    idle(child)
    return member
  }

  #ask(request: Request, to?: Member): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const job = { request, resolve, reject }
      if (this.#over) reject(this.#over)
      else if (to) this.#give(to, job)
      else {
        this.#waiting.push(job)
        this.#next()
      }
    })
  }

  #next(): void {
    for (const member of this.#members) {
      if (member.job) continue
      const job = this.#waiting.shift()
      if (!job) return
      this.#give(member, job)
    }
  }

  #give(member: Member, job: Job): void {
    member.job = job
    busy(member.child)
    // A process that is gone is reported by its own event.
    member.child.send(job.request, () => {})
  }

  #settle(member: Member, answer: Answer): void {
    const { job } = member
    member.job = undefined
    idle(member.child)
    if (answer.kind === 'failed') job?.reject(errorOf(answer))
    else job?.resolve(answer)
    this.#next()
  }

  #lost(member: Member, reason: string, cause?: unknown, signal?: string | null): void {
    const code = signal === 'SIGKILL' ? 'OUT_OF_MEMORY' : 'ENGINE_FAILED'
    this.#end(
      failure(code, `a process of the wasm engine (${member.child.pid}) ${reason}`, {
        hint: 'a smaller batchSize needs less memory; `pipeline engine install` brings the native engine',
        cause,
      }),
    )
  }

  #end(reason: Error): void {
    this.#over ??= reason
    for (const { child, job } of this.#members) {
      job?.reject(this.#over)
      child.kill('SIGKILL')
    }
    for (const job of this.#waiting.splice(0)) job.reject(this.#over)
  }
}

function errorOf(answer: Extract<Answer, { kind: 'failed' }>): Error {
  if (answer.diagnostics.length > 0) return new PipelineError(answer.diagnostics)
  const message = `in a process of the wasm engine: ${answer.message}`
  return answer.misuse ? new TypeError(message) : new Error(message)
}

function reasonOf(code: number | null, signal: string | null, said: string): string {
  const end = said.trim().split('\n').at(-1)
  if (signal === 'SIGKILL') return 'was killed (SIGKILL): most likely the machine ran out of memory'
  return `ended with ${signal ?? `code ${code}`}${end ? `: ${end}` : ''}`
}

async function ended(child: ChildProcess): Promise<void> {
  const over = child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  if (over) return
  child.ref()
  await once(child, 'exit')
}

/** A process that waits must not keep this one alive; one that computes must. */
function idle(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
  ;(child.stderr as { unref?(): void } | null)?.unref?.()
}

function busy(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
}
