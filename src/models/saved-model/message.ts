import { fields, varints, WireError, type Field } from './wire.ts'

/**
 * How a field is read: `start` where it does not occur, `read` for each occurrence. A message is an object of such
 * kinds by field number; what it does not name is skipped.
 */
export interface Kind<T> {
  readonly start: () => T
  readonly read: (before: T, field: Field, depth: number) => T
}

export type Read<K> = K extends Kind<infer T> ? T : never

/** Messages within messages; TensorFlow's own are about ten deep, Google's readers stop at 100. */
const DEPTH = 100

/**
 * Messages of one file: an empty one takes two bytes there and some hundred here. MobileNetV2 as Keras saves it has
 * 54,000 in 2.5 MB, one of a thousand layers some 400,000.
 */
const MOST = 2 ** 20
let left = MOST

/** Throws WireError, also for messages nested too deep, and for too many of them. */
export function decode<T>(kind: Kind<T>, bytes: Uint8Array): T {
  left = MOST
  return kind.read(kind.start(), { number: 0, type: 2, value: 0, bytes }, 0)
}

export const int: Kind<number> = { start: () => 0, read: (_, field) => varintOf(field) }
export const flag: Kind<boolean> = { start: () => false, read: (_, field) => varintOf(field) !== 0 }
export const float: Kind<number> = { start: () => 0, read: (_, field) => floatOf(field) }
export const double: Kind<number> = { start: () => 0, read: (_, field) => doubleOf(field) }
export const bytes: Kind<Uint8Array> = {
  start: () => new Uint8Array(0),
  read: (_, field) => bytesOf(field),
}
const decoder = new TextDecoder()
export const text: Kind<string> = {
  start: () => '',
  read: (_, field) => decoder.decode(bytesOf(field)),
}

/** A field that may be missing. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    start: () => undefined,
    read: (before, field, depth) => kind.read(before ?? kind.start(), field, depth),
  }
}

/** Strings and messages. */
export function repeated<T>(kind: Kind<T>): Kind<T[]> {
  return {
    start: () => [],
    read: (before, field, depth) => {
      before.push(kind.read(kind.start(), field, depth))
      return before
    },
  }
}

/** Numbers, one by one or packed. */
export const ints: Kind<number[]> = numbers((field) =>
  field.type === 2 ? varints(field.bytes) : [varintOf(field)],
)
export const floats: Kind<number[]> = numbers((field) => packed(field, 4, floatOf))
export const doubles: Kind<number[]> = numbers((field) => packed(field, 8, doubleOf))

function numbers(of: (field: Field) => Iterable<number>): Kind<number[]> {
  return {
    start: () => [],
    read: (before, field) => {
      for (const value of of(field)) before.push(value)
      return before
    },
  }
}

/** `map<string, T>`. */
export function map<T>(kind: Kind<T>): Kind<Map<string, T>> {
  const entry = message({ key: [1, text], value: [2, kind] })
  return {
    start: () => new Map<string, T>(),
    read: (before, field, depth) => {
      const { key, value } = entry.read(entry.start(), field, depth)
      return before.set(key, value)
    },
  }
}

type Fields = Readonly<Record<string, readonly [number, Kind<never>]>>

export function message<const F extends Readonly<Record<string, readonly [number, unknown]>>>(
  shape: F,
): Kind<{ [Name in keyof F]: Read<F[Name][1]> }> {
  type Message = { [Name in keyof F]: Read<F[Name][1]> }
  const known = Object.entries(shape as unknown as Fields)
  const byNumber = new Map(known.map(([name, [number, kind]]) => [number, { name, kind }]))
  const start = () => {
    left -= 1
    if (left < 0) throw new WireError(`more than ${MOST} messages`)
    return Object.fromEntries(
      known.map(([name, [, kind]]) => [name, kind.start()]),
    ) as unknown as Message
  }
  return {
    start,
    read: (before, field, depth) => {
      if (depth > DEPTH) throw new WireError(`messages nested more than ${DEPTH} deep`)
      const values = before as Record<string, unknown>
      for (const inner of fields(bytesOf(field))) {
        const known = byNumber.get(inner.number)
        if (known) {
          values[known.name] = known.kind.read(values[known.name] as never, inner, depth + 1)
        }
      }
      return before
    },
  }
}

/** For a message that holds itself. */
export function lazy<T>(kind: () => Kind<T>): Kind<T> {
  return {
    start: () => kind().start(),
    read: (before, field, depth) => kind().read(before, field, depth),
  }
}

function varintOf({ type, value, number }: Field): number {
  if (type !== 0) throw new WireError(`field ${number} is no varint`)
  return value
}

function bytesOf({ type, bytes: found, number }: Field): Uint8Array {
  if (type !== 2) throw new WireError(`field ${number} is no run of bytes`)
  return found
}

function viewOf({ bytes: found, number }: Field, size: number): DataView {
  if (found.length !== size) throw new WireError(`field ${number} has not ${size} bytes`)
  return new DataView(found.buffer, found.byteOffset, size)
}

function floatOf(field: Field): number {
  return viewOf(field, 4).getFloat32(0, true)
}

function doubleOf(field: Field): number {
  return viewOf(field, 8).getFloat64(0, true)
}

function packed(field: Field, size: number, read: (field: Field) => number): number[] {
  if (field.type !== 2) return [read(field)]
  if (field.bytes.length % size !== 0) throw new WireError(`field ${field.number} is cut short`)
  return Array.from({ length: field.bytes.length / size }, (_, i) =>
    read({ ...field, bytes: field.bytes.subarray(i * size, (i + 1) * size) }),
  )
}
