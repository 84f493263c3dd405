import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { createPack } from '../../src/data/pack.ts'
import type { Store } from '../../src/graph/store.ts'
import { findNamedThumbnails, findThumbnails, pictureKey } from '../../src/report/pictures.ts'
import { thumbnail, type Thumbnail } from '../../src/report/thumbnail.ts'
import type { StoredRun } from '../../src/runs/read.ts'
import { digestOf } from '../../src/util/digest.ts'
import { temporaryFolder } from '../support/stage-rig.ts'
import { recordOf } from './reports.ts'

const [UNPACKED, PACKED] = ['sha256:aa', 'sha256:bb'] as const
const COLOURS = { red: [200, 20, 20], green: [20, 200, 20], blue: [20, 20, 200] } as const
type Colour = keyof typeof COLOURS

/** A picture of one colour, 300 x 200. */
function png(colour: Colour): Promise<Buffer> {
  const [r, g, b] = COLOURS[colour]
  const create = { width: 300, height: 200, channels: 3, background: { r, g, b } } as const
  return sharp({ create }).png().toBuffer()
}

async function colourOf(made: Thumbnail | undefined): Promise<string | undefined> {
  if (!made) return undefined
  const bytes = Buffer.from(made.uri.slice(made.uri.indexOf(',') + 1), 'base64')
  const { channels } = await sharp(bytes).stats()
  const most = channels.reduce((best, { mean }, i) => (mean > channels[best]!.mean ? i : best), 0)
  return ['red', 'green', 'blue'][most]
}

/** A run on `pictures/`, whose index has red.png and blue.png of the split test. */
async function project(path: string): Promise<StoredRun> {
  const folder = join(path, 'runs/little/1')
  mkdirSync(folder, { recursive: true })
  mkdirSync(join(path, 'pictures'))
  const rows: string[] = []
  for (const colour of ['red', 'blue'] as const) {
    const bytes = await png(colour)
    writeFileSync(join(path, 'pictures', `${colour}.png`), bytes)
    const sha256 = digestOf(bytes).slice(7)
    rows.push(JSON.stringify({ path: `${colour}.png`, label: colour, split: 'test', sha256 }))
  }
  writeFileSync(join(folder, 'index.jsonl'), `${rows.join('\n')}\n`)
  const source = 'dataset: { source: { path: ../../../pictures } }\n'
  writeFileSync(join(folder, 'resolved.yaml'), source)
  const stage = { cached: false, seconds: 1, fingerprint: PACKED, bytes: 1 }
  const stages = [
    { ...stage, id: 'unpack:data', kind: 'unpack', digest: UNPACKED },
    { ...stage, id: 'pixels:test', kind: 'pixels', digest: PACKED },
  ]
  return { folder, record: recordOf({ stages }) }
}

/** A store with these artifacts: a folder each. */
function storeOf(path: string, digests: readonly string[]): Store {
  const known = { exists: (digest: string) => digests.includes(digest) }
  return { ...known, pathOf: (digest: string) => join(path, digest.slice(7)) } as unknown as Store
}

/** Green pixels for both rows, so that it is seen where a picture comes from. */
async function writePack(path: string): Promise<void> {
  mkdirSync(path, { recursive: true })
  const shape = [2, 8, 8, 3]
  const pack = await createPack(join(path, 'test'), { dtype: 'uint8', shape, byteOrder: 'little' })
  const row = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => COLOURS.green[i % 3]!)
  await pack.write(0, row)
  await pack.write(1, row)
  await pack.finish()
}

const WANTED = ['red.png', 'blue.png', 'gone.png'].map((image) => ({ split: 'test', image }))

async function coloursOf(run: StoredRun, store?: Store): Promise<(string | undefined)[]> {
  const found = await findThumbnails(run, store, WANTED)
  return Promise.all(WANTED.map((one) => colourOf(found.get(pictureKey(one)))))
}

describe('pictures of a run', () => {
  it('are the files that it was made from, small', async () => {
    await using root = await temporaryFolder()
    const run = await project(root.path)
    assert.deepEqual(await coloursOf(run), ['red', 'blue', undefined])
    const made = (await findThumbnails(run, undefined, WANTED)).get(pictureKey(WANTED[0]!))!
    assert.deepEqual([made.width, made.height], [224, 149])
    assert.match(made.uri, /^data:image\/jpeg;base64,/)
  })

  it('are those that the store has unpacked', async () => {
    await using root = await temporaryFolder()
    const run = await project(root.path)
    mkdirSync(join(root.path, 'aa'))
    renameSync(join(root.path, 'pictures'), join(root.path, 'aa/files'))
    assert.deepEqual(await coloursOf(run, storeOf(root.path, [UNPACKED])), [
      'red',
      'blue',
      undefined,
    ])
    assert.deepEqual(await coloursOf(run, storeOf(root.path, [])), [
      undefined,
      undefined,
      undefined,
    ])
  })

  it('are pixels of the store where a file is gone or has other bytes', async () => {
    await using root = await temporaryFolder()
    const run = await project(root.path)
    await writePack(join(root.path, 'bb'))
    const store = storeOf(root.path, [PACKED])
    writeFileSync(join(root.path, 'pictures/red.png'), await png('blue'))
    assert.deepEqual(await coloursOf(run, store), ['green', 'blue', undefined])
    rmSync(join(root.path, 'pictures'), { recursive: true })
    assert.deepEqual(await coloursOf(run, store), ['green', 'green', undefined])
    writeFileSync(join(root.path, 'bb/test.json'), '{}')
    assert.deepEqual(await coloursOf(run, store), [undefined, undefined, undefined])
  })

  it('are not known without the list of pictures', async () => {
    await using root = await temporaryFolder()
    const run = await project(root.path)
    rmSync(join(run.folder, 'index.jsonl'))
    assert.deepEqual(await coloursOf(run), [undefined, undefined, undefined])
  })

  it('of a run without training are found as the run found them', async () => {
    await using root = await temporaryFolder()
    const run = await project(root.path)
    const settings = 'prediction: { images: ["../../../pictures/*.png"] }\n'
    writeFileSync(join(run.folder, 'resolved.yaml'), settings)
    const found = await findNamedThumbnails(run, ['red.png', 'other.png'])
    assert.deepEqual([...found.keys()], [pictureKey({ split: '', image: 'red.png' })])
    writeFileSync(join(run.folder, 'resolved.yaml'), 'prediction: [')
    assert.equal((await findNamedThumbnails(run, ['red.png'])).size, 0)
  })
})

describe('a small picture', () => {
  it('is upright, as the camera says', async () => {
    const turned = await sharp(await png('red'))
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer()
    const { width, height } = await thumbnail(turned)
    assert.deepEqual([width, height], [149, 224])
  })

  it('is on white where it is transparent, and never larger than it was', async () => {
    const create = {
      width: 9,
      height: 5,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    } as const
    const made = await thumbnail(await sharp({ create }).png().toBuffer())
    assert.deepEqual([made.width, made.height], [9, 5])
    const bytes = Buffer.from(made.uri.slice(made.uri.indexOf(',') + 1), 'base64')
    assert.ok((await sharp(bytes).stats()).channels.every(({ min }) => min > 250))
  })

  it('can be of a BMP, which libvips does not read', async () => {
    const header = Buffer.alloc(54)
    header.write('BM')
    header.writeUInt32LE(54 + 16, 2)
    header.writeUInt32LE(54, 10)
    header.writeUInt32LE(40, 14)
    header.writeInt32LE(2, 18)
    header.writeInt32LE(2, 22)
    header.writeUInt16LE(1, 26)
    header.writeUInt16LE(24, 28)
    const rows = Buffer.from([0, 0, 255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0])
    const made = await thumbnail(Buffer.concat([header, rows]))
    assert.deepEqual([made.width, made.height, await colourOf(made)], [2, 2, 'red'])
  })

  it('is none of what is no picture', async () => {
    await assert.rejects(thumbnail(Buffer.from('no picture')), /BAD_IMAGE/)
  })
})
