import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { enginesFolder } from '../../../src/engines/folder.ts'
import {
  FRAMEWORK_LIBRARY,
  locateAllTensorflow,
  locateTensorflow,
  WHEEL_LIBRARY,
} from '../../../src/engines/tensorflow/locate.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'

const PLAIN_LIBRARY = WHEEL_LIBRARY.replace('_cc', '')

describe('looking for libtensorflow', () => {
  let root: string
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'graft-locate-'))))
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const put = (folder: string, ...files: string[]): string => {
    const path = join(root, folder)
    mkdirSync(path, { recursive: true })
    for (const file of files) writeFileSync(join(path, file), '')
    return path
  }
  const where = (env: Record<string, string> = {}) => ({
    env: { GRAFT_ENGINES: join(root, 'engines'), ...env },
    cwd: root,
    systemFolders: [join(root, 'usr/local/lib'), join(root, 'usr/lib')],
  })
  const sources = (env: Record<string, string> = {}) =>
    locateAllTensorflow(where(env)).map(({ source }) => source)

  test('finds nothing where there is nothing, or only half of it', () => {
    put('usr/lib', WHEEL_LIBRARY)
    assert.equal(locateTensorflow(where()), undefined)
  })

  test('in order: own install (GPU, CPU), tfjs-node-gpu, tfjs-node, system', () => {
    put('usr/lib', FRAMEWORK_LIBRARY, PLAIN_LIBRARY)
    for (const name of ['tfjs-node', 'tfjs-node-gpu']) {
      put(`node_modules/@tensorflow/${name}`, 'package.json')
      writeFileSync(join(root, `node_modules/@tensorflow/${name}/package.json`), '{}')
      put(`node_modules/@tensorflow/${name}/deps/lib`, FRAMEWORK_LIBRARY, PLAIN_LIBRARY)
    }
    put('engines/tensorflow-cpu/tensorflow', FRAMEWORK_LIBRARY, WHEEL_LIBRARY)
    put('engines/tensorflow-gpu/tensorflow', FRAMEWORK_LIBRARY, WHEEL_LIBRARY)
    writeFileSync(join(root, 'engines/tensorflow-gpu/manifest.json'), '{"version": "2.21.0"}')
    assert.deepEqual(sources(), ['install', 'install', 'tfjs-node-gpu', 'tfjs-node', 'system'])
    const [gpu, cpu, , tfjs] = locateAllTensorflow(where())
    assert.equal(gpu!.version, '2.21.0')
    assert.deepEqual([gpu!.cuda, cpu!.cuda, tfjs!.cuda], [true, false, false])
    assert.deepEqual(tfjs!.files, [FRAMEWORK_LIBRARY, PLAIN_LIBRARY])
  })

  test('GRAFT_LIBTENSORFLOW comes before all, as a folder or as a file', () => {
    put('engines/tensorflow-cpu/tensorflow', FRAMEWORK_LIBRARY, WHEEL_LIBRARY)
    const mine = put('mine', FRAMEWORK_LIBRARY, WHEEL_LIBRARY)
    for (const path of [mine, join(mine, WHEEL_LIBRARY)]) {
      assert.equal(locateTensorflow(where({ GRAFT_LIBTENSORFLOW: path }))!.folder, mine)
    }
  })

  test('GRAFT_LIBTENSORFLOW that names nothing is an error, not another library', () => {
    put('engines/tensorflow-cpu/tensorflow', FRAMEWORK_LIBRARY, WHEEL_LIBRARY)
    assert.throws(
      () => locateTensorflow(where({ GRAFT_LIBTENSORFLOW: join(root, 'nowhere') })),
      (error) => error instanceof PipelineError && error.diagnostics[0]!.code === 'ENGINE_MISSING',
    )
  })

  test('engines lie in the cache folder, which variables move', () => {
    assert.equal(enginesFolder({ XDG_CACHE_HOME: '/c' }), '/c/graft/engines')
    assert.equal(enginesFolder({ XDG_CACHE_HOME: '/c', GRAFT_ENGINES: '/e' }), '/e')
    assert.match(enginesFolder({ XDG_CACHE_HOME: 'relative' }), /\.cache\/graft\/engines$/)
  })
})
