import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { checkTree, contentDigest, listTree, sealTree } from '../../src/graph/manifest.ts'

describe('a manifest', () => {
  let folder: string
  let root: string
  let scratch: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'graft-manifest-'))
    root = join(folder, 'files')
    scratch = join(folder, 'scratch')
    mkdirSync(join(root, 'b'), { recursive: true })
    writeFileSync(join(root, 'b', 'two'), '22')
    writeFileSync(join(root, 'a'), '1')
    writeFileSync(join(root, 'b.txt'), '')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lists paths with / by code unit, sizes and digests', async () => {
    const { manifest } = await sealTree(root, scratch)
    assert.deepEqual(
      manifest.files.map((f) => [f.path, f.size]),
      [
        ['a', 1],
        ['b.txt', 0],
        ['b/two', 2],
      ],
    )
    assert.equal(
      manifest.files[1]!.sha256,
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    assert.equal(manifest.bytes, 3)
    assert.equal(manifest.digest, contentDigest(manifest.files))
  })

  it('depends on neither times nor modes nor empty folders', async () => {
    const first = await sealTree(root, scratch)
    for (const path of listTree(root).files) chmodSync(join(root, path), 0o600)
    mkdirSync(join(root, 'empty'))
    const again = await sealTree(root, scratch)
    assert.equal(again.manifest.digest, first.manifest.digest)
  })

  it('is trusted at once after sealing: nothing is read again', async () => {
    const { manifest, stats } = await sealTree(root, scratch)
    assert.deepEqual(await checkTree(root, manifest, stats, scratch), {})
  })

  it('does not trust a file that is not older than the clock of its record', async () => {
    const { manifest, stats } = await sealTree(root, scratch)
    const ctime = statSync(join(root, 'a'), { bigint: true }).ctimeNs
    const racy = { ...stats, clock: String(ctime) }
    const { damage, stats: fresh } = await checkTree(root, manifest, racy, scratch)
    assert.equal(damage, undefined)
    assert.ok(BigInt(fresh!.clock) > ctime)
    assert.deepEqual(await checkTree(root, manifest, fresh, scratch), {})
  })

  it('finds a change that the stat record hides, when thorough', async () => {
    const { manifest, stats } = await sealTree(root, scratch)
    chmodSync(join(root, 'a'), 0o644)
    writeFileSync(join(root, 'a'), '2')
    const lying = await sealTree(root, scratch)
    assert.deepEqual(await checkTree(root, manifest, lying.stats, scratch), {})
    const thorough = await checkTree(root, manifest, lying.stats, scratch, true)
    assert.equal(thorough.damage, 'a has other bytes than were written')
    const honest = await checkTree(root, manifest, stats, scratch)
    assert.equal(honest.damage, 'a has other bytes than were written')
  })

  it('refuses links', async () => {
    symlinkSync('a', join(root, 'link'))
    await assert.rejects(sealTree(root, scratch), /link is neither a file nor a folder/)
  })
})
