import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { unpackArchive } from '../../../src/data/archives/unpack.ts'
import { fetchSource } from '../../../src/data/sources/fetch.ts'
import { checkPackage } from '../../../src/data/sources/source.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { tarBytes, zipBytes } from '../../support/archives.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'
import type { AddressInfo } from 'node:net'
import type { Source } from '../../../src/data/sources/source.ts'

const { signal } = new AbortController()
const TARBALL = gzipSync(
  tarBytes([
    {
      name: 'package/package.json',
      data: '{"name":"tiny","version":"1.0.0","scripts":{"prepack":"exit 1","preinstall":"exit 1"}}',
    },
    { name: 'package/a.png', data: 'one' },
  ]),
)
const WHEEL = zipBytes([
  { name: 'tiny/a.png', data: 'one' },
  {
    name: 'tiny-1.0.dist-info/METADATA',
    data: 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Dist: nothing-like-this\n',
  },
  { name: 'tiny-1.0.dist-info/WHEEL', data: 'Wheel-Version: 1.0\nTag: py3-none-any\n' },
  { name: 'tiny-1.0.dist-info/RECORD' },
])

/** A registry of both kinds on this machine, holding one package, `tiny`; the real clients are pointed at it. */
async function registry(): Promise<{ environment: Record<string, string> } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const host = `http://${request.headers.host}`
    const integrity = `sha512-${createHash('sha512').update(TARBALL).digest('base64')}`
    const dist = { tarball: `${host}/tiny-1.0.0.tgz`, integrity }
    const versions = { '1.0.0': { name: 'tiny', version: '1.0.0', dist } }
    const wheel = '/tiny-1.0-py3-none-any.whl'
    const answers: Record<string, string | Buffer> = {
      '/tiny': JSON.stringify({ name: 'tiny', 'dist-tags': { latest: '1.0.0' }, versions }),
      '/tiny-1.0.0.tgz': TARBALL,
      '/simple/tiny/': `<a href="${wheel}">tiny-1.0-py3-none-any.whl</a>`,
      [wheel]: WHEEL,
    }
    const answer = answers[request.url!]
    response.setHeader(
      'content-type',
      request.url!.endsWith('/') ? 'text/html' : 'application/json',
    )
    response.writeHead(answer === undefined ? 404 : 200).end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const folder = await temporaryFolder()
  const environment = {
    npm_config_registry: `${address}/`,
    npm_config_cache: folder.path,
    PIP_INDEX_URL: `${address}/simple`,
    PIP_EXTRA_INDEX_URL: '',
    PIP_FIND_LINKS: '',
    PIP_NO_CACHE_DIR: '1',
    PIP_RETRIES: '0',
    PIP_CONFIG_FILE: '/dev/null',
  }
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await folder[Symbol.asyncDispose]()
  }
  return { environment, [Symbol.asyncDispose]: close }
}

async function withEnvironment<T>(
  environment: Readonly<Record<string, string>>,
  action: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env }
  Object.assign(process.env, environment)
  try {
    return await action()
  } finally {
    for (const name of Object.keys(environment)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
}

async function refusal(source: Source, environment: Readonly<Record<string, string>>) {
  await using folder = await temporaryFolder()
  const work = join(folder.path, 'work')
  try {
    await withEnvironment(environment, () => fetchSource(source, { signal, work }))
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    assert.deepEqual(await readdir(work), [])
    const { code, message, hint } = error.diagnostics[0]!
    return `${code} ${message} | ${hint ?? ''}`
  }
  assert.fail('it did not fail')
}

test("npm's own client brings one package, and runs nothing", async () => {
  await using tiny = await registry()
  await using folder = await temporaryFolder()
  const work = join(folder.path, 'work')
  const source = { npm: 'tiny@1.0.0' }
  const got = await withEnvironment(tiny.environment, () => fetchSource(source, { signal, work }))
  assert.ok((await readFile(got.path)).equals(TARBALL))
  assert.equal(got.fileName, 'tiny-1.0.0.tgz')
  assert.deepEqual(await readdir(work), ['package'])
  const files = join(folder.path, 'files')
  await unpackArchive(got.path, files, { signal, strip: 1 })
  assert.deepEqual((await readdir(files)).sort(), ['a.png', 'package.json'])
  const version = await refusal({ npm: 'tiny@9.9.9' }, tiny.environment)
  assert.match(
    version,
    /^DOWNLOAD_FAILED npm:tiny@9\.9\.9: npm pack failed: \S.* \| check the name/,
  )
  assert.match(await refusal({ npm: 'none@1.0.0' }, tiny.environment), /npm:none@1\.0\.0: npm pack/)
})

test('pip brings one wheel without what it depends on', async () => {
  await using tiny = await registry()
  await using folder = await temporaryFolder()
  const source = { pypi: 'tiny==1.0' }
  const got = await withEnvironment(tiny.environment, () =>
    fetchSource(source, { signal, work: folder.path }),
  )
  assert.ok((await readFile(got.path)).equals(WHEEL))
  assert.equal(got.fileName, 'tiny-1.0-py3-none-any.whl')
  assert.match(
    await refusal({ pypi: 'tiny==9' }, tiny.environment),
    /^DOWNLOAD_FAILED pypi:tiny==9: pip download failed: No matching distribution found for tiny==9/,
  )
})

test('where pip or npm is missing, the message says what to do', async () => {
  await using folder = await temporaryFolder()
  const environment = { PATH: folder.path }
  assert.equal(
    await refusal({ pypi: 'tiny==1.0' }, environment),
    'TOOL_MISSING pip is needed to fetch a package of PyPI, and was not found | install Python with pip (any version), or download the wheel elsewhere and give it with {path: …}',
  )
  assert.match(await refusal({ npm: 'tiny@1.0.0' }, environment), /^TOOL_MISSING npm is needed/)
})

test('pip is also found as a module, asked for wheels only', async () => {
  await using folder = await temporaryFolder()
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  const script = [
    '#!/bin/sh',
    '[ "$1 $2" = "-m pip" ] || exit 1',
    '[ "$3" = --version ] && exit 0',
    `echo "$@" > ${folder.path}/asked`,
    'while [ "$1" != --dest ]; do shift; done',
    'echo wheel > "$2/x-1-py3-none-any.whl"',
  ]
  await writeFile(join(bin, 'python3'), script.join('\n'), { mode: 0o755 })
  await writeFile(join(bin, 'pip'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const path = `${bin}${delimiter}/bin-that-is-not-there`
  const got = await withEnvironment({ PATH: path }, () =>
    fetchSource({ pypi: 'x==1' }, { signal, work: join(folder.path, 'work') }),
  )
  assert.equal(await readFile(got.path, 'utf8'), 'wheel\n')
  const asked = await readFile(join(folder.path, 'asked'), 'utf8')
  assert.match(asked, /^-m pip download --no-deps --only-binary=:all: /)
  assert.match(asked, / --python-version 3\.12 -- x==1\n$/)
})

test('only exact packages of the registry are asked for', () => {
  for (const name of ['tiny@1.0.0', '@scope/tiny@1.0.0-rc.1', 'a.b_c@2']) checkPackage('npm', name)
  for (const name of ['tiny==1.0', 'Tiny.x-y_z==1.0rc1']) checkPackage('pypi', name)
  const npm = [
    'tiny',
    '-x@1',
    '--registry=x@1',
    'git+https://x@1',
    '../tiny@1',
    'a@b c',
    'a@file:x',
  ]
  for (const name of npm) assert.throws(() => checkPackage('npm', name), /not of the form/, name)
  const pypi = ['tiny', 'tiny>=1', '-r==1', './x==1', 'x==1 y', 'x @ https://y', 'x==1;z']
  for (const name of pypi) assert.throws(() => checkPackage('pypi', name), /not of the form/, name)
})

test('offline, nothing is started', async () => {
  const offline = fetchSource({ npm: 'tiny@1.0.0' }, { signal, work: '/dev/null/x', offline: true })
  await assert.rejects(offline, /^PipelineError: OFFLINE npm:tiny@1\.0\.0 is not in the store/)
})
