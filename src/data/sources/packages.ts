import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failure, type PipelineError } from '../../util/diagnostic.ts'
import { findPip, pipDownload, runTool, tellingLine } from '../../util/pip.ts'
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
    else await pipWheel(source.pypi, folder, signal, target)
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
  const result = await runTool(['npm', 'pack', ...flags, '--', name], { cwd: folder, signal })
  if (result.missing) {
    throw failure('TOOL_MISSING', 'npm is needed to fetch a package, and was not found', {
      hint: 'install npm (it comes with Node.js), or give the package file itself with {path: …}',
    })
  }
  if (result.failed) throw refused({ npm: name }, result.output)
}

async function pipWheel(
  name: string,
  folder: string,
  signal: AbortSignal,
  target: WheelTarget,
): Promise<void> {
  const options = { cwd: folder, signal }
  const result = await pipDownload(name, {
    ...options,
    pip: await findPip(options),
    folder,
    python: target.python ?? '3.12',
    platforms: target.platforms ?? [],
  })
  if (result.failed) throw refused({ pypi: name }, result.output)
}

function refused(source: Package, output: string): PipelineError {
  return badAnswer(source, tellingLine(output))
}

function badAnswer(source: Package, why: string): PipelineError {
  const client = 'npm' in source ? 'npm pack' : 'pip download'
  return failure('DOWNLOAD_FAILED', `${sourceName(source)}: ${client} failed: ${why}`, {
    hint: 'check the name and the version, and that this machine reaches the registry; or use {path: …}',
  })
}
