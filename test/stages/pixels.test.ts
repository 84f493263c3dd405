import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { writeIndex, type IndexRow } from '../../src/data/index-table.ts'
import { openPack } from '../../src/data/pack.ts'
import type { Event } from '../../src/graph/event.ts'
import type { Artifact, StageContext } from '../../src/graph/stage.ts'
import { PIXELS } from '../../src/stages/pixels.ts'
import type { Digest } from '../../src/util/digest.ts'
import type { JsonObject } from '../../src/util/json.ts'
import { ROOT } from '../support/paths.ts'

const PARAMS = {
  split: 'train',
  imageSize: [10, 12],
  resize: 'nearest',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'drop',
  exif: false,
}
const FILES = ['png-rgb.png', 'jpeg-444.jpg', 'tiff-lzw.tif']
const NOTHING: Digest = 'sha256:0'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-pixels-stage-'))
  await mkdir(join(folder, 'data/files'), { recursive: true })
  await mkdir(join(folder, 'index'))
  const rows: IndexRow[] = []
  for (const [split, file] of [
    ['train', FILES[0]!],
    ['train', FILES[1]!],
    ['test', FILES[2]!],
  ] as const) {
    const from = join(ROOT, 'test/fixtures/images', file)
    await copyFile(from, join(folder, 'data/files', file))
    const sha256 = createHash('sha256').update(readFileSync(from)).digest('hex')
    const about = { label: 'a', width: 83, height: 61, format: 'png', bytes: 1 } as const
    rows.push({ path: file, split, sha256, ...about })
  }
  await writeIndex(join(folder, 'index'), rows, ['a'], {
    splits: { train: { count: 2, classes: { a: 2 } }, test: { count: 1, classes: { a: 1 } } },
    skipped: [],
    leaks: [],
    missingClasses: [],
    warnings: [],
  })
})
after(() => rm(folder, { recursive: true }))

const artifact = (path: string): Artifact => ({
  fingerprint: NOTHING,
  digest: NOTHING,
  path,
  bytes: 0,
})

function context(out: string, hints: JsonObject, events: Event[]): StageContext {
  const params = PARAMS as unknown as JsonObject
  return {
    stage: { id: 'pixels', kind: 'pixels', params, needs: {}, hints },
    params,
    hints,
    inputs: { index: artifact(join(folder, 'index')), files: artifact(join(folder, 'data')) },
    out,
    fresh: false,
    work: folder,
    state: folder,
    remember: () => {},
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  }
}

describe('the stage pixels', () => {
  it('writes the pack of its split, from an artifact or a local folder', async () => {
    const digests: string[] = []
    for (const hints of [{}, { path: join(folder, 'data/files') }]) {
      const out = await mkdtemp(join(folder, 'out-'))
      const events: Event[] = []
      await PIXELS.run(context(out, hints, events))
      const names = await readdir(out)
      assert.deepEqual(names.sort(), ['train.json', 'train.pack'])
      const train = await openPack(join(out, 'train.pack'))
      assert.deepEqual(train.index.shape, [2, 10, 12, 3])
      await train.close()
      digests.push(names.map((name) => readFileSync(join(out, name)).toString('hex')).join())
      assert.deepEqual(events.at(-1), {
        type: 'stageProgress',
        stage: 'pixels',
        done: 2,
        total: 2,
        unit: 'pictures',
      })
    }
    assert.equal(digests[0], digests[1])
  })

  it('knows its size beforehand once the index is there', async () => {
    const { stage, inputs } = context('', {}, [])
    assert.equal((await PIXELS.estimate!(stage, inputs)).bytes, 2 * 10 * 12 * 3)
    assert.deepEqual(await PIXELS.estimate!(stage, { index: undefined }), {})
  })
})
