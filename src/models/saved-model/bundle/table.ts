import { crc32c, maskCrc } from '../../../util/crc32c.ts'
import { unsnappy } from './snappy.ts'
import { Cursor, WireError } from './wire.ts'

/** A row of a table: the key's bytes as latin1 text, the value's as a view. */
export type Row = readonly [key: string, value: Uint8Array]

const FOOTER = 48
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
/** Type of compression and checksum, behind every block. */
const TRAILER = 5
/**
 * What the keys may have in all. Keys share their beginnings, so a small file can stand for very long ones; a real
 * index of 100,000 variables has some 10 MB of them.
 */
const MAX_KEYS = 64 * 2 ** 20

/**
 * Reads a LevelDB-style table (tensorflow/core/lib/io/table_format.txt) with all its checksums: a footer points to the
 * index block, that to the data blocks, and in a block each key is told by what it shares with the one before it. Rows
 * come in ascending order of their keys' bytes, each key once. Throws WireError.
 */
export function readTable(bytes: Uint8Array): Row[] {
  if (bytes.length < FOOTER) throw new WireError(`it has ${bytes.length} bytes`)
  const footer = new Cursor(bytes, bytes.length - FOOTER)
  if (MAGIC.some((byte, i) => bytes[bytes.length - 8 + i] !== byte)) {
    throw new WireError('its last eight bytes are not those of a table')
  }
  readBlock(bytes, handle(footer)) // for rows about the table itself: bundles have none
  const index = readBlock(bytes, handle(footer))
  const rows: Row[] = []
  const budget = { left: MAX_KEYS }
  let end = 0
  let before: string | undefined
  for (const [, pointer] of blockRows(index, { left: MAX_KEYS })) {
    const place = handle(new Cursor(pointer))
    // Blocks lie one after the other: no byte is read twice.
    if (place.offset < end) throw new WireError('its blocks are out of order')
    end = place.offset + place.size
    for (const row of blockRows(readBlock(bytes, place), budget)) {
      if (before !== undefined && row[0] <= before) throw new WireError('its keys are out of order')
      before = row[0]
      rows.push(row)
    }
  }
  return rows
}

interface Handle {
  readonly offset: number
  readonly size: number
}

function handle(cursor: Cursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() }
}

function readBlock(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const end = offset + size
  if (offset < 0 || size < 0 || end + TRAILER > bytes.length - FOOTER) {
    throw new WireError(`a block of ${size} bytes at ${offset} is not in the file`)
  }
  const stored = new Cursor(bytes, end + 1).fixed32()
  if (maskCrc(crc32c(bytes.subarray(offset, end + 1))) !== stored) {
    throw new WireError(`the block at byte ${offset} does not have its checksum`)
  }
  const block = bytes.subarray(offset, end)
  if (bytes[end] === 0) return block
  if (bytes[end] === 1) return unsnappy(block)
  throw new WireError(`compression ${bytes[end]} of a block, which is not known`)
}

/** The block's restarts (where a key is told whole) serve searching; here they only bound the rows. */
function* blockRows(block: Uint8Array, budget: { left: number }): Generator<Row> {
  const restarts = new Cursor(block, Math.max(0, block.length - 4)).fixed32()
  const end = block.length - 4 - 4 * restarts
  if (end < 0) throw new WireError(`a block of ${block.length} bytes with ${restarts} restarts`)
  const cursor = new Cursor(block, 0, end)
  let key = ''
  while (cursor.at < end) {
    const shared = cursor.varint()
    const fresh = cursor.varint()
    const length = cursor.varint()
    if (shared < 0 || shared > key.length) throw new WireError('a key shares more than there is')
    budget.left -= shared + fresh
    if (budget.left < 0) throw new WireError(`its keys have more than ${MAX_KEYS} bytes`)
    const rest = cursor.take(fresh)
    key = key.slice(0, shared) + Buffer.from(rest).toString('latin1')
    yield [key, cursor.take(length)]
  }
}
