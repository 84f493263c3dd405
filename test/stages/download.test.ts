import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pin, pinned } from '../../src/data/sources/pins.ts'
import { DOWNLOAD } from '../../src/stages/download.ts'
import { digestOf } from '../../src/util/digest.ts'
import { CA, sendFile, serve } from '../support/https-server.ts'
import { runStage, temporaryFolder } from '../support/stage-rig.ts'
import type { JsonObject } from '../../src/util/json.ts'

const BYTES = Buffer.from('the bytes of an archive')
const DIGEST = digestOf(BYTES)
const URL_HINTS = { url: { ca: CA, tries: 2, retryDelay: 1 } }

async function world() {
  const folder = await temporaryFolder()
  const server = await serve((request, response) => sendFile(request, response, BYTES))
  const url = server.url('/sets/cats.zip')
  const lock = join(folder.path, 'pipeline.lock')
  const run = (params: JsonObject = {}, hints: JsonObject = {}, name = 'download') =>
    runStage(DOWNLOAD, folder.path, {
      params: { url, ...params },
      hints: { ...URL_HINTS, lock, ...hints },
      name,
    })
  const dispose = async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { folder: folder.path, server, url, lock, run, [Symbol.asyncDispose]: dispose }
}

test('the bytes, what is known of them, and the pin', async () => {
  await using at = await world()
  const { out, events } = await at.run()
  assert.ok((await readFile(join(out, 'content'))).equals(BYTES))
  const about = JSON.parse(await readFile(join(out, 'about.json'), 'utf8')) as object
  assert.deepEqual(about, { fileName: 'cats.zip', bytes: BYTES.length, sha256: DIGEST })
  assert.deepEqual((await readdir(out)).sort(), ['about.json', 'content'])
  assert.equal(await pinned(at.lock, { url: at.url }), DIGEST)
  const last = events.findLast((event) => event.type === 'stageProgress')
  assert.deepEqual([last?.done, last?.total], [BYTES.length, BYTES.length])
})

test('a pinned source must have its bytes', async () => {
  await using at = await world()
  await pin(at.lock, { url: at.url }, digestOf('other'))
  await assert.rejects(at.run(), (error) => {
    const text = String(error)
    return /DIGEST_MISMATCH/.test(text) && text.includes(DIGEST) && text.includes(at.lock)
  })
})

test('a declared digest is what counts, in either spelling, and pins nothing', async () => {
  await using at = await world()
  await pin(at.lock, { url: at.url }, digestOf('other'))
  await at.run({ sha256: DIGEST.slice(7) }, {}, 'a')
  await at.run({ sha256: DIGEST }, {}, 'b')
  await assert.rejects(at.run({ sha256: digestOf('x').slice(7) }, {}, 'c'), /DIGEST_MISMATCH/)
  await assert.rejects(at.run({ md5: '0'.repeat(32) }, {}, 'd'), /the publisher says md5:0/)
})

test('an earlier result is used only when it is what the lock pins', async () => {
  await using at = await world()
  const accept = (hints: JsonObject, params: JsonObject = {}) =>
    DOWNLOAD.accept!(
      { id: 'd', kind: 'download', params: { url: at.url, ...params }, needs: {}, hints },
      { sha256: DIGEST },
    )
  assert.equal(await accept({}), true)
  assert.equal(await accept({ lock: at.lock, pin: false }), true)
  assert.equal(await pinned(at.lock, { url: at.url }), undefined)
  assert.equal(await accept({ lock: at.lock }), true)
  assert.equal(await pinned(at.lock, { url: at.url }), DIGEST)
  const other = join(at.folder, 'other.lock')
  await pin(other, { url: at.url }, digestOf('other'))
  assert.equal(await accept({ lock: other }), false)
  assert.equal(await accept({ lock: other }, { sha256: DIGEST }), true)
})

test('a lock file that cannot be written is a warning; offline is an error', async () => {
  await using at = await world()
  const { events } = await at.run({}, { lock: '/proc/pipeline.lock' })
  const warning = events.find((event) => event.type === 'warning')
  assert.equal(warning?.diagnostic.code, 'NOT_WRITABLE')
  await assert.rejects(at.run({}, { offline: true }, 'b'), /OFFLINE/)
})
