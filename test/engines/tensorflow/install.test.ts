import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  installTensorflow,
  type InstallEvent,
  type InstallOptions,
} from '../../../src/engines/tensorflow/install/install.ts'
import { removeTensorflow } from '../../../src/engines/tensorflow/install/remove.ts'
import { FRAMEWORK_LIBRARY, WHEEL_LIBRARY } from '../../../src/engines/tensorflow/locate.ts'
import { exitCode, PipelineError, type DiagnosticCode } from '../../../src/util/diagnostic.ts'
import { wheelBytes, type MadeWheel } from '../../support/wheel.ts'

const LIBRARIES = {
  [`tensorflow/${FRAMEWORK_LIBRARY}`]: 'framework',
  [`tensorflow/${WHEEL_LIBRARY}`]: 'c api '.repeat(100_000),
}
const FILES = {
  ...LIBRARIES,
  'tensorflow/THIRD_PARTY_NOTICES.txt': 'notices',
  'tensorflow/__init__.py': 'import os',
}

describe('installing libtensorflow', () => {
  let folder: string
  let engines: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'graft-install-'))
    engines = join(folder, 'engines')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const wheel = (made: Partial<MadeWheel> = {}, cut = 0): string => {
    const name = made.name ?? 'tensorflow_cpu'
    const path = join(folder, `${name}-2.21.0-cp312-cp312-any.whl`)
    const bytes = wheelBytes({ name, files: FILES, ...made })
    writeFileSync(path, bytes.subarray(0, bytes.length - cut))
    return path
  }
  const install = (options: Partial<InstallOptions> = {}) =>
    installTensorflow({
      signal: new AbortController().signal,
      env: { GRAFT_ENGINES: engines },
      probe: () => Promise.resolve({ version: '2.21.0', devices: ['cpu'], seconds: 1 }),
      ...options,
    })
  const refused = async (
    options: Partial<InstallOptions>,
    code: DiagnosticCode,
    message: RegExp,
    left: readonly string[] = [],
  ) => {
    await assert.rejects(install(options), (error) => {
      assert.ok(error instanceof PipelineError, String(error))
      assert.equal(error.diagnostics[0]!.code, code)
      assert.match(error.diagnostics[0]!.message, message)
      assert.ok(error.diagnostics[0]!.hint)
      return true
    })
    assert.deepEqual(existsSync(engines) ? readdirSync(engines) : [], left)
  }

  test('takes the libraries and the notices out of a wheel, and nothing else', async () => {
    const events: InstallEvent[] = []
    const { root, manifest, probe } = await install({
      wheels: [wheel()],
      emit: (e) => events.push(e),
    })
    assert.equal(root, join(engines, 'tensorflow-cpu'))
    assert.deepEqual(readdirSync(engines), ['tensorflow-cpu'])
    assert.deepEqual(
      readdirSync(join(root, 'tensorflow')).sort(),
      ['THIRD_PARTY_NOTICES.txt', WHEEL_LIBRARY, FRAMEWORK_LIBRARY].sort(),
    )
    assert.equal(readFileSync(join(root, 'tensorflow', FRAMEWORK_LIBRARY), 'utf8'), 'framework')
    assert.deepEqual(JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')), manifest)
    assert.equal(manifest.version, '2.21.0')
    assert.equal(manifest.sources[0]!.sha256.length, 64)
    assert.deepEqual(probe.devices, ['cpu'])
    const last = events.findLast((event) => event.type === 'progress')!
    assert.equal(last.done, last.total)
  })

  test('replaces an older one, and removes what a killed install left', async () => {
    await install({ wheels: [wheel()] })
    mkdirSync(join(engines, '.install-99999999-x'))
    mkdirSync(join(engines, `.install-${process.ppid}-y`))
    await install({
      wheels: [wheel({ files: { ...FILES, [`tensorflow/${FRAMEWORK_LIBRARY}`]: 'newer' } })],
    })
    assert.deepEqual(readdirSync(engines).sort(), [`.install-${process.ppid}-y`, 'tensorflow-cpu'])
    const path = join(engines, 'tensorflow-cpu', 'tensorflow', FRAMEWORK_LIBRARY)
    assert.equal(readFileSync(path, 'utf8'), 'newer')
  })

  test('refuses a file that is not what RECORD says', () =>
    refused(
      { wheels: [wheel({ record: { [`tensorflow/${WHEEL_LIBRARY}`]: 'AAAA' } })] },
      'DIGEST_MISMATCH',
      /libtensorflow_cc/,
    ))

  test('refuses a file that RECORD does not know', () =>
    refused(
      { wheels: [wheel({ record: { [`tensorflow/${WHEEL_LIBRARY}`]: undefined } })] },
      'BAD_ARCHIVE',
      /RECORD does not know/,
    ))

  test('refuses a wheel without the libraries, and names what is missing', () =>
    refused(
      { wheels: [wheel({ files: { 'tensorflow/__init__.py': '' } })] },
      'BAD_ARCHIVE',
      /has no libtensorflow_framework.* and no libtensorflow_cc/,
    ))

  test('refuses a truncated wheel', () =>
    refused({ wheels: [wheel({}, 30)] }, 'BAD_ARCHIVE', /not a whole Python wheel/))

  test('refuses a file that is no zip', async () => {
    const path = join(folder, 'tensorflow_cpu-2.21.0-page.whl')
    writeFileSync(path, '<html>404</html>')
    await refused({ wheels: [path] }, 'BAD_ARCHIVE', /not a whole Python wheel/)
  })

  test('refuses a wheel that is not there', () =>
    refused(
      { wheels: [join(folder, 'tensorflow_cpu-1.whl')] },
      'FILE_NOT_FOUND',
      /no file .*tensorflow_cpu-1\.whl/,
    ))

  test('says how much room it needs and where', () =>
    refused(
      { wheels: [wheel()], freeSpace: () => Promise.resolve(1000) },
      'DISK_FULL',
      /needs 600 kB in .*engines, which has 1\.0 kB left/,
    ))

  test('asks for the room before it downloads', () =>
    refused(
      { freeSpace: () => Promise.resolve(1e9), env: { GRAFT_ENGINES: engines, PATH: '/nowhere' } },
      'DISK_FULL',
      /needs 1\.3 GB/,
    ))

  test('without permission to write it names the place', () => {
    const locked = process.platform === 'darwin' ? '/System/graft' : '/sys/graft'
    return refused(
      { wheels: [wheel()], env: { GRAFT_ENGINES: locked } },
      'NOT_WRITABLE',
      /no permission to write \/sys\/graft|\/System\/graft/,
    )
  })

  test('refuses a wheel with a path that leads outside', () =>
    refused({ wheels: [wheel({ files: { ...FILES, '../x': 'no' } })] }, 'BAD_ARCHIVE', /\.\.\/x/))

  test('without pip it says what to do', () =>
    refused({ env: { GRAFT_ENGINES: engines, PATH: '/nowhere' } }, 'TOOL_MISSING', /pip is needed/))

  test('a library that does not work is not installed, and the one before stays', async () => {
    await install({ wheels: [wheel()] })
    const probe = () => Promise.resolve({ devices: [], seconds: 1, problem: 'wrong ELF class' })
    await refused({ wheels: [wheel()], probe }, 'ENGINE_FAILED', /wrong ELF class/, [
      'tensorflow-cpu',
    ])
  })

  test('interrupted, it leaves nothing', async () => {
    const interrupt = new AbortController()
    const emit = (event: InstallEvent) => event.type === 'progress' && interrupt.abort()
    await assert.rejects(install({ wheels: [wheel()], emit, signal: interrupt.signal }), {
      name: 'AbortError',
    })
    assert.deepEqual(readdirSync(engines), [])
  })

  const fakePip = (body: string): string => {
    const bin = join(folder, 'bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'pip'), `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${body}\n`, {
      mode: 0o755,
    })
    return `${bin}:${process.env.PATH}`
  }

  test('pip is asked for one wheel of this platform, without dependencies', async () => {
    const words = join(folder, 'words')
    const PATH = fakePip(
      `echo "$@" >> ${words}; while [ "$1" != --dest ]; do shift; done; cp ${wheel()} "$2"; echo "Downloading tensorflow_cpu.whl (0.6 MB)"`,
    )
    await install({ env: { GRAFT_ENGINES: engines, PATH } })
    const asked = readFileSync(words, 'utf8')
    assert.match(
      asked,
      /^download --no-deps --only-binary=:all: --no-input .* -- tensorflow(-cpu)?==2\.21\.0\n$/,
    )
    assert.match(
      asked,
      process.platform === 'darwin' ? /--platform macosx/ : /--platform manylinux_2_17_/,
    )
    assert.deepEqual(readdirSync(engines), ['tensorflow-cpu'])
  })

  test("pip's own words are told when it fails", () => {
    const PATH = fakePip(
      "echo 'ERROR: No matching distribution found for tensorflow-cpu==2.21.0' >&2; exit 1",
    )
    return refused(
      { env: { GRAFT_ENGINES: engines, PATH } },
      'DOWNLOAD_FAILED',
      /No matching distribution found/,
    )
  })

  test('--cuda brings the packages that the metadata lists, laid out for the RUNPATH', async () => {
    const main = wheel({
      name: 'tensorflow',
      metadata: [
        'Requires-Dist: absl-py>=1.0',
        "Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3; extra == 'and-cuda'",
        'Requires-Dist: nvidia-nccl-cu12<3.0; extra == "and-cuda"',
      ],
    })
    const cudnn = wheel({
      name: 'nvidia_cudnn_cu12',
      files: {
        'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn',
        'nvidia/cudnn/include/cudnn.h': 'header',
        'nvidia_cudnn_cu12-2.21.0.dist-info/licenses/License.txt': 'licence',
      },
    })
    const nccl = wheel({
      name: 'nvidia_nccl_cu12',
      files: { 'nvidia/nccl/lib/libnccl.so.2': 'nccl' },
    })
    const { root, manifest } = await install({ cuda: true, wheels: [main, nccl, cudnn] })
    assert.equal(root, join(engines, 'tensorflow-gpu'))
    assert.deepEqual(
      manifest.sources.map((s) => s.package),
      ['tensorflow', 'nvidia_cudnn_cu12', 'nvidia_nccl_cu12'],
    )
    assert.ok(existsSync(join(root, 'nvidia/cudnn/lib/libcudnn.so.9')))
    assert.ok(existsSync(join(root, 'nvidia/nccl/lib/libnccl.so.2')))
    assert.ok(existsSync(join(root, 'nvidia_cudnn_cu12-2.21.0.dist-info/licenses/License.txt')))
    assert.ok(!existsSync(join(root, 'nvidia/cudnn/include')))
  })

  test('remove takes one or both away and says which', async () => {
    const { root } = await install({ wheels: [wheel()] })
    assert.deepEqual(await removeTensorflow(['gpu'], { GRAFT_ENGINES: engines }), [])
    assert.deepEqual(await removeTensorflow(['cpu', 'gpu'], { GRAFT_ENGINES: engines }), [root])
    assert.deepEqual(readdirSync(engines), [])
  })

  test('what is wrong here is the machine: exit code 3', async () => {
    const error = await install({ wheels: [wheel()], freeSpace: () => Promise.resolve(0) }).catch(
      (e: unknown) => e,
    )
    assert.equal(exitCode(error as PipelineError), 3)
  })
})
