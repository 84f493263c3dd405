import { openStore } from '../graph/store.ts'
import { runsRoot } from '../runs/read.ts'
import { openUi } from '../ui/app.ts'
import { listen } from '../ui/serve.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { readSweepReport } from '../report/sweep/read.ts'
import type { CommandRun } from './command.ts'
import { overrides, storeOptions } from './pipeline-file.ts'
import { openNamedSweep } from './sweep.ts'

export interface UiFlags {
  readonly port?: string
  readonly runs?: string
  readonly store?: string
}

const PORT = 4747

/** `pipeline ui`: pages of the folder of runs on this machine, until Ctrl-C. */
export const run: CommandRun = async (_, options, context) => {
  const { env, cwd, stdout, stderr, signal } = context
  const flags: UiFlags = options
  const wanted = portOf(flags.port)
  const { store } = storeOptions(flags, { env, cwd })
  let port = wanted
  const ui = openUi({
    root: runsRoot(flags.runs, env, cwd),
    openStore: () => openStore(store, { readOnly: true }),
    readSweep: async (name) => {
      const opened = await openNamedSweep(name, flags, context)
      return readSweepReport(opened.sweep, { file: opened.file, set: overrides(opened.flags) })
    },
    places: { store, cwd },
    port: () => port,
    failed: (error) => {
      if (error instanceof PipelineError) context.report(error.diagnostics)
      else stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    },
  })
  try {
    const server = await listen(ui.app.fetch, wanted)
    port = server.port
    stdout.write(`http://localhost:${port}/\n`)
    stderr.write('Ctrl-C ends it.\n')
    await aborted(signal)
    await server.close()
  } finally {
    ui.close()
  }
}

function portOf(port: string | undefined): number {
  if (port === undefined) return PORT
  if (/^\d{1,5}$/.test(port) && Number(port) < 65_536) return Number(port)
  throw failure('USAGE', `--port takes a number up to 65535, got "${port}"`, {
    hint: '--port 0 takes one that is free',
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
