import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '../../../util/diagnostic.ts'
import { findPip, pipDownload, tellingLine } from '../../../util/pip.ts'
import type { InstallEvent } from './install.ts'
import type { WheelChoice } from './packages.ts'

export interface FetchOptions extends WheelChoice {
  /** Made, and emptied by the caller. */
  readonly folder: string
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  readonly emit?: ((event: InstallEvent) => void) | undefined
}

/** How often the growing file is looked at, ms. */
const WATCH = 250

/** One wheel by pip, so that mirrors, proxies and credentials of this machine hold. Throws TOOL_MISSING, DOWNLOAD_FAILED. */
export async function fetchWheel(requirement: string, options: FetchOptions): Promise<string> {
  const { folder, python, platforms, signal, emit } = options
  const temporary = join(folder, 'temporary')
  await mkdir(temporary, { recursive: true })
  // pip downloads into TMPDIR first; no cache, or the disk would hold all of it twice.
  const env = { ...options.env, TMPDIR: temporary, PIP_PROGRESS_BAR: 'off' }
  const tool = { cwd: folder, signal, env }
  const pip = await findPip(
    tool,
    `install Python with pip (any version), or download the wheel of ${requirement} elsewhere and give it with --wheel FILE`,
  )
  const name = /^[\w.-]+/.exec(requirement)?.[0] ?? requirement
  const what = `downloading ${name}`
  let total: number | undefined
  const onOutput = (text: string): void => {
    total = announcedBytes(text) ?? total
  }
  const watch = setInterval(() => {
    void bytesBelow(folder).then((bytes) => {
      // At the end pip copies the file: then both count.
      emit?.({ type: 'progress', what, done: Math.min(bytes, total ?? bytes), total })
    })
  }, WATCH)
  try {
    const flags = ['--no-cache-dir']
    const all = { ...tool, pip, folder, python, platforms, flags, onOutput }
    const { failed, output } = await pipDownload(requirement, all)
    if (failed) {
      throw failure(
        'DOWNLOAD_FAILED',
        `pip download of ${requirement} failed: ${tellingLine(output)}`,
        {
          hint: 'check that this machine reaches the package index; or download the wheel elsewhere and give it with --wheel FILE',
        },
      )
    }
  } finally {
    clearInterval(watch)
  }
  const wheels = (await readdir(folder)).filter((file) => file.endsWith('.whl'))
  if (wheels.length !== 1) {
    throw failure(
      'DOWNLOAD_FAILED',
      `pip download of ${requirement} brought ${wheels.length} wheels`,
    )
  }
  return join(folder, wheels[0]!)
}

/** pip says `Downloading tensorflow_cpu-2.21.0-….whl (274.0 MB)`, in powers of ten. */
function announcedBytes(text: string): number | undefined {
  const [, number, unit] = /\.whl[^(\n]* \(([\d.]+) (kB|MB|GB)\)/.exec(text) ?? []
  const factor = { kB: 1e3, MB: 1e6, GB: 1e9 }[unit ?? '']
  return number && factor ? Number(number) * factor : undefined
}

async function bytesBelow(folder: string): Promise<number> {
  let total = 0
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => undefined)
    if (found?.isFile()) total += found.size
  }
  return total
}
