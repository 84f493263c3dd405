import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownerText, self } from '../../src/graph/owner.ts'
import { makeRunFolder, takeRunFolder } from '../../src/runs/layout.ts'
import { isBeingMade, removeMark } from '../../src/runs/mark.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const NOW = new Date('2026-11-24T10:15:00Z')
const DIGEST = 'sha256:8f2c1a0000000000'

/** A process that has ended, as it would have called itself. */
function deadOwner(): string {
  const { machine, start } = self()
  const { pid } = spawnSync(process.execPath, ['-e', '0'])
  return ownerText({ machine, pid, start })
}

test('a run folder has its id by time and digest, and is marked from its first moment', async () => {
  await using root = await temporaryFolder()
  const { id, folder } = await makeRunFolder(root.path, 'a', NOW, DIGEST)
  assert.equal(id, '20261124-101500-8f2c1a')
  assert.deepEqual(readdirSync(folder), ['running.json'])
  assert.ok(isBeingMade(folder))
  assert.match(readFileSync(join(root.path, '.gitignore'), 'utf8'), /^model\/$/m)
  await removeMark(folder)
  assert.ok(!isBeingMade(folder))
})

test('two runs of the same second have two folders', async () => {
  await using root = await temporaryFolder()
  const made = await Promise.all([1, 2, 3].map(() => makeRunFolder(root.path, 'a', NOW, DIGEST)))
  assert.deepEqual(made.map(({ id }) => id).sort(), [
    '20261124-101500-8f2c1a',
    '20261124-101501-8f2c1a',
    '20261124-101502-8f2c1a',
  ])
  assert.deepEqual(readdirSync(join(root.path, 'a')).sort(), made.map(({ id }) => id).sort())
})

test('what killed processes left goes; what others work on and what people put there stays', async () => {
  await using root = await temporaryFolder()
  const parent = join(root.path, 'a')
  const folder = (name: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(join(parent, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(parent, name, file), text)
  }
  const dead = deadOwner()
  const mark = (owner: string) => JSON.stringify({ process: owner, since: NOW.toISOString() })
  folder(`.${dead}.0123456789`, { 'running.json': mark(dead) })
  folder('20261124-000000-000001', { 'running.json': mark(dead), 'pipeline.yaml': '' })
  folder(`.${ownerText(self())}.0123456789`, {})
  folder('20261124-000000-000002', { 'running.json': mark(ownerText(self())) })
  folder('20261124-000000-000003', { 'running.json': mark(dead), 'run.json': '{"format":1}' })
  folder('notes', { 'read.me': '' })
  const { id } = await makeRunFolder(root.path, 'a', NOW, DIGEST)
  assert.deepEqual(
    readdirSync(parent).sort(),
    [
      `.${ownerText(self())}.0123456789`,
      '20261124-000000-000002',
      '20261124-000000-000003',
      id,
      'notes',
    ].sort(),
  )
})

test('an unfinished folder is taken over without half-written files', async () => {
  await using root = await temporaryFolder()
  const { folder } = await makeRunFolder(root.path, 'a', NOW, DIGEST)
  writeFileSync(join(folder, '.0123456789ab.tmp'), 'half')
  writeFileSync(join(folder, 'metrics.jsonl'), '')
  await takeRunFolder(folder)
  assert.deepEqual(readdirSync(folder).sort(), ['metrics.jsonl', 'running.json'])
})
