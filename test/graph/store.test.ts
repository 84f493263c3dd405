import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
} from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openStore, type StoreStep } from '../../src/graph/store.ts'
import { exitCode, PipelineError } from '../../src/util/diagnostic.ts'
import { startChild } from './children.ts'
import {
  contents,
  filesBelow,
  flipByte,
  leftovers,
  noWarning,
  rejection,
  Rig,
  stage,
} from './rig.ts'

const PLAN = [stage('a', { text: 'a' }), stage('b', { text: 'b' }, ['a'])]

/** The folder of the artifact (with manifest.json and files/) of a stage of `PLAN`. */
async function folderOf(rig: Rig, id: string): Promise<string> {
  const artifacts = await rig.execute(PLAN, { want: [id] })
  return dirname(artifacts.get(id)!.path)
}

describe('an artifact', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  it('is read-only, and its manifest lists every file', async () => {
    const folder = await folderOf(rig, 'b')
    assert.equal(statSync(join(folder, 'files/text')).mode & 0o777, 0o444)
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
    assert.deepEqual(
      manifest.files.map((f: { path: string; size: number }) => [f.path, f.size]),
      [
        ['more/bytes', 3],
        ['text', 6],
      ],
    )
    assert.equal(manifest.bytes, 9)
    assert.match(folder, new RegExp(`${manifest.digest.slice(7)}$`))
  })

  const damages: Record<string, (files: string) => Promise<void>> = {
    'a flipped byte': (files) => flipByte(join(files, 'text')),
    'a flipped byte with the old size and times': async (files) => {
      const path = join(files, 'text')
      const { atime, mtime } = statSync(path)
      await flipByte(path)
      utimesSync(path, atime, mtime)
    },
    'a missing file': (files) => rm(join(files, 'text')),
    'a file too many': (files) => writeFile(join(files, 'more', 'extra'), 'x'),
    'a shorter file': async (files) => {
      chmodSync(join(files, 'text'), 0o644)
      truncateSync(join(files, 'text'), 2)
    },
    'a truncated manifest': async (files) => truncateSync(join(files, '..', 'manifest.json'), 100),
    'a missing folder': (files) => rm(files, { recursive: true }),
  }
  for (const [name, damage] of Object.entries(damages)) {
    it(`with ${name} is set aside, computed again, and said once`, async () => {
      const folder = await folderOf(rig, 'b')
      const before = contents(rig.root)
      await damage(join(folder, 'files'))
      assert.deepEqual(await rig.run(PLAN), ['b'])
      assert.equal(rig.warnings().length, 1)
      assert.match(
        rig.warnings()[0]!,
        /^an artifact in the store was damaged \(.+\); it is computed again/,
      )
      assert.deepEqual(contents(rig.root), before)
      assert.equal(readdirSync(join(rig.root, 'quarantine')).length, 1)
      assert.deepEqual(await rig.run(PLAN), [])
      assert.deepEqual(rig.warnings(), [])
    })
  }

  it('that nothing reads is not looked at; once something needs it, its damage is found', async () => {
    const folder = await folderOf(rig, 'a')
    await rig.run(PLAN)
    await flipByte(join(folder, 'files/text'))
    assert.deepEqual(await rig.run(PLAN), [])
    assert.deepEqual(await rig.run([...PLAN, stage('c', { text: 'c' }, ['a'])]), ['a', 'c'])
    assert.equal(rig.warnings().length, 1)
  })

  it('whose stat record is lost or tells nothing is hashed, found whole, and recorded', async () => {
    const folder = await folderOf(rig, 'b')
    for (const text of ['', '{"clock":"0","files":[]}', 'null']) {
      await writeFile(join(folder, 'stat.json'), text)
      assert.deepEqual(await rig.run(PLAN), [])
      assert.deepEqual(rig.warnings(), [])
      const record = JSON.parse(await readFile(join(folder, 'stat.json'), 'utf8'))
      assert.equal(record.files.length, 2)
    }
  })

  it('copied to another store with its result is whole there', async () => {
    await rig.run(PLAN)
    const other = `${rig.root}-copy`
    execFileSync('cp', ['-r', rig.root, other])
    const store = await openStore(other)
    const result = store.history('write')[0]!
    assert.ok(await store.open(result.digest, result.fingerprint, noWarning))
    store.close()
  })

  it('has a result that is damaged: a warning and a miss', async () => {
    await rig.run(PLAN)
    const results = join(rig.root, 'results/write')
    for (const name of readdirSync(results)) truncateSync(join(results, name), 50)
    assert.deepEqual(await rig.run(PLAN), ['a', 'b'])
    assert.equal(rig.warnings().length, 2)
  })
})

describe('a store that cannot be written', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  const refused = (error: unknown) => {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.diagnostics[0]?.code, 'NOT_WRITABLE')
    assert.equal(exitCode(error), 3)
    assert.match(error.diagnostics[0].hint ?? '', /--store DIR/)
    return true
  }

  it('because a file is in its place, says so', async () => {
    await writeFile(rig.root, 'a file')
    await assert.rejects(openStore(rig.root), refused)
    await assert.rejects(openStore(join(rig.root, 'below')), refused)
    await rm(rig.root)
    mkdirSync(rig.root)
    await writeFile(join(rig.root, 'artifacts'), 'a file')
    await assert.rejects(openStore(rig.root), refused)
  })

  it('because permission is missing, says so before anything runs', async () => {
    await rig.run(PLAN)
    for (const folder of [rig.root, ...folders(rig.root)]) chmodSync(folder, 0o555)
    chmodSync(rig.folder, 0o755)
    // The superuser may write everything, so the check runs as nobody.
    const isRoot = process.getuid?.() === 0
    const child = startChild(rig, PLAN, {}, isRoot ? { uid: 65534, gid: 65534 } : {})
    await child.exit
    for (const folder of [rig.root, ...folders(rig.root)]) chmodSync(folder, 0o755)
    const [line] = child.events() as unknown as [
      { type: string; diagnostics: { code: string; message: string }[] },
    ]
    assert.equal(line.type, 'failed')
    assert.equal(line.diagnostics[0]!.code, 'NOT_WRITABLE')
    assert.equal(line.diagnostics[0]!.message, `no permission to write ${rig.root}`)
    assert.deepEqual(await rig.run(PLAN), [], 'nothing is lost')
  })

  it('can still be looked into', async () => {
    await rig.run(PLAN)
    const before = filesBelow(rig.root)
    const store = await openStore(rig.root, { readOnly: true })
    const result = store.history('write')[0]!
    assert.ok(await store.open(result.digest, result.fingerprint, noWarning))
    store.close()
    assert.deepEqual(filesBelow(rig.root), before)
  })
})

describe('a full disk', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  const isFull = (error: unknown) => {
    assert.ok(error instanceof PipelineError)
    assert.equal(error.diagnostics[0]?.code, 'DISK_FULL')
    assert.equal(exitCode(error), 3)
    return true
  }
  const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })

  const STEPS: readonly StoreStep[] = [
    'draft',
    'seal',
    'manifest',
    'stat',
    'place',
    'result',
    'work',
  ]
  for (const step of STEPS) {
    it(`at the step "${step}" is said, leaves nothing, and loses nothing`, async () => {
      let times = 0
      const onStep = (now: StoreStep) => {
        if (now === step && ++times === 2) throw full()
      }
      await assert.rejects(rig.run(PLAN, { onStep }), isFull)
      assert.deepEqual(rig.events.filter((e) => e.type === 'stageFailed').length, 1)
      assert.deepEqual(leftovers(rig.root), [])
      assert.deepEqual(await rig.run(PLAN), step === 'work' ? [] : ['b'])
      assert.deepEqual(leftovers(rig.root), [])
    })
  }

  it('is seen before the stage starts when the expected bytes do not fit', async () => {
    const error = await rejection(rig.run([stage('a', { expects: 1e15 })]))
    isFull(error)
    assert.match(
      error.message,
      /stage a writes about 1000 TB, but the disk of .+ has [\d.]+ \w+ free/,
    )
    assert.deepEqual(rig.ran(), [])
  })

  it('for real, on a small file system', async (t) => {
    mkdirSync(rig.root)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', rig.root], { stdio: 'ignore' })
    } catch {
      t.diagnostic(
        'no permission to mount a small file system here: seen with injected errors only',
      )
      return
    }
    try {
      await rig.run([stage('small')])
      await assert.rejects(
        rig.run([stage('small'), stage('big', { size: 8e6 }, ['small'])]),
        isFull,
      )
      assert.deepEqual(leftovers(rig.root), [])
      assert.deepEqual(await rig.run([stage('small')]), [])
      assert.deepEqual(await rig.run([stage('small'), stage('fits', { size: 1e5 }, ['small'])]), [
        'fits',
      ])
    } finally {
      execFileSync('umount', [rig.root])
    }
  })
})

function folders(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => join(root, path))
    .filter((path) => existsSync(path) && statSync(path).isDirectory())
}
