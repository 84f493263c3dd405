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
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { listRuns } from '../../src/runs/list/list.ts'
import { rowOf } from '../../src/runs/list/row.ts'
import { findRun, readRun, readRuns } from '../../src/runs/read.ts'
import { RUN_FILES, type RunRecord } from '../../src/runs/record.ts'
import { ROOT } from '../support/paths.ts'
import { madeRecord, writeManyRuns } from '../support/many-runs.ts'

/** As many as make the cache worth writing. */
const COUNT = 60

let root: string
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'graft-list-')), 'runs')
  writeManyRuns(root, COUNT)
  makeOld(root)
})
afterEach(() => rmSync(join(root, '..'), { recursive: true }))

const cache = () => join(root, '.index', 'rows.json')
const ids = () => listRuns(root).map(({ row }) => row.id)

/**
 * A file's last change cannot be put into the past (ctime), so the clock is put into the future: what is older than two
 * seconds then is trusted.
 */
function later<T>(body: () => T): T {
  const now = Date.now
  Date.now = () => now() + 10_000
  try {
    return body()
  } finally {
    Date.now = now
  }
}

function makeOld(folder: string): void {
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith(RUN_FILES.record)) utimesSync(join(folder, path), 1, 1)
  }
}

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
        later(() => listRuns(root)).map(({ row }) => row),
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
    later(() => listRuns(root))
    const [path, kept] = [fileOf(3), readFileSync(cache(), 'utf8')]
    // What the cache says is what is told: so it was read from there.
    writeFileSync(cache(), kept.replaceAll('"tensorflow"', '"from-cache"'))
    const told = listRuns(root).map(({ row }) => row.engine?.name)
    assert.deepEqual(new Set(told), new Set(['from-cache']))
    assert.equal(readRun(join(path, '..'))?.record.engine?.name, 'tensorflow')
    assert.equal(findRun('@latest', root, root).record.engine?.name, 'tensorflow')
  })

  it('sees a record that was written over, in place or by a rename, with its size and time kept', () => {
    later(() => listRuns(root))
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
    listRuns(root)
    assert.ok(!existsSync(cache()))
  })

  it('forgets runs that are gone and takes in new ones, few of which write no new cache', () => {
    later(() => listRuns(root))
    const before = readFileSync(cache(), 'utf8')
    rmSync(join(fileOf(0), '..'), { recursive: true })
    writeManyRuns(root, COUNT + 5)
    rmSync(join(fileOf(1), '..'), { recursive: true })
    assert.deepEqual(
      later(() => ids()),
      [0, ...Array.from({ length: COUNT + 3 }, (_, i) => i + 2)].map((i) => madeRecord(i, 5).id),
    )
    // All records of before were written anew just now.
    assert.notEqual(readFileSync(cache(), 'utf8'), before)
    const kept = readFileSync(cache(), 'utf8')
    rmSync(join(fileOf(2), '..'), { recursive: true })
    assert.equal(later(() => ids()).length, COUNT + 3)
    assert.equal(readFileSync(cache(), 'utf8'), kept)
  })

  for (const [what, text] of Object.entries({
    'that is torn': '[1,[["fruits","2026',
    'that is empty': '',
    'of another format': '[0,[]]',
    'that is something else': '{"a":1}',
  })) {
    it(`goes on without a cache ${what}, and makes a whole one`, () => {
      const expected = later(() => ids())
      const whole = readFileSync(cache(), 'utf8')
      writeFileSync(cache(), text)
      assert.deepEqual(
        later(() => ids()),
        expected,
      )
      assert.equal(readFileSync(cache(), 'utf8'), whole)
    })
  }

  it('goes on where the cache cannot be written', () => {
    writeFileSync(join(root, '.index'), 'a file is in its place')
    assert.equal(later(() => ids()).length, COUNT)
  })

  it('takes a record that cannot be read for no run, and a name like __proto__ for a name', () => {
    writeFileSync(fileOf(4), '{"format": 1,')
    change(fileOf(5), { format: 2 as 1 })
    const odd = join(root, '__proto__', 'a')
    mkdirSync(odd, { recursive: true })
    writeFileSync(join(odd, RUN_FILES.record), JSON.stringify({ ...madeRecord(0, 1), id: 'a' }))
    for (let i = 0; i < 2; i += 1) assert.equal(later(() => ids()).length, COUNT - 1)
    assert.equal(findRun('a', root, root).folder, odd)
  })

  it('is right for each of several processes that write the cache at once', async () => {
    const module = pathToFileURL(join(ROOT, 'dist/src/runs/list/list.js')).href
    const script = `
      import { listRuns } from ${JSON.stringify(module)}
      import { rmSync } from 'node:fs'
      const now = Date.now
      Date.now = () => now() + 10_000
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
