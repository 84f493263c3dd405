import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { zipBytes } from '../support/archives.ts'
import { TRUSTING, sendFile, serve } from '../support/https-server.ts'
import { createProject, essence, filesOf } from './rig.ts'
import type { RunResult } from './rig.ts'

describe('what a run keeps of its sources, on wasm', () => {
  it('an address without its query, the digest of its bytes, and resolved.yaml holds to it', async () => {
    await using project = await createProject({ training: { epochs: 1 } }, { train: 6, test: 2 })
    const archive = (more: string) =>
      zipBytes(
        [...filesOf(join(project.path, 'pictures'))]
          .map(([name, data]) => ({ name, data: data as Uint8Array | string }))
          .concat({ name: 'notes.txt', data: more }),
      )
    let bytes = archive('')
    await using server = await serve((request, response) => sendFile(request, response, bytes))
    project.configure({
      dataset: { source: { url: server.url('/set.zip?token=hush-hush'), path: null } },
      training: { epochs: 1 },
    })
    const args = ['run', 'pipeline.yaml', '--json']
    const first = await project.pipeline(args, { env: TRUSTING })
    assert.equal(first.code, 0, first.stderr)
    const result = JSON.parse(first.stdout) as RunResult
    const files = filesOf(join(project.path, 'runs'))
    for (const [name, data] of files) assert.ok(!data.includes('hush'), name)
    const digest = Object.values(
      (
        JSON.parse(readFileSync(join(project.path, 'pipeline.lock'), 'utf8')) as {
          sources: Record<string, string>
        }
      ).sources,
    )[0]!
    assert.ok(readFileSync(join(project.path, result.run.dir, 'pipeline.lock')).includes(digest))

    const resolved = ['run', join(result.run.dir, 'resolved.yaml'), '--json', '--runs', 'other']
    const repeated = await project.pipeline([...resolved, '--store', 'new'], { env: TRUSTING })
    assert.equal(repeated.code, 0, repeated.stderr)
    const again = JSON.parse(repeated.stdout) as RunResult
    assert.deepEqual(essence(project, again), essence(project, result))

    bytes = archive('something else')
    const changed = await project.pipeline([...resolved, '--store', 'third'], { env: TRUSTING })
    assert.equal(changed.code, 1)
    assert.match(changed.stderr, /DIGEST_MISMATCH https:\S+set\.zip has other bytes/)
    // The first run is unharmed.
    const still = await project.pipeline(args, { env: TRUSTING })
    assert.deepEqual(JSON.parse(still.stdout), result)
  })

  it('absolute paths of the file are written as seen from it', async () => {
    await using project = await createProject({ training: { epochs: 1 } }, { train: 6, test: 2 })
    const file = join(project.path, 'pipeline.yaml')
    const text = readFileSync(file, 'utf8')
    const note = `notes: See ${homedir()}/notes.txt and http://a.example/x?key=hush-hush.\n`
    writeFileSync(file, note + text.replace('path: pictures', `path: ${project.path}/pictures`))
    const { result } = await project.run()
    const kept = filesOf(join(project.path, result.run.dir))
    assert.equal(
      kept.get('pipeline.yaml')!.toString(),
      `notes: See ~/notes.txt and http://a.example/x\n${text}`,
    )
    for (const [name, data] of kept) {
      assert.ok(!data.includes(project.path), `${name} has the project's folder`)
      assert.ok(!data.includes('hush'), name)
    }
  })
})
