import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode, STAMP } from '../../src/data/scan-memory.ts'
import { MISSING, scanFiles } from '../../src/data/scan.ts'
import { pngBytes, writeTree } from '../support/pictures.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const signal = new AbortController().signal
/** Long after every change that a test makes. */
const LATER = () => Date.now() + 60_000

/** How many files a scan opened. */
async function scan(root: string, paths: readonly string[], memory?: string, now = LATER) {
  const { files, digest, read } = await scanFiles(root, paths, { signal, memory, now })
  return { scanned: files(), digest, read }
}

test('a second scan opens nothing; a change opens what changed', async () => {
  await using folder = await temporaryFolder()
  const root = folder.path
  const memory = join(root, 'memory')
  await writeTree(root, { 'a.png': 1, 'b.png': 2, 'c/d.png': 3 })
  const paths = ['a.png', 'b.png', 'c/d.png']
  const first = await scan(root, paths, memory)
  assert.equal(first.read, 3)
  const sha256 = createHash('sha256').update(pngBytes(2)).digest('hex')
  assert.equal(first.scanned[1]!.sha256, sha256)
  const second = await scan(root, paths, memory)
  assert.equal(second.read, 0)
  assert.deepEqual(second.scanned, first.scanned)

  await writeFile(join(root, 'a.png'), pngBytes(9))
  const third = await scan(root, paths, memory)
  assert.equal(third.read, 1)
  assert.notEqual(third.digest, first.digest)

  // Same size, same time of modification, other content: the time of change tells.
  await writeFile(join(root, 'b.png'), pngBytes(8))
  await utimes(join(root, 'b.png'), 1, 1)
  const fourth = await scan(root, paths, memory)
  assert.equal(fourth.read, 1)
  await rename(join(root, 'c/d.png'), join(root, 'c/e.png'))
  const fifth = await scan(root, ['a.png', 'b.png', 'c/e.png'], memory)
  assert.equal(fifth.read, 1)
  assert.notEqual(fifth.digest, fourth.digest)
})

test('a file changed within two seconds of its reading is read again', async () => {
  await using folder = await temporaryFolder()
  const memory = join(folder.path, 'memory')
  await writeTree(folder.path, { 'a.png': 1 })
  const soon = () => Date.now() + 1000
  assert.equal((await scan(folder.path, ['a.png'], memory, soon)).read, 1)
  assert.equal((await scan(folder.path, ['a.png'], memory, LATER)).read, 1)
  assert.equal((await scan(folder.path, ['a.png'], memory, LATER)).read, 0)
})

test('a memory that is damaged or cannot be written only costs time', async () => {
  await using folder = await temporaryFolder()
  const memory = join(folder.path, 'memory')
  await writeTree(folder.path, { 'a.png': 1, 'b.txt': 'no picture' })
  const first = await scan(folder.path, ['a.png', 'b.txt'], memory)
  const bytes = await readFile(memory)
  for (const damage of [Buffer.alloc(0), bytes.subarray(0, 90), flipped(bytes, 100)]) {
    await writeFile(memory, damage)
    const again = await scan(folder.path, ['a.png', 'b.txt'], memory)
    assert.equal(again.read, 2)
    assert.deepEqual(again.scanned, first.scanned)
  }
  const nowhere = join(folder.path, 'a.png', 'memory')
  assert.equal((await scan(folder.path, ['a.png'], nowhere)).read, 1)
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}

test('what cannot be read has a problem and is looked at again', async () => {
  await using folder = await temporaryFolder()
  const memory = join(folder.path, 'memory')
  await symlink('nowhere.png', join(folder.path, 'a.png'))
  const first = await scan(folder.path, ['a.png'], memory)
  assert.deepEqual(first.scanned[0], {
    path: 'a.png',
    bytes: 0,
    sha256: '',
    check: { problem: MISSING },
  })
  await rm(join(folder.path, 'a.png'))
  await writeTree(folder.path, { 'a.png': 1 })
  assert.ok('format' in (await scan(folder.path, ['a.png'], memory)).scanned[0]!.check)
})

test('an abort stops the scan with its reason', async () => {
  await using folder = await temporaryFolder()
  await writeTree(folder.path, { 'a.png': 1 })
  const reason = new Error('stop')
  await assert.rejects(
    scanFiles(folder.path, ['a.png'], { signal: AbortSignal.abort(reason) }),
    reason,
  )
})

test('records survive their file', () => {
  const record = fc
    .record({
      stamp: fc.uint8Array({ minLength: STAMP, maxLength: STAMP }),
      path: fc.string({ unit: 'grapheme' }).filter((path) => !path.includes('\0')),
      bytes: fc.nat(),
      sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      check: fc.oneof(
        fc.string().map((problem) => ({ problem })),
        fc.nat().map((width) => ({ format: 'webp' as const, width, height: width ^ 1 })),
      ),
    })
    .map(({ stamp, path, bytes, sha256, check }) => {
      return { stamp, scanned: { path, bytes, sha256: Buffer.from(sha256).toString('hex'), check } }
    })
  fc.assert(
    fc.property(fc.array(record), (list) => {
      const stamps = Buffer.concat(list.map((r) => r.stamp))
      const scanned = list.map((r) => r.scanned)
      const memory = decode(encode('sha256:1', stamps, scanned))
      assert.ok(memory !== undefined)
      assert.ok(memory.stamps.equals(stamps))
      assert.deepEqual(
        list.map((_, i) => memory.scanned(i)),
        scanned,
      )
    }),
  )
})
