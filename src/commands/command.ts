import type { Writable } from 'node:stream'
import type { Diagnostic } from '../util/diagnostic.ts'

/** A stream of the process, or of a test. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** What a command may use of the world. It never prints diagnostics nor ends the process: `main.ts` does. */
export interface CommandContext {
  /** Data. */
  readonly stdout: Output
  /** Progress and logs. */
  readonly stderr: Output
  /** Aborted by the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** How a person calls this program from there: `pipeline`, or `node dist/src/main.js` in a clone. */
  readonly program: string
  /** Prints diagnostics to stderr as `main.ts` does; for warnings of a command that goes on. */
  readonly report: (diagnostics: readonly Diagnostic[]) => void
}

/** Arguments in their order, those that take many flat behind the others; options by camelCase name. */
export type CommandRun = (
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
  context: CommandContext,
) => Promise<number | void>

/** A command's file. Its options are its own interface, which the row in the table has to match. */
export interface CommandModule {
  readonly run: (args: never, options: never, context: never) => Promise<number | void>
}

export interface CommandArgument {
  readonly name: string
  readonly description: string
  readonly optional?: boolean
  /** Takes all that follow. */
  readonly many?: boolean
  readonly choices?: readonly string[]
}

export interface CommandOption {
  /** As in help: `--jobs <n>`, `--no-cache`. */
  readonly flags: string
  readonly description: string
  /** May be given again and again; the values are a list. */
  readonly many?: boolean
  readonly choices?: readonly string[]
}

/** One row of the table of commands: all that help and parsing need, without loading the command. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly arguments: readonly CommandArgument[]
  readonly options: readonly CommandOption[]
  /** Words with one dash in front (`-x`) are arguments, not options. */
  readonly hasDashes?: boolean
  readonly examples: readonly (readonly [command: string, says: string])[]
  readonly load: () => Promise<CommandModule>
}
