import { describeEngines } from '../engines/describe.ts'
import type { CommandRun } from './command.ts'
import { checkMachine, type Check } from './doctor/checks.ts'
import { tableText, type Column } from './table-text.ts'

/** What this machine lacks when nothing can run. */
const MACHINE = 3

/** `pipeline doctor`: what this machine has, and the cure for each thing that it lacks. */
export const run: CommandRun = async (_, options, context) => {
  const { env, cwd, signal, stdout, stderr } = context
  const { json } = options as { json?: boolean; store?: string }
  if (stderr.isTTY && !json) stderr.write('trying the engines …\r')
  const engines = await describeEngines({ env, cwd, signal })
  if (stderr.isTTY && !json) stderr.write('\u001B[K')
  const checks = await checkMachine(engines, {
    ...context,
    store: (options as { store?: string }).store,
  })
  const ok = engines.some(({ devices }) => devices.length > 0)
  if (json) stdout.write(`${JSON.stringify({ ok, checks, engines }, null, 2)}\n`)
  else stdout.write(doctorText(checks, ok))
  return ok ? 0 : MACHINE
}

const SIGNS = { ok: 'ok', note: '-', lacking: 'LACKING' } as const

const COLUMNS: readonly Column<Check>[] = [
  { title: 'what', value: (check) => check.name },
  { title: 'state', value: (check) => SIGNS[check.state] },
  { title: 'found', value: (check) => check.detail },
]

function doctorText(checks: readonly Check[], ok: boolean): string {
  const cures = checks.filter((check) => check.cure !== undefined)
  const lines = cures.map(({ name, cure }) => `${name}: ${cure}\n`)
  const verdict = ok ? 'This machine can run pipelines.' : 'No engine works here: nothing can run.'
  return [
    tableText(COLUMNS, checks, 'text'),
    '\n',
    ...lines,
    ...(lines.length > 0 ? ['\n'] : []),
    verdict,
    '\n',
  ].join('')
}
