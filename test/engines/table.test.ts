import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { ENGINES, listEngines } from '../../src/engines/table.ts'
import { ROOT } from '../support/paths.ts'

const folder = await mkdtemp(join(tmpdir(), 'graft-engines-'))
after(() => rm(folder, { recursive: true }))

/** A machine on which GRAFT_LIBTENSORFLOW names what `value` says. */
async function where<T>(value: string, work: () => Promise<T>): Promise<T> {
  const old = process.env.GRAFT_LIBTENSORFLOW
  process.env.GRAFT_LIBTENSORFLOW = value
  try {
    return await work()
  } finally {
    if (old === undefined) delete process.env.GRAFT_LIBTENSORFLOW
    else process.env.GRAFT_LIBTENSORFLOW = old
  }
}

test('importing the table loads no engine', async () => {
  const table = pathToFileURL(join(ROOT, 'dist/src/engines/table.js')).href
  const script = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(table)})
    const loaded = Object.keys(createRequire('/').cache)
    console.log(loaded.filter((path) => /tfjs|koffi|webgpu/.test(path)).length)`
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(stdout.trim(), '0')
})

test('the names are those of the pipeline file, in the order of `auto`', () => {
  assert.deepEqual(
    ENGINES.map((row) => row.name),
    ['tensorflow', 'webgpu', 'wasm'],
  )
})

test('the list tells what is there, and what brings the rest', async () => {
  const list = await where(join(folder, 'nowhere'), listEngines)
  assert.deepEqual(
    list.map((row) => [row.name, row.availability.ready]),
    [
      ['tensorflow', false],
      ['webgpu', true],
      ['wasm', true],
    ],
  )
  for (const { availability } of list) assert.ok(availability.ready || availability.hint)
})
