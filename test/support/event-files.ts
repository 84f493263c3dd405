import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A reader of TensorBoard's event files that shares nothing with their writer, bit by bit after the formats' definitions. */
export interface ReadEvent {
  readonly wallTime: number
  readonly step: number
  readonly version?: string
  readonly scalars: Readonly<Record<string, number>>
}

/** Every event; throws where a checksum is wrong or the file ends within a record. */
export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = []
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at))
    assert.equal(file.readUInt32LE(at + 8), masked(file.subarray(at, at + 8)), 'length')
    const message = file.subarray(at + 12, at + 12 + length)
    assert.equal(message.length, length)
    assert.equal(file.readUInt32LE(at + 12 + length), masked(message), 'message')
    events.push(eventOf(message))
    at += length + 16
  }
  return events
}

/** The scalars of a split's folder by step; each step may be there once. */
export function readBoard(folder: string): Map<number, Readonly<Record<string, number>>> {
  const steps = new Map<number, Readonly<Record<string, number>>>()
  if (!existsSync(folder)) return steps
  for (const name of readdirSync(folder).sort()) {
    assert.match(name, /^events\.out\.tfevents\.\d{10}\./)
    const [first, ...events] = readEvents(readFileSync(join(folder, name)))
    assert.equal(first!.version, 'brain.Event:2')
    for (const { step, scalars } of events) {
      assert.ok(!steps.has(step), `step ${step} is there twice`)
      steps.set(step, scalars)
    }
  }
  return steps
}

function eventOf(message: Buffer): ReadEvent {
  let event: ReadEvent = { wallTime: NaN, step: 0, scalars: {} }
  for (const [field, value] of parts(message)) {
    if (field === 1) event = { ...event, wallTime: (value as Buffer).readDoubleLE() }
    else if (field === 2) event = { ...event, step: Number(value) }
    else if (field === 3) event = { ...event, version: (value as Buffer).toString() }
    else if (field === 5) event = { ...event, scalars: scalarsOf(value as Buffer) }
    else assert.fail(`field ${field}`)
  }
  return event
}

function scalarsOf(summary: Buffer): Record<string, number> {
  return Object.fromEntries(
    [...parts(summary)].map(([, value]) => {
      const fields = new Map(parts(value as Buffer))
      return [(fields.get(1) as Buffer).toString(), (fields.get(2) as Buffer).readFloatLE()]
    }),
  )
}

function* parts(message: Buffer): Generator<[field: number, value: Buffer | bigint]> {
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = Number(varint())
    const field = tag >> 3
    if ((tag & 7) === 0) yield [field, varint()]
    else {
      const type = tag & 7
      const size = type === 2 ? Number(varint()) : type === 1 ? 8 : 4
      yield [field, message.subarray(at, (at += size))]
    }
  }
}

/** The checksum as RFC 3720 (appendix B.4) defines it, masked as TensorFlow does. */
function masked(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
