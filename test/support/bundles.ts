import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32c, maskCrc } from '../../src/util/crc32c.ts'

/** Writers of TensorFlow's bundle format for tests: they write what they are told, wrong or not, with right checksums. */

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

export function message(number: number, value: number | bigint | Uint8Array): Buffer {
  if (typeof value === 'object') {
    return Buffer.concat([varint(number * 8 + 2), varint(value.length), value])
  }
  return Buffer.concat([varint(number * 8), varint(value)])
}

export function fixed32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export interface FakeEntry {
  readonly dtype?: number
  readonly shape?: readonly (number | bigint)[]
  readonly shard?: number
  readonly offset?: number | bigint
  readonly size?: number | bigint
  readonly crc?: number
  /** Start and length an axis; undefined is a whole axis. */
  readonly slices?: readonly (readonly (readonly [number, number] | undefined)[])[]
}

export function entry(fake: FakeEntry): Buffer {
  const { dtype = 1, shape = [], shard = 0, offset = 0, size = 0, crc = 0, slices = [] } = fake
  const extent = (e: readonly [number, number] | undefined) =>
    message(1, e ? Buffer.concat([message(1, e[0]), message(2, e[1])]) : Buffer.alloc(0))
  return Buffer.concat([
    message(1, dtype),
    message(2, Buffer.concat(shape.map((n) => message(2, message(1, n))))),
    message(3, shard),
    message(4, offset),
    message(5, size),
    Buffer.concat([varint(6 * 8 + 5), fixed32(crc)]),
    ...slices.map((slice) => message(7, Buffer.concat(slice.map(extent)))),
  ])
}

export function header(shards = 1, endianness = 0, minConsumer = 0): Buffer {
  return Buffer.concat([
    message(1, shards),
    message(2, endianness),
    message(3, Buffer.concat([message(1, 1), message(2, minConsumer)])),
  ])
}

export type Rows = readonly (readonly [key: string, value: Uint8Array])[]

/** A block with its trailer; keys are latin1 text. */
export function block(rows: Rows, type = 0, restarts = 1): Buffer {
  let before = ''
  const parts = rows.map(([key, value]) => {
    let shared = 0
    while (shared < Math.min(before.length, key.length) && before[shared] === key[shared]) shared++
    before = key
    const rest = Buffer.from(key.slice(shared), 'latin1')
    return Buffer.concat([varint(shared), varint(rest.length), varint(value.length), rest, value])
  })
  return sealed(Buffer.concat([...parts, Buffer.alloc(4), fixed32(restarts)]), type)
}

export function sealed(content: Uint8Array, type = 0): Buffer {
  const typed = Buffer.concat([content, Buffer.from([type])])
  return Buffer.concat([typed, fixed32(maskCrc(crc32c(typed)))])
}

/** What ends a table: the empty block about the table itself, then where that and the index of blocks are. */
export function ending(index: { readonly offset: number; readonly size: number }): Buffer {
  const empty = block([])
  const end = index.offset + index.size + 5
  const places = [end, empty.length - 5, index.offset, index.size].map((n) => varint(n))
  const handles = Buffer.concat(places)
  const magic = Buffer.from('57fb808b247547db', 'hex')
  return Buffer.concat([empty, handles, Buffer.alloc(40 - handles.length), magic])
}

/** A table of ready blocks, each pointed to by the last key it was given. */
export function table(blocks: readonly { readonly key: string; readonly block: Buffer }[]): Buffer {
  let at = 0
  const index = block(
    blocks.map(({ key, block: { length } }) => {
      const pointer = Buffer.concat([varint(at), varint(length - 5)])
      at += length
      return [key, pointer] as const
    }),
  )
  return Buffer.concat([
    ...blocks.map((b) => b.block),
    index,
    ending({ offset: at, size: index.length - 5 }),
  ])
}

/** Writes PREFIX.index and PREFIX.data-00000-of-00001 into a new folder; returns PREFIX. */
export async function writeFakeBundle(index: Uint8Array | Rows, data: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-bundle-'))
  const prefix = join(folder, 'variables')
  const rows = index instanceof Uint8Array ? undefined : index
  const bytes = rows ? table([{ key: rows.at(-1)![0], block: block(rows) }]) : (index as Uint8Array)
  await writeFile(`${prefix}.index`, bytes)
  await writeFile(`${prefix}.data-00000-of-00001`, data)
  return prefix
}

/** Masked, as entries have it. */
export function sumOf(bytes: Uint8Array): number {
  return maskCrc(crc32c(bytes))
}
