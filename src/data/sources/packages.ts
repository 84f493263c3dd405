import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { checkPackage, sourceName } from './source.ts'
import type { FetchOptions, Source } from './source.ts'

type Package = Extract<Source, { npm: string } | { pypi: string }>

/** Which wheel pip looks for; whatever Python it runs on itself. */
export interface WheelTarget {
  /** Default `3.12`. */
  readonly python?: string | undefined
  /** pip's tags, such as `manylinux_2_17_x86_64`; default: this machine's. */
  readonly platforms?: readonly string[] | undefined
}

/** pip as a command of its own or as a module; the first that answers is used. */
const PIPS: readonly (readonly string[])[] = [
  ['pip'],
  ['pip3'],
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
]

/**
 * One package of a registry, alone and without running anything of it, through the user's own client, so that
 * mirrors, proxies and credentials hold. The path lies in `work`. Throws TOOL_MISSING, DOWNLOAD_FAILED, WRONG_VALUE.
 */
export async function fetchPackage(
  source: Package,
  { work, signal }: Pick<FetchOptions, 'work' | 'signal'>,
  target: WheelTarget = {},
): Promise<{ path: string; fileName: string }> {
  checkPackage('npm' in source ? 'npm' : 'pypi', 'npm' in source ? source.npm : source.pypi)
  const folder = await mkdtemp(join(work, 'package-'))
  try {
    if ('npm' in source) await npmPack(source.npm, folder, signal)
    else await pipDownload(source.pypi, folder, signal, target)
    const files = (await readdir(folder)).filter((name) => /\.(tgz|whl)$/.test(name))
    if (files.length !== 1) throw badAnswer(source, `it brought ${files.length} files`)
    await mkdir(work, { recursive: true })
    const path = join(work, 'package')
    await rename(join(folder, files[0]!), path)
    return { path, fileName: files[0]! }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function npmPack(name: string, folder: string, signal: AbortSignal): Promise<void> {
  const flags = ['--ignore-scripts', '--json', '--pack-destination', folder]
  const result = await runTool(['npm', 'pack', ...flags, '--', name], folder, signal)
  if (result.missing) {
    throw failure('TOOL_MISSING', 'npm is needed to fetch a package, and was not found', {
      hint: 'install npm (it comes with Node.js), or give the package file itself with {path: …}',
    })
  }
  if (result.failed) throw refused({ npm: name }, result.output)
}

async function pipDownload(
  name: string,
  folder: string,
  signal: AbortSignal,
  target: WheelTarget,
): Promise<void> {
  const pip = await findPip(folder, signal)
  const flags = ['--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check']
  const python = ['--python-version', target.python ?? '3.12']
  const platforms = (target.platforms ?? []).flatMap((tag) => ['--platform', tag])
  const words = [...pip, 'download', ...flags, '--dest', folder, ...python, ...platforms]
  const result = await runTool([...words, '--', name], folder, signal)
  if (result.failed) throw refused({ pypi: name }, result.output)
}

/** The words that start pip here; throws TOOL_MISSING. */
export async function findPip(cwd: string, signal: AbortSignal): Promise<readonly string[]> {
  for (const pip of PIPS) {
    const { failed } = await runTool([...pip, '--version'], cwd, signal)
    if (!failed) return pip
  }
  throw failure('TOOL_MISSING', 'pip is needed to fetch a package of PyPI, and was not found', {
    hint: 'install Python with pip (any version), or download the wheel elsewhere and give it with {path: …}',
  })
}

interface ToolResult {
  readonly failed: boolean
  readonly missing: boolean
  readonly output: string
}

async function runTool(
  words: readonly string[],
  cwd: string,
  signal: AbortSignal,
): Promise<ToolResult> {
  const { execa } = await import('execa')
  const result = await execa(words[0]!, words.slice(1), {
    cwd,
    cancelSignal: signal,
    reject: false,
    stdin: 'ignore',
    all: true,
    env: { npm_config_loglevel: 'error', npm_config_update_notifier: 'false' },
  })
  signal.throwIfAborted()
  return { failed: result.failed, missing: result.code === 'ENOENT', output: result.all }
}

/** The client's own words say most; the first telling line of them is shown. */
function refused(source: Package, output: string): PipelineError {
  const lines = output.split('\n').map((line) => line.trim())
  const telling =
    lines.find((line) => /No matching distribution/.test(line)) ??
    lines.find((line) => /^(npm (error|ERR!)|ERROR:)/.test(line)) ??
    lines.find((line) => line !== '') ??
    'it said nothing'
  return badAnswer(source, telling.replace(/^(npm (error|ERR!)( code)?|ERROR:)\s*/, ''))
}

function badAnswer(source: Package, why: string): PipelineError {
  const client = 'npm' in source ? 'npm pack' : 'pip download'
  return failure('DOWNLOAD_FAILED', `${sourceName(source)}: ${client} failed: ${why}`, {
    hint: 'check the name and the version, and that this machine reaches the registry; or use {path: …}',
  })
}
