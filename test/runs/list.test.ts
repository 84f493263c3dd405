import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { listRuns } from '../../src/runs/list/list.ts'
import { rowOf } from '../../src/runs/list/row.ts'
import { findRun, readRun, readRuns } from '../../src/runs/read.ts'
import { RUN_FILES, type RunRecord } from '../../src/runs/record.ts'
import { ROOT } from '../support/paths.ts'
import { madeRecord, writeManyRuns, writeRun } from '../support/many-runs.ts'

/** As many as make the cache worth writing. */
const COUNT = 60

/** One for each test, all made before the first: what is kept must be older than two seconds, which no one can fake (ctime). */
const TESTS = 12
let project: string
let root: string
let next = 0
before(async () => {
  project = mkdtempSync(join(tmpdir(), 'graft-list-'))
  for (let i = 0; i < TESTS; i += 1) writeManyRuns(join(project, `runs${i}`), COUNT)
  await setTimeout(2100)
})
beforeEach(() => {
  root = join(project, `runs${next}`)
  next += 1
})
after(() => rmSync(project, { recursive: true }))

const cache = () => join(root, '.index', 'rows.json')
const ids = () => listRuns(root).map(({ row }) => row.id)

function fileOf(i: number): string {
  const { name, id } = madeRecord(i, 5)
  return join(root, name, id, RUN_FILES.record)
}

function change(path: string, over: Partial<RunRecord>): void {
  const record = { ...(JSON.parse(readFileSync(path, 'utf8')) as RunRecord), ...over }
  writeFileSync(path, JSON.stringify(record))
}

describe('the list of runs', () => {
  it('is the same before there is a cache, with one, and read in full, oldest first', () => {
    const expected = Array.from({ length: COUNT }, (_, i) => rowOf(madeRecord(i, 5)))
    for (let i = 0; i < 3; i += 1) {
      assert.deepEqual(
        listRuns(root).map(({ row }) => row),
        expected,
      )
    }
    assert.ok(existsSync(cache()))
    assert.deepEqual(
      readRuns(root).map(({ record }) => record),
      Array.from({ length: COUNT }, (_, i) => madeRecord(i, 5)),
    )
  })

  it('reads no record again that is as it was', () => {
    listRuns(root)
    const [path, kept] = [fileOf(3), readFileSync(cache(), 'utf8')]
    // What the cache says is what is told: so it was read from there.
    writeFileSync(cache(), kept.replaceAll('"tensorflow"', '"from-cache"'))
    const told = listRuns(root).map(({ row }) => row.engine?.name)
    assert.deepEqual(new Set(told), new Set(['from-cache']))
    assert.equal(readRun(join(path, '..'))?.record.engine?.name, 'tensorflow')
    assert.equal(findRun('@latest', root, root).record.engine?.name, 'tensorflow')
  })

  it('sees a record that was written over, in place or by a rename, with its size and time kept', () => {
    listRuns(root)
    const [inPlace, renamed] = [fileOf(1), fileOf(2)]
    for (const path of [inPlace, renamed]) {
      const { size, atime, mtime } = statSync(path)
      const text = readFileSync(path, 'utf8').replace('"done"', '"fail"')
      if (path === renamed) {
        writeFileSync(`${path}.new`, text)
        renameSync(`${path}.new`, path)
      } else writeFileSync(path, text)
      utimesSync(path, atime, mtime)
      assert.equal(statSync(path).size, size)
    }
    const statuses = listRuns(root).map(({ row }) => row.status as string)
    assert.deepEqual(statuses.slice(0, 4), ['done', 'fail', 'fail', 'done'])
  })

  it('keeps nothing that was changed a moment before it was read', () => {
    writeManyRuns(root, COUNT)
    assert.equal(ids().length, COUNT)
    assert.ok(!existsSync(cache()))
    assert.deepEqual(readdirSync(join(root, '.index')), [])
  })

  it('forgets runs that are gone and takes in new ones, few of which write no new cache', async () => {
    listRuns(root)
    const kept = readFileSync(cache(), 'utf8')
    rmSync(join(fileOf(0), '..'), { recursive: true })
    for (const i of [COUNT, COUNT + 1]) writeRun(root, i)
    const expected = Array.from({ length: COUNT + 1 }, (_, i) => madeRecord(i + 1, 5).id)
    assert.deepEqual(ids(), expected)
    assert.equal(readFileSync(cache(), 'utf8'), kept)
    for (let i = COUNT + 2; i < 2 * COUNT; i += 1) writeRun(root, i)
    await setTimeout(2100)
    assert.equal(ids().length, 2 * COUNT - 1)
    const after = readFileSync(cache(), 'utf8')
    assert.ok(after.includes(madeRecord(2 * COUNT - 1, 5).id))
    assert.ok(!after.includes(madeRecord(0, 5).id))
  })

  for (const [what, text] of Object.entries({
    'that is torn': '[1,[["fruits","2026',
    'that is empty': '',
    'of another format': '[0,[]]',
    'that is something else': '{"a":1}',
  })) {
    it(`goes on without a cache ${what}, and makes a whole one`, () => {
      const expected = ids()
      const whole = readFileSync(cache(), 'utf8')
      writeFileSync(cache(), text)
      assert.deepEqual(ids(), expected)
      assert.equal(readFileSync(cache(), 'utf8'), whole)
    })
  }

  it('goes on where the cache cannot be written', () => {
    writeFileSync(join(root, '.index'), 'a file is in its place')
    assert.equal(ids().length, COUNT)
  })

  it('takes a record that cannot be read for no run, and a name like __proto__ for a name', () => {
    writeFileSync(fileOf(4), '{"format": 1,')
    change(fileOf(5), { format: 2 as 1 })
    const odd = join(root, '__proto__', 'a')
    mkdirSync(odd, { recursive: true })
    writeFileSync(join(odd, RUN_FILES.record), JSON.stringify({ ...madeRecord(0, 1), id: 'a' }))
    for (let i = 0; i < 2; i += 1) assert.equal(ids().length, COUNT - 1)
    assert.equal(findRun('a', root, root).folder, odd)
  })

  it('is right for each of several processes that write the cache at once', async () => {
    const module = pathToFileURL(join(ROOT, 'dist/src/runs/list/list.js')).href
    const script = `
      import { listRuns } from ${JSON.stringify(module)}
      import { rmSync } from 'node:fs'
      for (let i = 0; i < 20; i += 1) {
        if (listRuns(${JSON.stringify(root)}).length !== ${COUNT}) process.exit(1)
        if (i % 3 === 0) rmSync(${JSON.stringify(cache())}, { force: true })
      }`
    const codes = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script])
        let stderr = ''
        child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
        const [code] = (await once(child, 'close')) as [number]
        return `${code}${stderr}`
      }),
    )
    assert.deepEqual(codes, ['0', '0', '0'])
    assert.equal(listRuns(root).length, COUNT)
  })
})
