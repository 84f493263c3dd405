/**
 * CRC-32C (Castagnoli), the checksum of LevelDB tables and of TensorFlow's bundles (Node's zlib has only CRC-32).
 * Eight bytes a step by eight tables: M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High
 * Performance Software-Based CRC Generators" (2005).
 */

/** Of the polynomial 0x1edc6f41, its bits reversed; table k is for a byte that k more bytes follow. */
const TABLES = makeTables(0x82f63b78)

function makeTables(polynomial: number): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i += 1) {
    const before = tables[i - 256]!
    tables[i] = (before >>> 8) ^ tables[before & 255]!
  }
  return tables
}

/** Of the bytes, or of `before`'s bytes and these; 0..2^32-1. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let at = 0
  for (; at + 8 <= bytes.length; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      TABLES[1792 + (crc & 255)]! ^
      TABLES[1536 + ((crc >>> 8) & 255)]! ^
      TABLES[1280 + ((crc >>> 16) & 255)]! ^
      TABLES[1024 + (crc >>> 24)]! ^
      TABLES[768 + bytes[at + 4]!]! ^
      TABLES[512 + bytes[at + 5]!]! ^
      TABLES[256 + bytes[at + 6]!]! ^
      TABLES[bytes[at + 7]!]!
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

/** How both formats store it, so that a checksum of checksums stays one: tsl/lib/hash/crc32c.h, `Mask`. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
