import { Argument, Command as Program, CommanderError, Option } from 'commander'
import { failure } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import type { Command, CommandArgument, CommandOption, Output } from './command.ts'

/** A command with what argv gives it, or the exit code after help or the version were printed. */
export type Invocation =
  | {
      readonly command: Command
      readonly args: readonly string[]
      readonly options: Readonly<Record<string, unknown>>
    }
  | { readonly exit: number }

/** Reads argv by the table. Help and version go to stdout here; wrong usage throws USAGE. */
export function parseUsage(
  argv: readonly string[],
  commands: readonly Command[],
  version: string,
  output: { readonly stdout: Output; readonly stderr: Output },
): Invocation {
  let invocation: Invocation = { exit: 0 }
  const program = new Program('pipeline')
    .description('Trains image classifiers by transfer learning from one YAML file.')
    .version(version)
    .configureOutput({
      writeOut: (text) => void output.stdout.write(text),
      // Commander's own sentences are replaced by diagnostics.
      writeErr: () => undefined,
    })
    .configureHelp({
      showGlobalOptions: false,
      subcommandTerm: (c) => `${c.name()} ${usageOf(c.name(), commands)}`.trim(),
    })
    .helpCommand('help [command]', 'help for one command')
    .addHelpText(
      'after',
      '\nStart with `pipeline init --from FOLDER`; `pipeline COMMAND --help` has examples of each.',
    )
    .exitOverride()
  for (const command of commands) {
    const sub = subProgram(command).copyInheritedSettings(program)
    sub.action((...given: unknown[]) => {
      const args = given.slice(0, command.arguments.length).flat().filter(isText).map(shown)
      invocation = {
        command,
        args,
        options: given[command.arguments.length] as Record<string, unknown>,
      }
    })
    program.addCommand(sub)
  }
  if (argv.length === 0) {
    output.stderr.write(program.helpInformation())
    return { exit: 2 }
  }
  try {
    const known = commands.find((c) => c.name === argv[0])
    program.parse(known?.hasDashes ? argv.map(hidden) : argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { exit: 0 }
    throw usageError(error, argv, commands)
  }
  return invocation
}

function subProgram(command: Command): Program {
  const sub = new Program(command.name)
    .description(`${upper(command.summary)}.`)
    .summary(command.summary)
  for (const argument of command.arguments) sub.addArgument(argumentOf(argument))
  for (const option of command.options) sub.addOption(optionOf(option))
  const width = Math.max(...command.examples.map(([line]) => line.length))
  const lines = command.examples.map(([line, says]) => `  $ ${line.padEnd(width)}   ${says}`)
  return sub.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

function argumentOf({ name, description, optional, many, choices }: CommandArgument): Argument {
  const inner = `${name}${many ? '...' : ''}`
  const argument = new Argument(optional ? `[${inner}]` : `<${inner}>`, description)
  return choices ? argument.choices([...choices]) : argument
}

function optionOf({ flags, description, many, choices }: CommandOption): Option {
  const option = new Option(flags, description)
  if (choices) option.choices([...choices])
  if (!many) return option
  return option.argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    value,
  ])
}

/** `FILE [--origin]` and the like would be long in the list of commands: only the arguments. */
function usageOf(name: string, commands: readonly Command[]): string {
  const command = commands.find((c) => c.name === name)
  const words = (command?.arguments ?? []).map(({ name: argument, optional, many, choices }) => {
    const word =
      (choices ? choices.join('|') : argument.toUpperCase().replace(/S$/, many ? '' : 'S')) +
      (many ? '...' : '')
    return optional ? `[${word}]` : word
  })
  return words.join(' ')
}

/** Commander's error in our words: one sentence, quotes as everywhere, and where to read on. */
function usageError(
  error: CommanderError,
  argv: readonly string[],
  commands: readonly Command[],
): Error {
  const known = commands.find((c) => c.name === argv[0])
  const name = argv.find((word) => !word.startsWith('-')) ?? ''
  const help = known
    ? `\`pipeline ${known.name} --help\` shows how it is used`
    : '`pipeline --help` lists the commands'
  if (error.code === 'commander.unknownCommand') {
    const guess = didYouMean(name, [...commands.map((c) => c.name), 'help'])
    return failure('USAGE', `unknown command "${name}"${guess ? `; ${guess}` : ''}`, {
      hint: help,
      cause: error,
    })
  }
  const [first = '', second] = error.message.replace(/^error: /, '').split('\n')
  const guess = /Did you mean (?:one of )?(.*)\?/.exec(second ?? '')?.[1]
  const sentence = first.replace(/'/g, '"').replace(/\.$/, '')
  return failure('USAGE', `${sentence}${guess ? `; did you mean "${guess}"?` : ''}`, {
    hint: help,
    cause: error,
  })
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `-x` as commander takes no option for; `-h` stays the help. */
function hidden(word: string): string {
  return /^-[^-]/.test(word) && word !== '-h' ? `${HIDDEN}${word}` : word
}

function shown(word: string): string {
  return word.startsWith(HIDDEN) ? word.slice(HIDDEN.length) : word
}

/** No argument of a process can hold this. */
const HIDDEN = '\u0000'

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
