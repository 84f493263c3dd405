import { mkdtemp, open, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import { diskError } from '../util/files.ts'
import { channelsOf, type PixelParams } from './picture.ts'
import { BATCH, died, FEW, startChild, type Started } from './pixels.ts'
import type { FromChild, ToChild } from './pixels-child.ts'
import {
  createPainter,
  type PictureTask,
  type TaskResult,
  type WorkerSetup,
} from './pixels-worker.ts'

export interface NamedPicture {
  /** Absolute. */
  readonly path: string
  /** For errors. */
  readonly name: string
}

/** Decodes pictures a batch at a time, whatever their number. */
export interface PictureReader {
  /**
   * Decodes the pictures into the rows of `into`, [pictures, height, width, channels]. For each that is bad: what is wrong
   * with it; its row is then left as it is. Several reads may be under way at once.
   */
  read(
    pictures: readonly NamedPicture[],
    into: Uint8Array,
  ): Promise<readonly (readonly Diagnostic[] | undefined)[]>
  close(): Promise<void>
}

/**
 * A reader of about so many pictures: a few are decoded here, many in processes of their own. Rows pass through a file of a
 * few batches in the system's folder for temporary files, which never leaves memory where there is some.
 */
export async function openPictureReader(
  params: PixelParams,
  options: { readonly pictures: number; readonly workers?: number | undefined },
): Promise<PictureReader> {
  const { pictures, workers = availableParallelism() } = options
  const folder = await mkdtemp(join(tmpdir(), 'graft-pictures-')).catch((error: unknown) => {
    throw diskError(error, tmpdir())
  })
  const pack = join(folder, 'rows')
  const file = await open(pack, 'wx+').catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw diskError(error, folder)
  })
  const setup: WorkerSetup = { params, root: '', pack, direct: true }
  const count = Math.max(1, Math.min(workers, Math.ceil(pictures / BATCH)))
  const painters = pictures <= FEW ? await paintHere(setup) : paintInProcesses(setup, count)
  const [height, width] = params.imageSize
  const bytes = height * width * channelsOf(params)
  const rows = rowsOfFile()
  return {
    async read(named, into) {
      const taken = named.map(() => rows.take())
      const tasks = named.map((one, i): PictureTask => ({ ...one, row: taken[i]! }))
      try {
        const results = await painters.paint(tasks)
        const byRow = new Map(results.map(({ row, failure }) => [row, failure]))
        for (const [i, row] of taken.entries()) {
          if (byRow.get(row) === undefined) await file.read(into, i * bytes, bytes, row * bytes)
        }
        return taken.map((row) => byRow.get(row))
      } finally {
        taken.forEach(rows.free)
      }
    },
    async close() {
      await painters.close()
      await file.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Rows of the file that no read is using, the first ones first. */
function rowsOfFile(): { take(): number; readonly free: (row: number) => void } {
  const free: number[] = []
  let end = 0
  return { take: () => free.pop() ?? end++, free: (row) => void free.push(row) }
}

interface Painters {
  paint(tasks: readonly PictureTask[]): Promise<readonly TaskResult[]>
  close(): Promise<void>
}

async function paintHere(setup: WorkerSetup): Promise<Painters> {
  const painter = await createPainter(setup)
  let last: Promise<unknown> = Promise.resolve()
  const paint = async (tasks: readonly PictureTask[]): Promise<TaskResult[]> => {
    const results: TaskResult[] = []
    for (const task of tasks) results.push(await painter.paint(task))
    return results
  }
  return {
    paint: (tasks) => {
      const mine = last.then(() => paint(tasks))
      last = mine.catch(() => undefined)
      return mine
    },
    close: async () => {
      await last
      painter.close()
    },
  }
}

interface Portion {
  readonly tasks: readonly PictureTask[]
  readonly resolve: (results: readonly TaskResult[]) => void
  readonly reject: (error: unknown) => void
}

/** Each portion goes to the process that has the fewest. */
function paintInProcesses(setup: WorkerSetup, count: number): Painters {
  const lanes = Array.from({ length: count }, () => openLane(setup))
  return {
    async paint(tasks) {
      const size = Math.max(1, Math.min(BATCH, Math.ceil(tasks.length / count)))
      const portions = Array.from({ length: Math.ceil(tasks.length / size) }, (_, i) =>
        tasks.slice(i * size, (i + 1) * size),
      )
      const results = portions.map((portion) => {
        const lane = lanes.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a))
        return lane.paint(portion)
      })
      return (await Promise.all(results)).flat()
    },
    async close() {
      for (const { started } of lanes) started.child.kill('SIGKILL')
      await Promise.all(lanes.map(({ started }) => started.ended))
    },
  }
}

interface Lane {
  readonly started: Started
  readonly waiting: Portion[]
  paint(tasks: readonly PictureTask[]): Promise<readonly TaskResult[]>
}

function openLane(setup: WorkerSetup): Lane {
  const started = startChild()
  const { child, noise } = started
  const waiting: Portion[] = []
  let gone: unknown
  const fail = (error: unknown): void => {
    gone = error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  child.on('message', ({ results }: FromChild) => waiting.shift()?.resolve(results))
  child.on('error', fail)
  child.on('exit', (code, deadly) => fail(died(code, deadly, waiting[0]?.tasks, noise())))
  // A dead process is reported by its exit; the error of the channel adds nothing.
  const send = (message: ToChild): void => void child.send(message, () => {})
  send({ setup })
  return {
    started,
    waiting,
    paint: (tasks) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone)
        waiting.push({ tasks, resolve, reject })
        send({ tasks })
      }),
  }
}
