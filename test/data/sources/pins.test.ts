import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pin, pinned } from '../../../src/data/sources/pins.ts'
import { sourceKey } from '../../../src/data/sources/source.ts'
import { digestOf } from '../../../src/util/digest.ts'
import { ROOT } from '../../support/paths.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'

const A = digestOf('a')
const B = digestOf('b')

test('the first digest is written down, a second one is refused', async () => {
  await using folder = await temporaryFolder()
  const lock = join(folder.path, 'pipeline.lock')
  const source = { npm: 'tiny@1.0.0' }
  assert.equal(await pinned(lock, source), undefined)
  await pin(lock, source, A)
  await pin(lock, { url: 'https://x.org/a.zip' }, B)
  assert.equal(await pinned(lock, source), A)
  const text = await readFile(lock, 'utf8')
  const sources = { 'https://x.org/a.zip': B, 'npm:tiny@1.0.0': A }
  assert.equal(text, `${JSON.stringify({ sources, version: 1 }, null, 2)}\n`)
  await pin(lock, source, A)
  await assert.rejects(pin(lock, source, B), (error) => {
    const { diagnostics } = error as { diagnostics: { message: string; hint: string }[] }
    assert.equal(
      diagnostics[0]!.message,
      `npm:tiny@1.0.0 has other bytes: got ${B}, ${lock} says ${A}`,
    )
    assert.match(diagnostics[0]!.hint, /remove the line "npm:tiny@1\.0\.0" from/)
    return true
  })
  assert.equal(await readFile(lock, 'utf8'), text)
  assert.deepEqual(await readdir(folder.path), ['pipeline.lock'])
})

test('no secret of an address comes into the lock', () => {
  const key = sourceKey({ url: 'https://me:secret@x.org/a.zip?token=abc' })
  assert.match(key, /^https:\/\/x\.org\/a\.zip\?[0-9a-f]{12}$/)
  assert.notEqual(key, sourceKey({ url: 'https://x.org/a.zip?token=abd' }))
})

test('writers in several processes lose nothing', async () => {
  await using folder = await temporaryFolder()
  const lock = join(folder.path, 'pipeline.lock')
  const module = join(ROOT, 'dist/src/data/sources/pins.js')
  const script = `
    const { pin } = await import(${JSON.stringify(module)})
    for (let i = 0; i < 10; i += 1) await pin(process.argv[1], { npm: 'p' + process.argv[2] + '@' + i }, ${JSON.stringify(A)})`
  const children = [1, 2, 3].map((n) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, lock, String(n)], {
      stdio: 'inherit',
    }),
  )
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  assert.deepEqual(codes, [0, 0, 0])
  const { sources } = JSON.parse(await readFile(lock, 'utf8')) as { sources: object }
  assert.equal(Object.keys(sources).length, 30)
  assert.deepEqual(await readdir(folder.path), ['pipeline.lock'])
})

test('a lock left by a writer that died is taken over', async () => {
  await using folder = await temporaryFolder()
  const lock = join(folder.path, 'pipeline.lock')
  await writeFile(`${lock}.tmp`, 'half')
  await utimes(`${lock}.tmp`, 1, 1)
  await pin(lock, { pypi: 'x==1' }, A)
  assert.equal(await pinned(lock, { pypi: 'x==1' }), A)
  assert.deepEqual(await readdir(folder.path), ['pipeline.lock'])
})

test('a damaged lock file is told, and left as it is', async () => {
  await using folder = await temporaryFolder()
  const lock = join(folder.path, 'pipeline.lock')
  for (const text of [
    '<<<<<<< HEAD',
    '{"version":2,"sources":{}}',
    '{"version":1,"sources":{"a":"b"}}',
  ]) {
    await writeFile(lock, text)
    await assert.rejects(pin(lock, { pypi: 'x==1' }, A), /WRONG_VALUE .* is no lock file/)
    assert.equal(await readFile(lock, 'utf8'), text)
  }
})
