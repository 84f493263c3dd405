import { fields, WireError } from '../../models/saved-model/wire.ts'
import { crc32c, maskCrc } from '../../util/crc32c.ts'

/**
 * TensorBoard's event files: records of TensorFlow (tensorflow/core/lib/io/record_writer.h) that are messages `Event`
 * (tensorflow/core/util/event.proto) with a `Summary` of scalars (tensorflow/core/framework/summary.proto).
 */

/** Figures by tag, float32 as the format has them. */
export type Scalars = Readonly<Record<string, number>>

/** What every event file begins with; `wallTime` in seconds since 1970. */
export function versionRecord(wallTime: number): Buffer {
  return record(Buffer.concat([double(1, wallTime), bytes(3, Buffer.from('brain.Event:2'))]))
}

/** All figures of one step. */
export function scalarsRecord(wallTime: number, step: number, scalars: Scalars): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)])),
  )
  return record(
    Buffer.concat([double(1, wallTime), integer(2, step), bytes(5, Buffer.concat(values))]),
  )
}

/** Length, its checksum, the message, its checksum; all little endian. */
function record(message: Buffer): Buffer {
  const framed = Buffer.alloc(message.length + 16)
  framed.writeBigUInt64LE(BigInt(message.length))
  framed.writeUInt32LE(maskCrc(crc32c(framed.subarray(0, 8))), 8)
  message.copy(framed, 12)
  framed.writeUInt32LE(maskCrc(crc32c(message)), 12 + message.length)
  return framed
}

/** Steps that the file has figures of, up to where it is torn or damaged: what stands behind that, TensorBoard does not see either. */
export function* stepsOf(file: Buffer): Generator<number> {
  for (let at = 0; at + 16 <= file.length;) {
    const length = Number(file.readBigUInt64LE(at))
    const end = at + 12 + length
    if (end + 4 > file.length) return
    const message = file.subarray(at + 12, end)
    const isWhole =
      file.readUInt32LE(at + 8) === maskCrc(crc32c(file.subarray(at, at + 8))) &&
      file.readUInt32LE(end) === maskCrc(crc32c(message))
    const step = isWhole ? stepOf(message) : undefined
    if (!isWhole) return
    if (step !== undefined) yield step
    at = end + 4
  }
}

/** Undefined of an event without figures. */
function stepOf(message: Uint8Array): number | undefined {
  let step = 0
  let hasFigures = false
  try {
    for (const { number, value } of fields(message)) {
      if (number === 2) step = value
      hasFigures ||= number === 5
    }
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
  return hasFigures ? step : undefined
}

// Protobuf's wire format: a field's number and type in a varint, then its value.

function double(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(9)
  buffer.writeUInt8(field * 8 + 1)
  buffer.writeDoubleLE(value, 1)
  return buffer
}

function float(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(5)
  buffer.writeUInt8(field * 8 + 5)
  buffer.writeFloatLE(value, 1)
  return buffer
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(field * 8), varint(value)])
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(field * 8 + 2), varint(value.length), value])
}

/** Of a whole number from 0 to 2^53. */
function varint(value: number): Buffer {
  const out: number[] = []
  let left = value
  for (; left >= 128; left = Math.floor(left / 128)) out.push((left % 128) + 128)
  return Buffer.from([...out, left])
}
