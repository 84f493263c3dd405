import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fetchSource } from '../../../src/data/sources/fetch.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { digestOf } from '../../../src/util/digest.ts'
import { CA, sendFile, serve } from '../../support/https-server.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'
import type { AddressInfo } from 'node:net'
import type { FetchOptions } from '../../../src/data/sources/source.ts'
import type { Handler } from '../../support/https-server.ts'

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
const PATIENCE = { tries: 3, retryDelay: 1, stall: 400, ca: CA }

async function fetchFrom(url: string, work: string, options: Partial<FetchOptions> = {}) {
  const { signal } = new AbortController()
  const fetched = await fetchSource({ url }, { signal, work, url: PATIENCE, ...options })
  return { ...fetched, content: await readFile(fetched.path) }
}

/** One download from a server that behaves as told; how many requests it took. */
async function download(
  handler: Handler,
  options: Partial<FetchOptions> = {},
  path = '/a/set.zip',
) {
  await using server = await serve(handler)
  await using folder = await temporaryFolder()
  const fetched = await fetchFrom(server.url(path), folder.path, options)
  assert.ok(fetched.content.equals(BYTES), 'other bytes came')
  assert.equal(fetched.sha256, digestOf(BYTES))
  return { ...fetched, requests: server.seen }
}

/** The message and hint of a download that must fail; `{url}` stands for the server. */
async function refusal(handler: Handler, options: Partial<FetchOptions> = {}, path = '/set.zip') {
  await using server = await serve(handler)
  await using folder = await temporaryFolder()
  try {
    await fetchFrom(server.url(path), folder.path, options)
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    const { code, message, hint } = error.diagnostics[0]!
    const text = `${code} ${message} | ${hint ?? ''}`.replaceAll(server.url(''), '{url}')
    return { text, requests: server.seen, left: await readdir(folder.path) }
  }
  assert.fail('it did not fail')
}

test('a file comes whole, named after its address, with progress', async () => {
  const told: [number, number | undefined][] = []
  const progress = (done: number, total: number | undefined) => void told.push([done, total])
  const got = await download((q, s) => sendFile(q, s, BYTES), { progress }, '/a/my%20set.zip?key=1')
  assert.equal(got.fileName, 'my set.zip')
  assert.equal(got.bytes, BYTES.length)
  assert.deepEqual(told.at(-1), [BYTES.length, BYTES.length])
  assert.equal(got.requests[0]!.url, '/a/my%20set.zip?key=1')
})

/** Where a request asks to go on. What of a dropped transfer was saved depends on how far its reader had come. */
function startOf({
  headers,
}: {
  readonly headers: { readonly range?: string | undefined }
}): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
}

function assertBetween(value: number, least: number, most: number): void {
  assert.ok(value >= least && value <= most, `${value} is not in ${least} to ${most}`)
}

test('a dropped transfer goes on by Range', async () => {
  const got = await download((q, s, n) =>
    sendFile(q, s, BYTES, n < 3 ? { dropAfter: 100_000 } : {}),
  )
  const [first, second, third] = got.requests.map(startOf)
  assert.equal(got.requests.length, 3)
  assert.equal(first, 0)
  assertBetween(second!, 1, 100_000)
  assertBetween(third!, second! + 1, second! + 100_000)
  assert.ok(got.requests.slice(1).every((q) => q.headers['if-range'] === '"v1"'))
  assert.ok(got.content.equals(BYTES))
})

test('a later process goes on where an earlier one stopped', async () => {
  await using folder = await temporaryFolder()
  let drops = 3
  await using server = await serve((q, s) => {
    drops -= 1
    sendFile(q, s, BYTES, drops >= 0 ? { dropAfter: 50_000 } : {})
  })
  await assert.rejects(fetchFrom(server.url('/x'), folder.path), /DOWNLOAD_FAILED/)
  const got = await fetchFrom(server.url('/x'), folder.path)
  assert.ok(got.content.equals(BYTES))
  const starts = server.seen.map(startOf)
  assert.equal(starts.length, 4)
  // The other process began behind all that this one had saved, and past the start of its last try.
  assertBetween(starts[3]!, starts[2]! + 1, 150_000)
})

test('a file that changed in between is fetched anew', async () => {
  const old = Buffer.alloc(BYTES.length, 1)
  const got = await download((q, s, n) => {
    if (n === 1) sendFile(q, s, old, { etag: '"old"', dropAfter: 100_000 })
    else sendFile(q, s, BYTES, { etag: '"new"' })
  })
  assert.equal(got.requests.length, 2)
})

test('a server that ignores Range, or has no ETag, sends all of it again', async () => {
  const ignoring = await download((q, s, n) => {
    delete q.headers.range
    sendFile(q, s, BYTES, n === 1 ? { dropAfter: 100_000 } : {})
  })
  assert.equal(ignoring.requests.length, 2)
  const weak = await download((q, s, n) =>
    sendFile(q, s, BYTES, { etag: 'W/"1"', ...(n === 1 ? { dropAfter: 100_000 } : {}) }),
  )
  assert.equal(weak.requests[1]!.headers.range, undefined)
})

test('a server that sends another part, or none (416), starts over', async () => {
  for (const wrong of ['bytes 5-299999/300000', 'bytes 100000-299999/400000', 'nonsense', '416']) {
    const got = await download((q, s, n) => {
      if (n !== 2) return sendFile(q, s, BYTES, n === 1 ? { dropAfter: 100_000 } : {})
      s.statusCode = wrong === '416' ? 416 : 206
      s.setHeader('content-range', wrong)
      s.end(BYTES.subarray(100_000))
    })
    assert.equal(got.requests.length, 3, wrong)
  }
})

test('bytes mixed of two versions under one ETag are found by the digest and fetched anew', async () => {
  const old = Buffer.alloc(BYTES.length, 1)
  const expect = { sha256: digestOf(BYTES), says: 'the pipeline', cure: () => '' }
  const got = await download(
    (q, s, n) => sendFile(q, s, n === 1 ? old : BYTES, n === 1 ? { dropAfter: 100_000 } : {}),
    { expect },
  )
  assert.deepEqual(
    got.requests.map((q) => q.headers.range),
    [undefined, 'bytes=100000-', undefined],
  )
})

test('a length that lies is found', async () => {
  const short: Handler = (_, s) => {
    s.writeHead(200, { 'content-length': 400_000 })
    s.write(BYTES, () => setTimeout(() => s.destroy(), 20))
  }
  const { text } = await refusal(short)
  assert.match(
    text,
    /^DOWNLOAD_FAILED \{url\}\/set\.zip: the connection was dropped, after 3 tries/,
  )
})

test('503 is tried again, as the server asks; 404 and 403 are not', async () => {
  const got = await download((q, s, n) => {
    if (n > 2) return sendFile(q, s, BYTES)
    s.writeHead(503, n === 1 ? { 'retry-after': '0' } : {})
    s.end('busy')
  })
  assert.equal(got.requests.length, 3)
  const fail = (status: number) => refusal((_, s) => s.writeHead(status).end('no'))
  const missing = await fail(404)
  assert.equal(
    missing.text,
    'DOWNLOAD_FAILED {url}/set.zip: the server answered 404 | check the address in a browser; a file that you have can be given as {path: …}',
  )
  assert.equal(missing.requests.length, 1)
  assert.match((await fail(403)).text, /answered 403 \| the server wants a login/)
  const busy = await fail(503)
  assert.match(busy.text, /answered 503, after 3 tries \| run again to go on/)
  assert.equal(busy.requests.length, 3)
})

test('a stall ends a try, and the next one goes on', async () => {
  const got = await download((q, s, n) => {
    if (n > 1) return sendFile(q, s, BYTES)
    s.writeHead(200, { etag: '"v1"', 'content-length': BYTES.length })
    s.write(BYTES.subarray(0, 10_000))
  })
  assert.equal(got.requests[1]!.headers.range, 'bytes=10000-')
  const { text } = await refusal(() => undefined)
  assert.match(text, /the server stopped answering, after 3 tries/)
})

test('five redirects are followed, a sixth is not; nor one to http', async () => {
  const chain = (last: number): Handler => {
    return (q, s) => {
      const n = Number(q.url!.slice(1))
      if (n < last) s.writeHead(302, { location: `/${n + 1}` }).end()
      else sendFile(q, s, BYTES)
    }
  }
  assert.equal((await download(chain(5), {}, '/0')).requests.length, 6)
  assert.match((await refusal(chain(6), {}, '/0')).text, /\{url\}\/0 redirects more than 5 times/)
  const http: Handler = (_, s) => s.writeHead(301, { location: 'http://127.0.0.1/x?key=1' }).end()
  assert.match(
    (await refusal(http)).text,
    /redirects to http:\/\/127\.0\.0\.1\/x, which is not https/,
  )
  const bad: Handler = (_, s) => s.writeHead(301, { location: 'https://[' }).end()
  assert.match((await refusal(bad)).text, /redirects to no address/)
})

test('user and password go to their own host only, and into no message', async () => {
  await using other = await serve((q, s) => sendFile(q, s, BYTES))
  await using server = await serve((q, s) => {
    if (q.url === '/own') s.writeHead(302, { location: '/again' }).end()
    else if (q.url === '/again') s.writeHead(307, { location: other.url('/x') }).end()
    else s.writeHead(404).end()
  })
  await using folder = await temporaryFolder()
  const login = server.url('/own').replace('//', '//me:s%20cret@')
  await fetchFrom(login, folder.path)
  const basic = `Basic ${Buffer.from('me:s cret').toString('base64')}`
  assert.deepEqual(
    server.seen.map((q) => q.headers.authorization),
    [basic, basic],
  )
  assert.equal(other.seen[0]!.headers.authorization, undefined)
  const missing = server.url('/no?token=abc').replace('//', '//me:secret@')
  await assert.rejects(fetchFrom(missing, folder.path), (error) => {
    assert.ok(error instanceof Error)
    return /answered 404/.test(error.message) && !/secret|token|me:/.test(error.message)
  })
})

test('too much is refused, by its length at once and by its bytes', async () => {
  const limit = { maxBytes: 100_000 }
  const known = await refusal((q, s) => sendFile(q, s, BYTES), limit)
  assert.match(known.text, /\{url\}\/set\.zip is larger than 100000 bytes \(300000\)/)
  const chunked = await refusal((_, s) => s.end(BYTES), limit)
  assert.match(chunked.text, /larger than 100000 bytes/)
})

test('a wrong digest names both, and leaves nothing', async () => {
  const wrong = digestOf('other')
  const expect = { sha256: wrong, says: 'the pipeline', cure: (got: string) => `write ${got}` }
  const { text, left } = await refusal((q, s) => sendFile(q, s, BYTES), { expect })
  const got = digestOf(BYTES)
  assert.equal(
    text,
    `DIGEST_MISMATCH {url}/set.zip has other bytes: got ${got}, the pipeline says ${wrong} | write ${got}`,
  )
  assert.deepEqual(left, [])
  const md5 = createHash('md5').update(BYTES).digest('hex')
  await download((q, s) => sendFile(q, s, BYTES), { expect: { md5, says: '', cure: () => '' } })
  const bad = { md5: '0'.repeat(32), says: 'the publisher', cure: () => '' }
  const message = await refusal((q, s) => sendFile(q, s, BYTES), { expect: bad })
  assert.match(message.text, new RegExp(`got md5:${md5}, the publisher says md5:0`))
})

test('what is no https address, an encoding unasked, and no network are refused', async () => {
  const { signal } = new AbortController()
  for (const url of ['http://127.0.0.1/x', 'file:///etc/passwd', 'nonsense']) {
    const options = { signal, work: '/nowhere-to-be-used', offline: false }
    await using folder = await temporaryFolder()
    await assert.rejects(
      fetchSource({ url }, { ...options, work: folder.path }),
      /WRONG_VALUE .* is not an https address/,
    )
  }
  const zipped: Handler = (_, s) => s.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
  assert.match((await refusal(zipped)).text, /comes gzip encoded, unasked/)
  const offline = await refusal((q, s) => sendFile(q, s, BYTES), { offline: true })
  assert.match(offline.text, /^OFFLINE \{url\}\/set\.zip is not in the store/)
  assert.equal(offline.requests.length, 0)
})

test('a certificate that is not trusted is no matter of another try', async () => {
  const { ca: _, ...url } = PATIENCE
  const { text, requests } = await refusal((q, s) => sendFile(q, s, BYTES), { url })
  assert.match(text, /after 1 try \| .*NODE_EXTRA_CA_CERTS/)
  assert.equal(requests.length, 0)
})

test('an abort ends the download with its reason, and keeps what came', async () => {
  await using folder = await temporaryFolder()
  const abort = new AbortController()
  const reason = new Error('stop')
  await using server = await serve((q, s) => sendFile(q, s, BYTES, { dropAfter: 100_000 }))
  const progress = () => abort.abort(reason)
  const run = fetchFrom(server.url('/x'), folder.path, { signal: abort.signal, progress })
  await assert.rejects(run, reason)
  assert.ok((await readFile(join(folder.path, 'partial'))).length > 0)
})

test('the proxy of the environment is used, and its exceptions', async () => {
  await using server = await serve((q, s) => sendFile(q, s, BYTES))
  await using folder = await temporaryFolder()
  const asked: string[] = []
  const proxy = createServer().on('connect', (request, socket, head) => {
    asked.push(request.url!)
    const to = connect(server.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      to.write(head)
      to.pipe(socket).pipe(to)
    })
    to.on('error', () => socket.destroy())
    socket.on('error', () => to.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const before = { ...process.env }
  try {
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    process.env['NO_PROXY'] = ''
    await fetchFrom(server.url('/x'), folder.path)
    assert.deepEqual(asked, [`127.0.0.1:${server.port}`])
    process.env['NO_PROXY'] = '127.0.0.1'
    await fetchFrom(server.url('/x'), join(folder.path, '2'))
    assert.equal(asked.length, 1)
  } finally {
    for (const name of ['HTTPS_PROXY', 'NO_PROXY']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  }
})

test('trouble with the disk is told as such, without another try', async () => {
  await using server = await serve((q, s) => sendFile(q, s, BYTES))
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'work', 'partial'), { recursive: true })
  await chmod(folder.path, 0o755)
  await assert.rejects(
    fetchFrom(server.url('/x'), join(folder.path, 'work')),
    /NOT_WRITABLE cannot write .*partial/,
  )
  assert.equal(server.seen.length, 1)
})
