import { openSync, closeSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import { diskError } from '../util/files.ts'
import { unreadable } from './decode.ts'
import { channelsOf, checkDigest, createPictureMaker, type PixelParams } from './picture.ts'

/** What a worker must know before its first picture. */
export interface WorkerSetup {
  readonly params: PixelParams
  /** Absolute: where the pictures' paths begin. */
  readonly root: string
  /** Absolute: the pack that the rows are written into. */
  readonly pack: string
  readonly direct: boolean
}

export interface PictureTask {
  readonly row: number
  readonly path: string
  readonly sha256: string
}

export interface TaskResult {
  readonly row: number
  /** Absent when the row is written. */
  readonly failure?: readonly Diagnostic[] | undefined
}

export interface Painter {
  /** Reads, checks and decodes one picture and writes its row. Bad pictures are results, bugs are thrown. */
  paint(task: PictureTask): Promise<TaskResult>
  close(): void
}

export async function createPainter(setup: WorkerSetup): Promise<Painter> {
  const { params, root, pack, direct } = setup
  const maker = await createPictureMaker(params, direct)
  const [height, width] = params.imageSize
  const row = new Uint8Array(height * width * channelsOf(params))
  const file = openSync(pack, 'r+')
  return {
    async paint(task) {
      try {
        const bytes = readTask(join(root, task.path), task.path)
        checkDigest(bytes, task.sha256, task.path)
        await maker.make(bytes, task.path, row)
        writeRow(file, row, task.row * row.length, pack)
        return { row: task.row }
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error
        return { row: task.row, failure: error.diagnostics }
      }
    },
    close: () => closeSync(file),
  }
}

function readTask(path: string, name: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw unreadable(name, error)
  }
}

function writeRow(file: number, row: Uint8Array, position: number, pack: string): void {
  try {
    for (let done = 0; done < row.length;) {
      done += writeSync(file, row, done, row.length - done, position + done)
    }
  } catch (error) {
    throw diskError(error, pack)
  }
}
