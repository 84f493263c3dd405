import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
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
  /** For errors; default the path. */
  readonly name?: string | undefined
  /** Of the bytes that the index saw; undefined where there is no index. */
  readonly sha256?: string | undefined
}

export interface TaskResult {
  readonly row: number
  /** Absent when the row is written. */
  readonly failure?: readonly Diagnostic[] | undefined
}

export interface Painter {
  /**
   * Reads, checks and decodes one picture and writes its row; never two at a time. Bad pictures are results, bugs are
   * thrown.
   */
  paint(task: PictureTask): Promise<TaskResult>
  close(): void
}

export async function createPainter(setup: WorkerSetup): Promise<Painter> {
  const { params, root, pack, direct } = setup
  const maker = await createPictureMaker(params, direct)
  const [height, width] = params.imageSize
  const row = new Uint8Array(height * width * channelsOf(params))
  const file = openSync(pack, 'r+')
  const read = reader()
  return {
    async paint(task) {
      const { path, name = path, sha256 } = task
      try {
        const bytes = read(join(root, path), name)
        if (sha256 !== undefined) checkDigest(bytes, sha256, name)
        await maker.make(bytes, name, row)
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

/** Reads every file into the same memory: what it returns holds until the next call. */
function reader(): (path: string, name: string) => Uint8Array {
  let memory = Buffer.alloc(1 << 20)
  return (path, name) => {
    let file: number | undefined
    try {
      file = openSync(path, 'r')
      const { size } = fstatSync(file)
      // One byte more than the file has, so that a file that grows meanwhile is read to its end.
      if (size >= memory.length) memory = Buffer.alloc(size + 1)
      let length = 0
      for (let got = -1; got !== 0 && length < memory.length; length += got) {
        got = readSync(file, memory, length, memory.length - length, length)
      }
      return memory.subarray(0, length)
    } catch (error) {
      throw unreadable(name, error)
    } finally {
      if (file !== undefined) closeSync(file)
    }
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
