import { enginesFolder } from '../engines/folder.ts'
import { describeEngines, type EngineRecord } from '../engines/describe.ts'
import { failure } from '../util/diagnostic.ts'
import { bytesText, secondsText } from '../util/text.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { installScreen } from './screen/install.ts'
import { tableText, type Column, type TableFormat } from './table-text.ts'

interface EngineFlags {
  readonly cuda?: boolean
  readonly wheel?: readonly string[]
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline engine ls|install|remove`. */
export const run: CommandRun = async ([action], options, context) => {
  const flags: EngineFlags = options
  if (action !== 'install' && flags.wheel) {
    throw failure('USAGE', '--wheel is about install', {
      hint: 'pipeline engine install --wheel …',
    })
  }
  if (action === 'ls') return list(flags, context)
  if (action === 'install') return install(flags, context)
  return remove(flags, context)
}

const COLUMNS: readonly Column<EngineRecord>[] = [
  { title: 'engine', value: (row) => row.engine },
  { title: 'version', value: (row) => row.version ?? '' },
  { title: 'runs on', value: (row) => row.devices.join(' ') },
  { title: 'found', value: (row) => row.source },
  { title: 'where', value: (row) => row.folder ?? '' },
  { title: 'adapter', value: (row) => row.adapter ?? '' },
  { title: 'remark', value: (row) => row.problem ?? '' },
]

async function list(flags: EngineFlags, { stdout, env, cwd, signal }: CommandContext) {
  const rows = await describeEngines({ env, cwd, signal })
  const format: TableFormat = flags.md ? 'md' : flags.csv ? 'csv' : 'text'
  if (flags.json) stdout.write(json(rows))
  else stdout.write(tableText(COLUMNS, rows, format))
}

async function install(flags: EngineFlags, { stdout, stderr, env, signal }: CommandContext) {
  const { installTensorflow } = await import('../engines/tensorflow/install/install.ts')
  const screen = installScreen(stderr)
  const began = performance.now()
  try {
    const { root, manifest, probe, bytes } = await installTensorflow({
      cuda: flags.cuda,
      wheels: flags.wheel,
      emit: screen.event,
      signal,
      env,
    })
    screen.close()
    const seconds = (performance.now() - began) / 1000
    const { version, cuda } = manifest
    if (flags.json) {
      stdout.write(
        json({ engine: 'tensorflow', cuda, folder: root, bytes, ...probe, version, seconds }),
      )
      return
    }
    const runsOn = probe.devices.map((device) => device.toUpperCase()).join(' and ')
    stdout.write(
      `libtensorflow ${version} in ${root}: ${bytesText(bytes)}, ${secondsText(seconds)}; it runs on the ${runsOn}\n`,
    )
    if (cuda && !probe.devices.includes('gpu')) {
      stdout.write(`no GPU was used: ${probe.problem ?? 'none was found'}\n`)
    }
  } finally {
    screen.close()
  }
}

async function remove(flags: EngineFlags, { stdout, env }: CommandContext) {
  const { removeTensorflow } = await import('../engines/tensorflow/install/remove.ts')
  const removed = await removeTensorflow(flags.cuda ? ['gpu'] : ['cpu', 'gpu'], env)
  if (flags.json) stdout.write(json({ removed }))
  else if (removed.length > 0) stdout.write(removed.map((folder) => `removed ${folder}\n`).join(''))
  else stdout.write(`nothing was installed in ${enginesFolder(env)}\n`)
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
