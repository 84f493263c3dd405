import { createHash } from 'node:crypto'
import { zipBytes, type MadeEntry } from './archives.ts'

export interface MadeWheel {
  /** `tensorflow_cpu`. */
  readonly name: string
  readonly version?: string
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** Lines of METADATA after its first three. */
  readonly metadata?: readonly string[]
  /** What RECORD says in place of the truth; undefined leaves the file out of it. */
  readonly record?: Readonly<Record<string, string | undefined>>
}

/** A Python wheel with a RECORD. */
export function wheelBytes(made: MadeWheel): Buffer {
  const { name, version = '2.21.0', files, metadata = [], record = {} } = made
  const info = `${name}-${version}.dist-info`
  const all: Record<string, string | Uint8Array> = {
    ...files,
    [`${info}/METADATA`]: [
      'Metadata-Version: 2.4',
      `Name: ${name}`,
      `Version: ${version}`,
      ...metadata,
      '',
    ].join('\n'),
  }
  const lines = Object.entries(all).flatMap(([path, data]) => {
    const digest = path in record ? record[path] : sha256(data)
    return digest === undefined ? [] : [`${path},sha256=${digest},${data.length}`]
  })
  const entries: MadeEntry[] = Object.entries(all).map(([path, data]) => ({ name: path, data }))
  return zipBytes([...entries, { name: `${info}/RECORD`, data: `${lines.join('\r\n')}\r\n` }])
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url')
}
