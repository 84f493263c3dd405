import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { failure, PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { createPack } from './pack.ts'
import { channelsOf, type PixelParams } from './picture.ts'
import type { FromChild, ToChild } from './pixels-child.ts'
import {
  createPainter,
  type PictureTask,
  type TaskResult,
  type WorkerSetup,
} from './pixels-worker.ts'

export interface PackPictures {
  /** Absolute, without `.pack`. */
  readonly pack: string
  /** Absolute: where the pictures' paths begin. */
  readonly root: string
  /** In the order of the pack's rows. */
  readonly pictures: readonly { readonly path: string; readonly sha256: string }[]
  readonly params: PixelParams
  /** Decoding processes; default: one a core. */
  readonly workers?: number | undefined
  /** False keeps libvips behind sharp; for comparison, the bytes are the same. */
  readonly direct?: boolean | undefined
  readonly signal: AbortSignal
  /** Called after some pictures with the number done so far. */
  readonly progress: (done: number) => void
}

/** Pictures sent to a process at a time, and messages under way to each: enough never to wait, little to lose. */
export const BATCH = 8
const AHEAD = 2
/** Up to so many pictures are decoded here: starting processes would cost more. */
export const FEW = 48
/** Bad pictures are named up to this number, then the rest is not tried. */
export const MOST_FAILURES = 20

/**
 * Decodes pictures into one uint8 pack `[pictures, height, width, channels]`. Memory does not depend on their
 * number. Throws one PipelineError with up to 20 diagnostics (BAD_IMAGE, DIGEST_MISMATCH) in the order of the
 * pictures, or `signal.reason`.
 */
export async function packPictures(job: PackPictures): Promise<void> {
  const { params, pictures, signal } = job
  signal.throwIfAborted()
  const shape = [pictures.length, ...params.imageSize, channelsOf(params)]
  const writer = await createPack(job.pack, { dtype: 'uint8', shape, byteOrder: 'little' })
  const failures: TaskResult[] = []
  let done = 0
  const take = (results: readonly TaskResult[]): void => {
    for (const result of results) {
      if (result.failure) failures.push(result)
      else writer.wrote(result.row)
    }
    done += results.length
    job.progress(done)
  }
  const all = tasks(pictures)
  const next = () => (hopeless(failures) ? [] : all())
  const setup: WorkerSetup = {
    params,
    root: job.root,
    pack: `${job.pack}.pack`,
    direct: job.direct ?? true,
  }
  try {
    if (pictures.length <= FEW) await paintHere(setup, next, take, signal)
    else await paintInProcesses(setup, next, take, signal, processes(job))
    if (failures.length > 0) throw new PipelineError(inOrder(failures))
    await writer.finish()
  } finally {
    await writer.close()
  }
}

type Next = () => readonly PictureTask[]
type Take = (results: readonly TaskResult[]) => void

/** The pictures in portions; an empty one at the end. */
function tasks(pictures: PackPictures['pictures']): Next {
  let at = 0
  return () => {
    const portion = pictures
      .slice(at, at + BATCH)
      .map(({ path, sha256 }, i) => ({ row: at + i, path, sha256 }))
    at += portion.length
    return portion
  }
}

function processes({ workers, pictures }: PackPictures): number {
  const most = Math.ceil(pictures.length / BATCH)
  return Math.max(1, Math.min(workers ?? availableParallelism(), most))
}

/** What is about one picture; anything else (a full disk) ends the stage at once. */
const OF_A_PICTURE: ReadonlySet<string> = new Set(['BAD_IMAGE', 'DIGEST_MISMATCH'])

function ofPicture({ failure }: TaskResult): boolean {
  return failure?.every(({ code }) => OF_A_PICTURE.has(code)) ?? true
}

function hopeless(failures: readonly TaskResult[]): boolean {
  return failures.length >= MOST_FAILURES || !failures.every(ofPicture)
}

function inOrder(failures: readonly TaskResult[]): readonly Diagnostic[] {
  const fatal = failures.find((one) => !ofPicture(one))
  if (fatal?.failure) return fatal.failure
  const sorted = [...failures].sort((a, b) => a.row - b.row)
  return sorted.slice(0, MOST_FAILURES).flatMap(({ failure }) => failure ?? [])
}

async function paintHere(
  setup: WorkerSetup,
  next: Next,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  const painter = await createPainter(setup)
  try {
    for (let portion = next(); portion.length > 0; portion = next()) {
      for (const task of portion) {
        const result = await painter.paint(task)
        signal.throwIfAborted()
        take([result])
      }
    }
  } finally {
    painter.close()
  }
}

async function paintInProcesses(
  setup: WorkerSetup,
  next: Next,
  take: Take,
  signal: AbortSignal,
  count: number,
): Promise<void> {
  const children = Array.from({ length: count }, startChild)
  const stop = () => children.forEach(({ child }) => child.kill('SIGKILL'))
  signal.addEventListener('abort', stop)
  try {
    await Promise.all(children.map((one) => drive(one, setup, next, take, signal)))
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    // Whoever removes the folder next must find nobody writing in it.
    await Promise.all(children.map(({ ended }) => ended))
  }
}

/** The children hold little in JavaScript's heap; left alone, it would grow to many times that. */
const HEAP = ['--max-semi-space-size=1']

export interface Started {
  readonly child: ChildProcess
  /** The end of what it wrote to stderr. */
  readonly noise: () => string
  readonly ended: Promise<void>
}

export function startChild(): Started {
  const program = fileURLToPath(new URL('./pixels-child.js', import.meta.url))
  const child = fork(program, [], { execArgv: HEAP, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let noise = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-2000)
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return { child, noise: () => noise, ended }
}

/** Keeps one process busy until there is nothing left; rejects when it dies. */
function drive(
  { child, noise }: Started,
  setup: WorkerSetup,
  next: Next,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const underWay: (readonly PictureTask[])[] = []
    const send = (message: ToChild): void => {
      // A dead process is reported by its exit; the error of the channel adds nothing.
      child.send(message, () => {})
    }
    const feed = (): void => {
      while (underWay.length < AHEAD) {
        const portion = next()
        if (portion.length === 0) break
        underWay.push(portion)
        send({ tasks: portion })
      }
      if (underWay.length === 0) resolve()
    }
    child.on('message', ({ results }: FromChild) => {
      underWay.shift()
      take(results)
      feed()
    })
    child.on('error', reject)
    child.on('exit', (code, deadly) => {
      const reason: unknown = signal.reason
      reject(signal.aborted ? reason : died(code, deadly, underWay[0], noise()))
    })
    send({ setup })
    feed()
  })
}

/** Why a decoding process is gone that should be at work. */
export function died(
  code: number | null,
  deadly: string | null,
  portion: readonly PictureTask[] | undefined,
  noise: string,
): PipelineError {
  const how = deadly === null ? `ended with code ${code}` : `was ended by ${deadly}`
  const where = portion?.[0] ? `, at ${portion[0].path} or one of the next ${BATCH} pictures` : ''
  const text = `a process that decodes pictures ${how}${where}`
  if (deadly === 'SIGKILL') {
    return failure('OUT_OF_MEMORY', text, {
      hint: 'this is how Linux ends a process when memory runs out: close other programs, or give --jobs 1',
    })
  }
  const cause = noise === '' ? undefined : new Error(noise)
  return failure('STAGE_FAILED', noise === '' ? text : `${text}: ${lastLine(noise)}`, { cause })
}

function lastLine(noise: string): string {
  const lines = noise.split('\n').filter((line) => /\S/.test(line))
  return lines.find((line) => /Error|error/.test(line))?.trim() ?? lines.at(-1)?.trim() ?? ''
}
