import { crc32, deflateRawSync } from 'node:zlib'

/** One entry of an archive made byte by byte; what is given overrides what would be true. */
export interface MadeEntry {
  readonly name: string
  readonly data?: string | Uint8Array
  /** Unix mode with its file type; 0 for an archiver that writes none. */
  readonly mode?: number
  readonly stored?: boolean
  /** The size that the zip claims for the unpacked data. */
  readonly size?: number
  readonly crc?: number
  readonly method?: number
  /** General purpose bits: 1 is encryption. */
  readonly flags?: number
}

export function zipBytes(entries: readonly MadeEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '')
    const packed = entry.stored === true ? data : deflateRawSync(data)
    const name = Buffer.from(entry.name)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(entry.flags ?? 0x800, 2)
    fields.writeUInt16LE(entry.method ?? (entry.stored === true ? 0 : 8), 4)
    fields.writeUInt32LE(entry.crc ?? crc32(data), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(entry.size ?? data.length, 18)
    fields.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), fields, tail, name]))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

export interface MadeTarEntry {
  readonly name: string
  readonly data?: string | Uint8Array
  /** '0' file, '1' hard link, '2' symbolic link, '3' character device, '5' folder, '6' FIFO. */
  readonly type?: string
  readonly link?: string
}

export function tarBytes(entries: readonly MadeTarEntry[]): Buffer {
  const blocks = entries.map((entry) => {
    const data = Buffer.from(entry.data ?? '')
    const header = Buffer.alloc(512)
    header.write(entry.name, 0)
    header.write('0000644\x000000000\x000000000\x00', 100)
    header.write(`${data.length.toString(8).padStart(11, '0')}\x0000000000000\x00`, 124)
    header.write(`        ${entry.type ?? '0'}${entry.link ?? ''}`, 148)
    header.write('ustar\x0000', 257)
    const sum = header.reduce((a, b) => a + b, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148)
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
