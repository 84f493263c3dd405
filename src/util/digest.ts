import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** `sha256:` and 64 hex digits. */
export type Digest = `sha256:${string}`

export function digestOf(data: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

/** Streams the file: memory does not grow with its size. */
export async function digestFile(path: string): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer)
  }
  return `sha256:${hash.digest('hex')}`
}

/** What `git hash-object` says of a file with this content, in a repository of SHA-1. */
export function blobId(text: string): string {
  const bytes = Buffer.from(text)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
