import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { PixelParams } from '../../src/data/picture.ts'
import { MOST_FAILURES, packPictures, type PackPictures } from '../../src/data/pixels.ts'
import { createPainter } from '../../src/data/pixels-worker.ts'
import { openPack } from '../../src/data/pack.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { ROOT } from '../support/paths.ts'

const FIXTURES = join(ROOT, 'test/fixtures/images')
const PARAMS: PixelParams = {
  imageSize: [24, 32],
  resize: 'bilinear',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
}
const FILES = ['jpeg-420.jpg', 'png-rgba.png', 'gif.gif', 'bmp-24.bmp', 'webp-lossy.webp']
const shaOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

let root: string
let packs = 0
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'graft-pixels-'))
  await mkdir(join(root, 'in'))
})
after(() => rm(root, { recursive: true }))

/** `count` pictures over the fixtures, each a file of its own. */
async function pictures(count: number): Promise<{ path: string; sha256: string }[]> {
  const rows: { path: string; sha256: string }[] = []
  for (let i = 0; i < count; i += 1) {
    const from = join(FIXTURES, FILES[i % FILES.length]!)
    const path = `in/${String(i).padStart(4, '0')}-${FILES[i % FILES.length]}`
    await copyFile(from, join(root, path))
    rows.push({ path, sha256: shaOf(readFileSync(from)) })
  }
  return rows
}

async function pack(more: Partial<PackPictures>): Promise<string> {
  packs += 1
  const name = join(root, `pack-${packs}`)
  const signal = new AbortController().signal
  const job = { pack: name, root, pictures: [], params: PARAMS, signal, progress: () => {} }
  await packPictures({ ...job, ...more })
  return name
}

async function problems(job: Partial<PackPictures>): Promise<readonly string[]> {
  const error = await pack(job).then(
    () => assert.fail('packed'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error.diagnostics.map(({ code, message }) => `${code} ${message}`)
}

describe('packPictures', () => {
  it('writes the same bytes whatever the number of processes and the way of decoding', async () => {
    const rows = await pictures(70)
    const digests: string[] = []
    for (const how of [{ workers: 1 }, { workers: 3 }, { workers: 2, direct: false }]) {
      digests.push(shaOf(await readFile(`${await pack({ ...how, pictures: rows })}.pack`)))
    }
    assert.equal(new Set(digests).size, 1)
    const here = await pack({ pictures: rows.slice(0, 40) })
    const all = await openPack(await pack({ pictures: rows }))
    const few = await openPack(here)
    assert.deepEqual(all.index.shape, [70, 24, 32, 3])
    assert.deepEqual(await all.rows(0, 40), await few.rows(0, 40))
    // Rows stand in the order of the pictures: the fixtures repeat.
    assert.deepEqual(await all.gather([3, 4]), await all.gather([68, 69]))
    await all.close()
    await few.close()
  })

  it('gives every row its own picture, however many are under way at once', async () => {
    const { default: sharp } = await import('sharp')
    const rows: { path: string; sha256: string }[] = []
    for (let i = 0; i < 150; i += 1) {
      const create = {
        width: 40,
        height: 30,
        channels: 3 as const,
        background: { r: i, g: 0, b: 255 - i },
      }
      const bytes = await sharp({ create })[i % 2 ? 'png' : 'jpeg']().toBuffer()
      await writeFile(join(root, 'in', `own-${i}`), bytes)
      rows.push({ path: `in/own-${i}`, sha256: shaOf(bytes) })
    }
    for (const how of [{ workers: 2 }, { workers: 2, direct: false }]) {
      const reader = await openPack(await pack({ ...how, pictures: rows }))
      for (let i = 0; i < 150; i += 1) {
        const [red] = await reader.rows(i, 1)
        assert.ok(Math.abs(red! - i) <= 3, `row ${i} begins with red ${red}`)
      }
      await reader.close()
    }
  })

  it('tells how far it is, up to the end', async () => {
    for (const count of [10, 60]) {
      const seen: number[] = []
      await pack({ pictures: await pictures(count), progress: (done) => seen.push(done) })
      assert.equal(seen.at(-1), count)
      assert.deepEqual(
        seen,
        [...seen].sort((a, b) => a - b),
      )
    }
  })

  it('makes an empty pack of no pictures, and grey ones of one channel', async () => {
    const none = await openPack(await pack({}))
    assert.deepEqual(none.index.shape, [0, 24, 32, 3])
    await none.close()
    const params: PixelParams = { ...PARAMS, colorMode: 'grayscale' }
    const grey = await openPack(await pack({ params, pictures: await pictures(2) }))
    assert.deepEqual(grey.index.shape, [2, 24, 32, 1])
    await grey.close()
  })

  for (const count of [30, 90]) {
    it(`names every bad picture of ${count}, in order`, async () => {
      const rows = await pictures(count)
      const jpeg = readFileSync(join(FIXTURES, 'jpeg-420.jpg'))
      const cut = jpeg.subarray(0, 900)
      await writeFile(join(root, rows[2]!.path), cut)
      rows[2] = { ...rows[2]!, sha256: shaOf(cut) }
      await writeFile(join(root, rows[9]!.path), jpeg.subarray(0, 800))
      await rm(join(root, rows[25]!.path))
      const page = Buffer.from('<html></html>')
      await writeFile(join(root, rows[28]!.path), page)
      rows[28] = { ...rows[28]!, sha256: shaOf(page) }
      const found = await problems({ pictures: rows, workers: 2 })
      assert.equal(found.length, 4)
      assert.match(found[0]!, /^BAD_IMAGE in\/0002-gif.gif is a bad picture: .*premature end/)
      assert.match(found[1]!, /^DIGEST_MISMATCH in\/0009-webp-lossy.webp changed after it was/)
      assert.match(found[2]!, /^BAD_IMAGE in\/0025-jpeg-420.jpg is missing/)
      assert.match(found[3]!, /^BAD_IMAGE in\/0028-bmp-24.bmp is not a picture: it is an HTML page/)
    })
  }

  it(`stops at ${MOST_FAILURES} bad ones`, async () => {
    const rows = (await pictures(400)).map(({ path }) => ({ path, sha256: '0'.repeat(64) }))
    let done = 0
    const found = await problems({ pictures: rows, progress: (n) => (done = n) })
    assert.equal(found.length, MOST_FAILURES)
    assert.ok(done < 120)
  })

  for (const count of [40, 200]) {
    it(`stops between pictures when it is told to (${count})`, async () => {
      const abort = new AbortController()
      const reason = new Error('Ctrl-C')
      const stopped = pack({
        pictures: await pictures(count),
        signal: abort.signal,
        progress: () => abort.abort(reason),
      })
      await assert.rejects(stopped, (error) => error === reason)
    })
  }

  it('says so when a decoding process dies', { skip: !existsSync('/proc/self/task') }, async () => {
    const children = () => {
      const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
      return text.split(' ').filter(Boolean).map(Number)
    }
    const mine = new Set(children())
    for (const [signal, expected] of [
      ['SIGKILL', /^OUT_OF_MEMORY a process that decodes pictures was ended by SIGKILL, at in\//],
      ['SIGSEGV', /^STAGE_FAILED a process that decodes pictures was ended by SIGSEGV, at in\//],
    ] as const) {
      let killed = false
      const kill = () => {
        if (killed) return
        killed = true
        process.kill(
          children().find((pid) => !mine.has(pid))!,
          signal,
        )
      }
      const found = await problems({ pictures: await pictures(300), workers: 1, progress: kill })
      assert.match(found[0]!, expected)
    }
  })
})

describe('a painter', () => {
  it('reports a full disk as such', { skip: !existsSync('/dev/full') }, async () => {
    const [picture] = await pictures(1)
    const setup = { params: PARAMS, root, pack: '/dev/full', direct: true }
    const painter = await createPainter(setup)
    const { failure } = await painter.paint({ row: 0, ...picture! })
    painter.close()
    assert.equal(failure?.[0]?.code, 'DISK_FULL')
  })
})
