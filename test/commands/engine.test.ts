import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { INSTALL_FOLDERS, MANIFEST } from '../../src/engines/tensorflow/locate.ts'
import { pipelineCommand } from '../support/command.ts'
import { wheelBytes } from '../support/wheel.ts'

describe('pipeline engine and doctor', () => {
  let folder: string
  before(() => (folder = mkdtempSync(join(tmpdir(), 'graft-engine-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const place = (more: Record<string, string> = {}) => ({
    GRAFT_ENGINES: join(folder, 'engines'),
    GRAFT_STORE: join(folder, 'store'),
    GRAFT_LIBTENSORFLOW: '',
    ...more,
  })
  const pipeline = (words: readonly string[], env: Record<string, string> = {}) =>
    pipelineCommand(words, folder, place(env))

  test('ls tries the embedded engine', async () => {
    const { code, stdout, stderr } = await pipeline(['engine', 'ls', '--json'])
    assert.equal(code, 0)
    assert.equal(stderr, '')
    const rows = JSON.parse(stdout) as { engine: string; devices: string[]; version: string }[]
    const wasm = rows.find(({ engine }) => engine === 'wasm')!
    assert.deepEqual(wasm.devices, ['cpu'])
    assert.match(wasm.version, /^4\./)
  })

  test('without pip, install says what to do instead', async () => {
    const { code, stdout, stderr } = await pipeline(['engine', 'install'], { PATH: '/nowhere' })
    assert.equal(code, 3)
    assert.equal(stdout, '')
    assert.match(
      stderr,
      /^TOOL_MISSING pip is needed to fetch a package of PyPI, and was not found\n  hint: install Python with pip \(any version\), or download the wheel of tensorflow(-cpu)?==2\.21\.0 elsewhere and give it with --wheel FILE\n$/,
    )
    assert.deepEqual(readdirSync(join(folder, 'engines')), [])
  })

  test('a wheel of something else is refused, and nothing is left', async () => {
    const wheel = join(folder, 'numpy-2.0.0-py3-none-any.whl')
    writeFileSync(wheel, wheelBytes({ name: 'numpy', files: { 'numpy/a.py': '' } }))
    const { code, stderr } = await pipeline(['engine', 'install', '--wheel', wheel])
    assert.equal(code, 2)
    assert.equal(
      stderr,
      'USAGE no wheel of tensorflow among --wheel: numpy-2.0.0-py3-none-any.whl\n' +
        '  hint: a wheel keeps the name it was downloaded under: tensorflow_cpu-2.21.0-cp312-….whl\n',
    )
    assert.deepEqual(readdirSync(join(folder, 'engines')), [])
  })

  test('--wheel is about install', async () => {
    const { code, stderr } = await pipeline(['engine', 'ls', '--wheel', 'a.whl'])
    assert.equal(code, 2)
    assert.match(stderr, /^USAGE --wheel is about install\n/)
  })

  test('remove says what it removed', async () => {
    const root = join(folder, 'engines', INSTALL_FOLDERS.cpu)
    mkdirSync(root, { recursive: true })
    writeFileSync(join(root, MANIFEST), '{}')
    assert.equal((await pipeline(['engine', 'remove'])).stdout, `removed ${root}\n`)
    const again = await pipeline(['engine', 'remove'])
    assert.equal(again.stdout, `nothing was installed in ${join(folder, 'engines')}\n`)
    assert.equal(again.code, 0)
  })

  test('doctor names each thing, with a cure for what is missing', async () => {
    const { code, stdout, stderr } = await pipeline(['doctor', '--json'], {
      PATH: '/nowhere',
      GRAFT_LIBTENSORFLOW: join(folder, 'gone'),
    })
    assert.equal(code, 0)
    assert.equal(stderr, '')
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean
      checks: { name: string; state: string; detail: string; cure?: string }[]
    }
    assert.equal(ok, true)
    const of = (name: string) => checks.find((check) => check.name === name)!
    assert.equal(of('Node.js').state, 'ok')
    assert.match(of('pip').cure!, /install Python with pip/)
    assert.match(of('npm').cure!, /install npm/)
    assert.match(of('tensorflow engine').detail, /GRAFT_LIBTENSORFLOW names .*gone/)
    assert.match(of('tensorflow engine').cure!, /unset GRAFT_LIBTENSORFLOW/)
    assert.equal(of('wasm engine').state, 'ok')
    for (const { state, cure } of checks) assert.equal(cure === undefined, state === 'ok')
  })

  test('doctor for people ends in a verdict', async () => {
    const { code, stdout } = await pipeline(['doctor'])
    assert.equal(code, 0)
    assert.match(stdout, /^what +state +found\nNode\.js +ok +v\d+/)
    assert.match(stdout, /\nThis machine can run pipelines\.\n$/)
  })
})
