import assert from 'node:assert/strict'
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { digestOf } from '../../src/util/digest.ts'
import { UNPACK } from '../../src/stages/unpack.ts'
import { zipBytes } from '../support/archives.ts'
import { runStage, temporaryFolder } from '../support/stage-rig.ts'
import type { Stage } from '../../src/graph/stage.ts'

const ZIP = zipBytes([{ name: 'set/a.png', data: 'one' }])

test('a downloaded archive becomes its tree', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'content'), ZIP)
  await writeFile(join(folder.path, 'about.json'), '{"fileName":"set.zip"}')
  const inputs = { content: folder.path }
  const run = await runStage(UNPACK, folder.path, { params: {}, inputs })
  assert.equal(await readFile(join(run.out, 'files/set/a.png'), 'utf8'), 'one')
  const last = run.events.at(-1)
  assert.ok(last?.type === 'stageProgress' && last.done === last.total && last.unit === 'bytes')
  const stripped = await runStage(UNPACK, folder.path, { params: { strip: 1 }, inputs, name: 'b' })
  assert.equal(await readFile(join(stripped.out, 'files/a.png'), 'utf8'), 'one')
  await writeFile(join(folder.path, 'content'), '<html>')
  await assert.rejects(
    runStage(UNPACK, folder.path, { params: {}, inputs, name: 'c' }),
    /BAD_ARCHIVE set\.zip is a web page/,
  )
})

test('a local archive is digested once, and again when it changes', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'local.zip')
  await writeFile(path, ZIP)
  const run = await runStage(UNPACK, folder.path, { params: {}, hints: { path } })
  assert.equal(await readFile(join(run.out, 'files/set/a.png'), 'utf8'), 'one')
  const stage: Stage = { id: 'unpack', kind: 'unpack', params: {}, needs: {}, hints: { path } }
  const context = { state: folder.path, signal: new AbortController().signal }
  assert.equal(await UNPACK.probe!(stage, context), digestOf(ZIP))
  await writeFile(path, 'other')
  await utimes(path, 1, 1)
  assert.equal(await UNPACK.probe!(stage, context), digestOf('other'))
  const missing = { ...stage, hints: { path: join(folder.path, 'no.zip') } }
  await assert.rejects(
    async () => UNPACK.probe!(missing, context),
    (error) => error instanceof PipelineError && /there is no file .*no\.zip/.test(error.message),
  )
})
