import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fetchSource } from '../../../src/data/sources/fetch.ts'
import { hubSource } from '../../../src/data/sources/hub.ts'
import { pin, pinned } from '../../../src/data/sources/pins.ts'
import { DOWNLOAD } from '../../../src/stages/download.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { digestOf } from '../../../src/util/digest.ts'
import { tarBytes } from '../../support/archives.ts'
import { CA, sendFile, serve } from '../../support/https-server.ts'
import { ROOT } from '../../support/paths.ts'
import { runStage, temporaryFolder } from '../../support/stage-rig.ts'
import type { Handler } from '../../support/https-server.ts'

const EFFICIENTNET = 'https://tfhub.dev/tensorflow/efficientnet/b0/feature-vector/1'
const API = 'https://www.kaggle.com/api/v1/models/tensorflow/efficientnet/tensorFlow2'
const PAGES = 'https://www.kaggle.com/models/tensorflow/efficientnet'

test('every spelling of a Kaggle model leads to the same archive', () => {
  const spellings = [
    `${PAGES}/tensorFlow2/b0-feature-vector/1`,
    `${PAGES}/TensorFlow2/b0-feature-vector/1/`,
    `${PAGES}/tensorflow2/b0-feature-vector/1?tfhub-redirect=true`,
    `${PAGES}/frameworks/TensorFlow2/variations/b0-feature-vector/versions/1`,
    'https://kaggle.com/models/tensorflow/efficientnet/tensorFlow2/b0-feature-vector/1',
    'tensorflow/efficientnet/tensorFlow2/b0-feature-vector/1',
    'tensorflow/efficientnet/TENSORFLOW2/b0-feature-vector/1',
  ]
  for (const spelling of spellings) {
    assert.deepEqual(
      hubSource(spelling, {}).urls,
      [
        `${API}/b0-feature-vector/1/download`,
        `${PAGES}/tensorFlow2/b0-feature-vector/1?tf-hub-format=compressed`,
      ],
      spelling,
    )
  }
  const tfjs = hubSource('https://www.kaggle.com/models/google/mobilenet-v3/TfJs/small/1', {})
  assert.match(tfjs.urls[0]!, /mobilenet-v3\/tfJs\/small\/1\/download$/)
})

test('a module of tfhub.dev is looked for there, at Kaggle, and in the old bucket', () => {
  assert.deepEqual(hubSource(`${EFFICIENTNET}?tf-hub-format=compressed`, {}), {
    handle: EFFICIENTNET,
    urls: [
      `${EFFICIENTNET}?tf-hub-format=compressed`,
      `${API}/b0-feature-vector/1/download`,
      `${PAGES}/tensorFlow2/b0-feature-vector/1?tf-hub-format=compressed`,
      'https://storage.googleapis.com/tfhub-modules/tensorflow/efficientnet/b0/feature-vector/1.tar.gz',
    ],
  })
  // Pages of Kaggle that pipelines in use name, the first three beside tfhub.dev's own address.
  const seen: [string, string][] = [
    [
      'google/efficientnet/b0/feature-vector/1',
      'google/efficientnet/tensorFlow1/b0-feature-vector/1',
    ],
    [
      'tensorflow/efficientnet/b0/classification/1',
      'tensorflow/efficientnet/tensorFlow2/b0-classification/1',
    ],
    [
      'google/tf2-preview/mobilenet_v2/feature_vector/4',
      'google/mobilenet-v2/tensorFlow2/tf2-preview-feature-vector/4',
    ],
    [
      'google/imagenet/mobilenet_v2_130_224/classification/4',
      'google/mobilenet-v2/tensorFlow2/130-224-classification/1',
    ],
    [
      'google/imagenet/mobilenet_v2_100_224/feature_vector/5',
      'google/mobilenet-v2/tensorFlow2/100-224-feature-vector/2',
    ],
    [
      'google/imagenet/mobilenet_v2_035_224/feature_vector/2',
      'google/mobilenet-v2/tensorFlow1/035-224-feature-vector/2',
    ],
    [
      'google/imagenet/mobilenet_v3_large_100_224/feature_vector/5',
      'google/mobilenet-v3/tensorFlow2/large-100-224-feature-vector/1',
    ],
    [
      'google/imagenet/inception_v3/feature_vector/5',
      'google/inception-v3/tensorFlow2/feature-vector/2',
    ],
    [
      'google/imagenet/inception_resnet_v2/classification/5',
      'google/inception-resnet-v2/tensorFlow2/classification/2',
    ],
    [
      'google/imagenet/resnet_v2_50/feature_vector/4',
      'google/resnet-v2/tensorFlow2/50-feature-vector/1',
    ],
    [
      'google/imagenet/nasnet_mobile/classification/5',
      'google/nasnet/tensorFlow2/mobile-classification/2',
    ],
    [
      'google/imagenet/efficientnet_v2_imagenet1k_b0/feature_vector/2',
      'google/efficientnet-v2/tensorFlow2/imagenet1k-b0-feature-vector/2',
    ],
    ['tensorflow/resnet_50/classification/1', 'tensorflow/resnet-50/tensorFlow2/classification/1'],
  ]
  for (const [path, kaggle] of seen) {
    const { urls } = hubSource(`https://tfhub.dev/${path}`, {})
    assert.equal(urls.length, 4, path)
    assert.equal(urls[1], `https://www.kaggle.com/api/v1/models/${kaggle}/download`)
  }
  // Of others only the two places of their own are known.
  assert.equal(hubSource('https://tfhub.dev/google/yamnet/1', {}).urls.length, 2)
  const chinese = 'https://hub.tensorflow.google.cn/google/yamnet/1'
  assert.equal(hubSource(chinese, {}).handle, chinese)
})

test('mirrors stand in for both hosts', () => {
  const hosts = { GRAFT_TFHUB_URL: 'https://a.example/hub/', GRAFT_KAGGLE_URL: 'https://b.example' }
  const path = 'models/tensorflow/efficientnet/tensorFlow2/b0-feature-vector/1'
  assert.deepEqual(hubSource(EFFICIENTNET, hosts).urls, [
    'https://a.example/hub/tensorflow/efficientnet/b0/feature-vector/1?tf-hub-format=compressed',
    `https://b.example/api/v1/${path}/download`,
    `https://b.example/${path}?tf-hub-format=compressed`,
  ])
})

test('handles that name no module are told the forms that do, here and by the schema', async () => {
  const schema = await readFile(join(ROOT, 'schemas/pipeline.schema.json'), 'utf8')
  const text = /"hub": \{[^}]*?"pattern": ("(?:[^"\\]|\\.)*")/.exec(schema)![1]!
  const pattern = new RegExp(JSON.parse(text) as string, 'u')
  const right = [
    EFFICIENTNET,
    `${EFFICIENTNET}/?tf-hub-format=compressed`,
    'https://tfhub.dev/google/yamnet/1',
    `${PAGES}/TensorFlow2/b0-feature-vector/1?tfhub-redirect=true`,
    `${PAGES}/frameworks/TensorFlow2/variations/b0-feature-vector/versions/1`,
    'owner/model/keras/variation/12',
    'https://files.example/modules/one.tar.gz',
  ]
  for (const handle of right) {
    assert.match(handle, pattern)
    hubSource(handle, {})
  }
  const wrong = [
    '',
    'https://tfhub.dev/google/efficientnet/b0/feature-vector',
    'https://tfhub.dev/1',
    'http://tfhub.dev/google/yamnet/1',
    'https://tfhub.dev.example/google/yamnet/1',
    'https://tfhub.dev/google/../yamnet/one',
    PAGES,
    `${PAGES}/tensorFlow2/b0-feature-vector`,
    'https://www.kaggle.com/datasets/a/b/c/d/1',
    'owner/model/keras/variation',
    'owner/model/keras/variation/latest',
    'https://files.example/modules/one.tar.gz?key=hush',
    'https://files.example/modules/one.zip',
  ]
  for (const handle of wrong) {
    assert.doesNotMatch(handle, pattern)
    assert.throws(
      () => hubSource(handle, {}),
      (error) => {
        assert.ok(error instanceof PipelineError)
        const { code, message, hint } = error.diagnostics[0]!
        assert.equal(code, 'WRONG_VALUE')
        assert.ok(!message.includes('hush'))
        assert.match(hint!, /https:\/\/tfhub\.dev\/PUBLISHER\/…\/VERSION/)
        return true
      },
    )
  }
  for (const long of [
    `https://tfhub.dev/${'a'.repeat(1e5)}`,
    'a/'.repeat(5e4),
    `https://${'a'.repeat(1e5)}`,
  ]) {
    const start = performance.now()
    assert.doesNotMatch(long, pattern)
    assert.throws(() => hubSource(long, {}))
    assert.ok(performance.now() - start < 500)
  }
})

const MODULE = gzipSync(tarBytes([{ name: 'saved_model.pb', data: 'not looked into here' }]))
const LOGIN = '<!doctype html><title>Sign in</title>'
const KAGGLE_403 = '{"code":403,"message":"Permission \'models.get\' was denied"}'

/** A server that answers as tfhub.dev (below /hub), Kaggle and the storage of both do; what a test changes comes first. */
async function hub(answers: Readonly<Record<string, Handler>> = {}) {
  const server = await serve((request, response, count) => {
    const [path] = request.url!.split('?')
    const own = Object.entries(answers).find(([start]) => path!.startsWith(start))
    if (own) return own[1](request, response, count)
    if (path!.startsWith('/storage/')) return sendFile(request, response, MODULE)
    // Signed addresses, of another host.
    const location = `https://localhost:${server.port}/storage/x.tar.gz?X-Goog-Signature=hush`
    response.writeHead(302, { location }).end()
  })
  const environment = { GRAFT_TFHUB_URL: server.url('/hub'), GRAFT_KAGGLE_URL: server.url('') }
  Object.assign(process.env, environment)
  const dispose = async () => {
    for (const name of Object.keys(environment)) delete process.env[name]
    await server[Symbol.asyncDispose]()
  }
  return { server, [Symbol.asyncDispose]: dispose }
}

const page: Handler = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end(LOGIN)
}
const status =
  (code: number, body: string): Handler =>
  (_, response) =>
    void response.writeHead(code).end(body)

async function download(folder: string, name: string, more: Record<string, unknown> = {}) {
  const lock = join(folder, 'pipeline.lock')
  const hints = { url: { ca: CA, tries: 2, retryDelay: 1, stall: 400 }, lock }
  const options = { params: { hub: EFFICIENTNET }, hints: { ...hints, ...more }, name }
  const { out } = await runStage(DOWNLOAD, folder, options)
  return readFile(join(out, 'content'))
}

/** Message and hint of the download that must fail, its server as `{at}`. */
async function refusal(answers: Readonly<Record<string, Handler>>, before = digestOf(MODULE)) {
  await using folder = await temporaryFolder()
  await using at = await hub(answers)
  if (before !== digestOf(MODULE)) {
    await pin(join(folder.path, 'pipeline.lock'), { hub: EFFICIENTNET }, before)
  }
  try {
    await download(folder.path, 'a')
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    const { code, message, hint } = error.diagnostics[0]!
    const text = `${code} ${message} | ${hint}`.replaceAll(folder.path, '{folder}')
    return { text: text.replaceAll(at.server.url(''), '{at}'), seen: at.server.seen }
  }
  assert.fail('it did not fail')
}

test('the first address that has the module is taken, over redirects to signed addresses', async () => {
  await using folder = await temporaryFolder()
  await using at = await hub()
  assert.ok((await download(folder.path, 'a')).equals(MODULE))
  const asked = at.server.seen.map(({ url }) => url)
  const first = '/hub/tensorflow/efficientnet/b0/feature-vector/1?tf-hub-format=compressed'
  assert.deepEqual(asked, [first, '/storage/x.tar.gz?X-Goog-Signature=hush'])
  const about = await readFile(join(folder.path, 'a', 'about.json'), 'utf8')
  const lock = await readFile(join(folder.path, 'pipeline.lock'), 'utf8')
  assert.deepEqual(JSON.parse(lock), {
    sources: { [EFFICIENTNET]: digestOf(MODULE) },
    version: 1,
  })
  // Nothing tells which address it was, and no signature is kept.
  for (const text of [about, lock]) assert.doesNotMatch(text, /hush|localhost|127\.0\.0\.1/)
  assert.match(about, /"tensorflow-efficientnet-b0-feature-vector-1\.tar\.gz"/)
})

test('what one address does not have comes from the next, to the same result', async () => {
  const ways: Record<string, Handler> = {
    gone: status(410, ''),
    'no such page': status(404, LOGIN),
    forbidden: status(403, KAGGLE_403),
    broken: status(500, ''),
    'a login page': page,
    'a dropped connection': (request) => void request.socket.destroy(),
    'a transfer that is always cut': (q, s) =>
      sendFile(q, s, MODULE, { dropAfter: 20, etag: '"v1"' }),
  }
  const abouts = new Set<string>()
  for (const [way, handler] of Object.entries(ways)) {
    await using folder = await temporaryFolder()
    await using at = await hub({ '/hub': handler })
    assert.ok((await download(folder.path, 'a')).equals(MODULE), way)
    const last = at.server.seen.at(-2)!.url
    const api = '/api/v1/models/tensorflow/efficientnet/tensorFlow2/b0-feature-vector/1/download'
    assert.equal(last, api, way)
    abouts.add(await readFile(join(folder.path, 'a', 'about.json'), 'utf8'))
    assert.equal(
      await pinned(join(folder.path, 'pipeline.lock'), { hub: EFFICIENTNET }),
      digestOf(MODULE),
    )
  }
  assert.equal(abouts.size, 1)
})

test('where no address has it, each is told, and what to do', async () => {
  const { text, seen } = await refusal({
    '/hub': status(404, LOGIN),
    '/api': status(403, KAGGLE_403),
    '/models': page,
  })
  const path = '{at}/models/tensorflow/efficientnet/tensorFlow2/b0-feature-vector/1'
  assert.equal(
    text,
    `DOWNLOAD_FAILED ${EFFICIENTNET} could not be downloaded: ` +
      '{at}/hub/tensorflow/efficientnet/b0/feature-vector/1: the server answered 404; ' +
      `${path.replace('/models', '/api/v1/models')}/download: the server answered 403; ` +
      `${path} brought a web page (HTML), not an archive | ` +
      'download the archive in a browser, with a login where it wants one, and use {savedModel: FILE.tar.gz}',
  )
  assert.equal(seen.length, 3)
})

test('a module that has changed is an error, from whichever address', async () => {
  const { text, seen } = await refusal({}, digestOf('what it was'))
  assert.equal(seen.length, 6)
  assert.match(text, /^DIGEST_MISMATCH .* could not be downloaded: .*has other bytes: got sha256/)
  assert.ok(text.endsWith(`remove the line "${EFFICIENTNET}" from {folder}/pipeline.lock`), text)
  // A mirror that packed it anew is passed over for one that did not.
  const other = gzipSync(tarBytes([{ name: 'saved_model.pb', data: 'another' }]))
  await using folder = await temporaryFolder()
  await using _ = await hub({ '/hub': (q, s) => sendFile(q, s, other, { etag: '"2"' }) })
  await pin(join(folder.path, 'pipeline.lock'), { hub: EFFICIENTNET }, digestOf(MODULE))
  assert.ok((await download(folder.path, 'a')).equals(MODULE))
})

test('offline, and over anything but https, nothing is asked', async () => {
  await using folder = await temporaryFolder()
  await using at = await hub()
  await assert.rejects(download(folder.path, 'a', { offline: true }), /OFFLINE https:\/\/tfhub/)
  process.env['GRAFT_TFHUB_URL'] = 'http://mirror.example'
  await assert.rejects(download(folder.path, 'b'), /WRONG_VALUE .* is not an https address/)
  assert.equal(at.server.seen.length, 0)
})

test('a module that tensorflow_hub has on this machine is pointed to', async () => {
  await using cache = await temporaryFolder()
  const name = createHash('sha1').update(EFFICIENTNET).digest('hex')
  await mkdir(join(cache.path, name))
  await writeFile(join(cache.path, name, 'saved_model.pb'), '')
  process.env['TFHUB_CACHE_DIR'] = cache.path
  try {
    const { text } = await refusal({ '/': status(404, '') })
    assert.ok(text.endsWith(`this machine: use {savedModel: "${join(cache.path, name)}"}`), text)
  } finally {
    delete process.env['TFHUB_CACHE_DIR']
  }
})

test('an abort is no reason to try the next address', async () => {
  await using folder = await temporaryFolder()
  const abort = new AbortController()
  await using at = await hub({ '/hub': () => abort.abort(new Error('stopped by a person')) })
  const work = join(folder.path, 'work')
  const options = { signal: abort.signal, work, url: { ca: CA, tries: 2, retryDelay: 1 } }
  await assert.rejects(fetchSource({ hub: EFFICIENTNET }, options), /stopped by a person/)
  assert.equal(at.server.seen.length, 1)
  assert.deepEqual(await readdir(work), [])
})
