import { relative, resolve } from 'node:path'
import { chooseEngine, type EngineRequest } from '../engines/choose.ts'
import { checkText, exportRun } from '../export/export.ts'
import { FORMATS, type ExportFormat } from '../export/formats.ts'
import { openStore } from '../graph/store.ts'
import { findRun, runsRoot } from '../runs/read.ts'
import { bytesText } from '../util/text.ts'
import { wrap } from '../util/width.ts'
import type { CommandRun } from './command.ts'
import { storeOptions } from './pipeline-file.ts'
import { textColumns } from './screen/phases.ts'

export interface ExportFlags {
  readonly format?: ExportFormat
  readonly out?: string
  readonly engine?: EngineRequest['name']
  readonly runs?: string
  readonly store?: string
  readonly json?: boolean
}

/** `pipeline export RUN`: the whole model of a run as files that Keras or TensorFlow.js load. */
export const run: CommandRun = async ([reference], options, context) => {
  const { env, cwd, stdout, signal, report } = context
  const flags: ExportFlags = options
  const { format = 'keras' } = flags
  const found = findRun(String(reference), runsRoot(flags.runs, env, cwd), cwd)
  const out = resolve(cwd, flags.out ?? `${found.record.name}-${format}`)
  const { open } = await chooseEngine(
    { name: flags.engine ?? 'auto' },
    { note: (diagnostic) => report([diagnostic]) },
  )
  const store = await openStore(storeOptions(flags, context).store, { readOnly: true })
  const exported = exportRun(found, { format, out, store, openEngine: open, signal })
  const { files, check } = await exported.finally(() => store.close())
  const folder = relative(cwd, out) || '.'
  if (flags.json) {
    const { name, id } = found.record
    const result = { run: { name, id }, format, folder, files, check }
    stdout.write(`${JSON.stringify(result, null, 2)}\n`)
    return
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const lines = [
    `${folder}: ${FORMATS[format].says}; ${bytesText(bytes)} with README.md, which tells how to load it.`,
    `Checked: ${checkText(check)}.`,
  ]
  stdout.write(`${lines.flatMap((line) => wrap(line, textColumns(stdout))).join('\n')}\n`)
}
