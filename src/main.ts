#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { CommandContext, CommandRun, Output } from './commands/command.ts'
import { COMMANDS } from './commands/table.ts'
import { parseUsage } from './commands/usage.ts'
import { exitCode, PipelineError } from './util/diagnostic.ts'
import type { Diagnostic } from './util/diagnostic.ts'

// The only file that prints diagnostics, sets the exit code and handles signals.

/** Batch systems send SIGUSR2 some time before they end a job (SIGUSR1 opens Node's debugger): it means what SIGTERM does. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGUSR2: 143, SIGHUP: 129 } as const

/** `timeout` and some schedulers send a signal twice, to the process and to its group: that is one signal. */
const SAME_SIGNAL = 100

/** The first signal asks the command to stop at the next good moment, the second ends the process at once. */
function abortOnSignals(): { signal: AbortSignal; code: () => number | undefined } {
  const controller = new AbortController()
  let received: number | undefined
  let at = 0
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (received !== undefined && performance.now() - at > SAME_SIGNAL) process.exit(code)
      if (received !== undefined) return
      received = code
      at = performance.now()
      controller.abort(new DOMException('interrupted', 'AbortError'))
    })
  }
  return { signal: controller.signal, code: () => received }
}

async function print(diagnostics: readonly Diagnostic[]): Promise<void> {
  const { diagnosticsText, annotationsText } = await import('./util/print-diagnostics.ts')
  process.stderr.write(diagnosticsText(diagnostics, { color: colors(process.stderr) }))
  if (process.env['GITHUB_ACTIONS']) process.stderr.write(annotationsText(diagnostics))
}

function colors(stream: Output): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
}

/** By the link on the path it is `pipeline`; npm scripts and people in a clone name this file. */
function program(path: string): string {
  if (!path.endsWith('.js')) return 'pipeline'
  const near = relative(process.cwd(), path)
  return `node ${near.startsWith('..') ? path : near}`
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

async function main(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = process
  const interrupt = abortOnSignals()
  const printed: Promise<void>[] = []
  try {
    const invocation = parseUsage(argv, COMMANDS, version(), { stdout, stderr })
    if ('exit' in invocation) return invocation.exit
    const { run } = await invocation.command.load()
    const context: CommandContext = {
      stdout,
      stderr,
      signal: interrupt.signal,
      env: process.env,
      cwd: process.cwd(),
      program: program(process.argv[1] ?? ''),
      report: (diagnostics) => void printed.push(print(diagnostics)),
    }
    const code = await (run as CommandRun)(invocation.args, invocation.options, context)
    return interrupt.code() ?? code ?? 0
  } catch (error) {
    const interrupted = interrupt.code()
    if (interrupted !== undefined && isAbort(error)) return interrupted
    if (!(error instanceof PipelineError)) throw error
    await Promise.all(printed)
    await print(error.diagnostics)
    return exitCode(error)
  } finally {
    await Promise.all(printed)
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** What is still on its way into a pipe is lost by `process.exit`. */
function drained(stream: Output): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) resolve()
    else stream.write('', () => resolve())
  })
}

// A reader that has had enough (`pipeline ls | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

let code: number
try {
  code = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(
    `This is a bug in pipeline, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`,
  )
  code = 1
}
await Promise.all([drained(process.stdout), drained(process.stderr)])
process.exit(code)
