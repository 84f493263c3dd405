import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { ENGINES, listEngines, openEngine } from '../../src/engines/table.ts'
import { exitCode, PipelineError, type Diagnostic } from '../../src/util/diagnostic.ts'
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

async function problem(work: Promise<unknown>): Promise<PipelineError> {
  const error: unknown = await work.then(
    () => assert.fail('it should have failed'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error
}

test('importing the table loads no engine', async () => {
  const table = pathToFileURL(join(ROOT, 'dist/src/engines/table.js')).href
  const script = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(table)})
    const loaded = Object.keys(createRequire('/').cache)
    console.log(loaded.filter((path) => /tfjs|koffi/.test(path)).length)`
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

test('auto takes wasm where there is no libtensorflow, without a word', async () => {
  const notes: Diagnostic[] = []
  const engine = await where(join(folder, 'nowhere'), () =>
    openEngine({ name: 'auto' }, { note: (d) => notes.push(d) }),
  )
  assert.equal(engine.info.name, 'wasm')
  assert.equal(engine.info.device, 'cpu')
  assert.deepEqual(notes, [])
  await engine.close()
})

test('auto says so when a libtensorflow is there and broken', async () => {
  for (const name of ['libtensorflow_framework', 'libtensorflow_cc']) {
    const suffix = process.platform === 'darwin' ? '.2.dylib' : '.so.2'
    await writeFile(join(folder, name + suffix), 'not a library')
  }
  const notes: Diagnostic[] = []
  const engine = await where(folder, () =>
    openEngine({ name: 'auto' }, { note: (d) => notes.push(d) }),
  )
  assert.equal(engine.info.name, 'wasm')
  assert.equal(notes.length, 1)
  assert.match(notes[0]!.message, /^the tensorflow engine does not work here, taking wasm: /)
  await engine.close()
})

test('a missing engine or device asked for by name is an error with the cure', async () => {
  const missing = await where(join(folder, 'nowhere'), () =>
    problem(openEngine({ name: 'tensorflow' })),
  )
  assert.equal(missing.diagnostics[0]!.code, 'ENGINE_MISSING')
  assert.equal(exitCode(missing), 3)

  const webgpu = await problem(openEngine({ name: 'webgpu' }))
  assert.equal(webgpu.diagnostics[0]!.code, 'NOT_YET')
  assert.equal(exitCode(webgpu), 2)

  const gpu = await problem(openEngine({ name: 'wasm', device: 'gpu' }))
  assert.equal(gpu.diagnostics[0]!.code, 'ENGINE_MISSING')
  assert.match(gpu.diagnostics[0]!.hint!, /pipeline engine install --cuda/)

  const auto = await where(join(folder, 'nowhere'), () =>
    problem(openEngine({ name: 'auto', device: 'gpu' })),
  )
  assert.equal(auto.diagnostics[0]!.code, 'ENGINE_MISSING')
})

test('the list tells what is there, and what brings the rest', async () => {
  const list = await where(join(folder, 'nowhere'), listEngines)
  assert.deepEqual(
    list.map((row) => [row.name, row.availability.ready]),
    [
      ['tensorflow', false],
      ['webgpu', false],
      ['wasm', true],
    ],
  )
  for (const { availability } of list) assert.ok(availability.ready || availability.hint)
})
