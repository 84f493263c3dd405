import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { tarBytes } from '../support/archives.ts'
import { sendFile, serve, TRUSTING, type Handler } from '../support/https-server.ts'
import { ROOT } from '../support/paths.ts'
import {
  CLASSES,
  createProject,
  essence,
  filesOf,
  type Project,
  type RunResult,
  type Settings,
} from './rig.ts'

/** What test/golden/savedmodels.py wrote, packed as TensorFlow Hub does: a feature vector of 5 numbers. */
function moduleArchive(more: string): Buffer {
  const files = filesOf(join(ROOT, 'test/fixtures/savedmodels/hub'))
  const entries = [...files].map(([name, data]) => ({ name: `./${name}`, data }))
  return gzipSync(tarBytes([...entries, { name: './assets/notes.txt', data: more }]))
}

const HANDLE = 'https://tfhub.dev/tensorflow/efficientnet/b0/feature-vector/1'

function configure(project: Project, baseModel: Settings): void {
  const training = { epochs: 1, batchSize: 4 }
  project.configureModel(baseModel, { dataset: { imageSize: [8, 8] }, head: [CLASSES], training })
}

/** tfhub.dev below /hub and Kaggle, both redirecting to signed addresses of another host. */
const answering =
  (archive: () => Buffer, port: () => number): Handler =>
  (request, response) => {
    if (request.url!.startsWith('/storage/')) return sendFile(request, response, archive())
    if (!request.url!.startsWith('/hub/')) return void response.writeHead(404).end('{"code":404}')
    const location = `https://localhost:${port()}/storage/x?X-Goog-Signature=hush-hush`
    response.writeHead(302, { location }).end()
  }

describe('a module of TensorFlow Hub as the base model, on wasm', () => {
  it('comes from whatever address has it, is pinned by its handle, and trains', async () => {
    await using project = await createProject({}, { train: 6, test: 2 })
    let archive = moduleArchive('')
    let port = 0
    await using server = await serve(
      answering(
        () => archive,
        () => port,
      ),
    )
    port = server.port
    const env = {
      ...TRUSTING,
      GRAFT_TFHUB_URL: server.url('/hub'),
      GRAFT_KAGGLE_URL: server.url(''),
    }
    configure(project, { hub: `${HANDLE}?tf-hub-format=compressed` })
    // Of a module that is not here yet the layers are not known: what comes behind its weights neither.
    const plan = await project.pipeline(['plan', 'pipeline.yaml', '--json'], { env })
    const planned = (JSON.parse(plan.stdout) as { id: string }[]).map(({ id }) => id)
    assert.ok(planned.includes('weights') && !planned.includes('train'), planned.join())
    const args = ['run', 'pipeline.yaml', '--json']
    const first = await project.pipeline(args, { env })
    assert.equal(first.code, 0, first.stderr)
    const result = JSON.parse(first.stdout) as RunResult
    const kinds = result.stages.map(({ kind }) => kind)
    for (const kind of ['download', 'features', 'train', 'evaluate']) {
      assert.ok(kinds.includes(kind), kind)
    }
    assert.ok(result.parameters.trainable < result.parameters.total)
    const lock = JSON.parse(readFileSync(join(project.path, 'pipeline.lock'), 'utf8')) as {
      sources: Record<string, string>
    }
    assert.deepEqual(Object.keys(lock.sources), [HANDLE])
    // No address, signature or query is in the run; with its own lock it can be had again.
    for (const [name, data] of filesOf(join(project.path, result.run.dir))) {
      for (const secret of ['hush', 'tf-hub-format', '127.0.0.1', 'localhost']) {
        if (name !== 'pipeline.yaml') assert.ok(!data.includes(secret), `${name} has ${secret}`)
      }
    }
    const resolved = ['run', join(result.run.dir, 'resolved.yaml'), '--json', '--runs', 'other']
    const repeated = await project.pipeline([...resolved, '--store', 'new'], { env })
    assert.equal(repeated.code, 0, repeated.stderr)
    assert.deepEqual(
      essence(project, JSON.parse(repeated.stdout) as RunResult),
      essence(project, result),
    )

    archive = moduleArchive('of another version')
    const changed = await project.pipeline([...args, '--store', 'third'], { env })
    assert.equal(changed.code, 1)
    assert.match(
      changed.stderr,
      /DIGEST_MISMATCH https:\S+feature-vector\/1 could not be downloaded/,
    )
    assert.match(changed.stderr, /remove the line "https:\S+feature-vector\/1" from/)
    // What is in the store needs no server.
    const again = await project.pipeline([...args, '--offline'], { env })
    assert.deepEqual(JSON.parse(again.stdout), result)
  })

  it('that no address has is an error at its place in the file, with what each said', async () => {
    await using project = await createProject({}, { train: 6, test: 2 })
    await using server = await serve((_, response) => void response.writeHead(403).end('{}'))
    configure(project, { hub: 'google/mobilenet-v2/TensorFlow2/035-128-feature-vector/2' })
    const env = { ...TRUSTING, GRAFT_KAGGLE_URL: server.url('') }
    const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml'], { env })
    assert.equal(code, 1)
    assert.match(
      stderr,
      /pipeline\.yaml:\d+:\d+ DOWNLOAD_FAILED google\/mobilenet-v2\S+\/2 could not/,
    )
    assert.match(stderr, /\/api\/v1\/models\/google\S+\/download: the server answered 403;/)
    assert.match(stderr, /use \{savedModel: FILE\.tar\.gz\}/)
    assert.equal(server.seen.length, 2)
  })

  it('an archive that is cut, or leads out of itself, is an error before anything is kept', async () => {
    await using project = await createProject({}, { train: 6, test: 2 })
    configure(project, { savedModel: 'module.tar.gz' })
    const run = async (bytes: Buffer) => {
      writeFileSync(join(project.path, 'module.tar.gz'), bytes)
      const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml'])
      assert.equal(code, 1)
      return stderr
    }
    const whole = moduleArchive('')
    const cut = await run(whole.subarray(0, whole.length / 2))
    assert.match(cut, /BAD_ARCHIVE the tar archive cannot be read/)
    const link = gzipSync(tarBytes([{ name: 'saved_model.pb', type: '2', link: '/etc/passwd' }]))
    assert.match(await run(link), /UNSAFE_ARCHIVE archive entry "saved_model\.pb" is a link/)
    const out = gzipSync(tarBytes([{ name: '../../x', data: 'x' }]))
    assert.match(
      await run(out),
      /UNSAFE_ARCHIVE archive entry "\.\.\/\.\.\/x" leads out of the arch/,
    )
    const other = gzipSync(tarBytes([{ name: 'model.json', data: '{}' }]))
    assert.match(
      await run(other),
      /BAD_WEIGHTS \S+module\.tar\.gz is no SavedModel: it has no saved/,
    )
  })
})
