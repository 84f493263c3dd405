import { closeSync, openSync, readSync } from 'node:fs'
import { failure } from '../../util/diagnostic.ts'

/** Where a line stands in its file, without the line break. */
export interface Place {
  readonly offset: number
  readonly length: number
}

const CHUNK = 1 << 22

/**
 * Calls `line` with the bytes of each line that is not empty, in order: memory does not grow with the file. The bytes are
 * valid only during the call.
 */
export function eachLine(path: string, line: (bytes: Buffer, place: Place) => void): void {
  const file = openSync(path, 'r')
  try {
    let buffer = Buffer.allocUnsafe(CHUNK)
    /** Bytes of an unfinished line at the start of the buffer, and where they stand in the file. */
    let kept = 0
    let offset = 0
    const tell = (start: number, end: number): void => {
      if (end === start) return
      line(buffer.subarray(start, end), { offset: offset + start, length: end - start })
    }
    for (;;) {
      if (kept === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(kept)])
      const read = readSync(file, buffer, kept, buffer.length - kept, offset + kept)
      if (read === 0) break
      const filled = kept + read
      const whole = buffer.subarray(0, filled)
      let start = 0
      for (let end = whole.indexOf(10); end >= 0; end = whole.indexOf(10, start)) {
        tell(start, end)
        start = end + 1
      }
      buffer.copyWithin(0, start, filled)
      kept = filled - start
      offset += start
    }
    tell(0, kept)
  } finally {
    closeSync(file)
  }
}

/**
 * The same of JSON lines, each cut by `shorten` before it is parsed. Throws UNKNOWN_RUN with the place of a line that is
 * damaged.
 */
export function eachJsonLine<Line>(
  path: string,
  each: (line: Line, place: Place) => void,
  shorten = (bytes: Buffer): string => bytes.toString('utf8'),
): void {
  let number = 0
  eachLine(path, (bytes, place) => {
    number += 1
    let line: Line
    try {
      line = JSON.parse(shorten(bytes)) as Line
    } catch (cause) {
      throw failure('UNKNOWN_RUN', 'this line of the run is damaged', {
        at: { file: path, line: number, col: 1 },
        hint: 'run the pipeline again, or remove the file: the rest is compared without it',
        cause,
      })
    }
    each(line, place)
  })
}

/** Some lines of the file as text, in the order of the places. */
export function readLinesAt(path: string, places: readonly Place[]): string[] {
  const file = openSync(path, 'r')
  try {
    return places.map(({ offset, length }) => {
      const buffer = Buffer.allocUnsafe(length)
      readSync(file, buffer, 0, length, offset)
      return buffer.toString('utf8')
    })
  } finally {
    closeSync(file)
  }
}
