import { failure } from './diagnostic.ts'

/** pip as a command of its own or as a module; the first that answers is used. */
const PIPS: readonly (readonly string[])[] = [
  ['pip'],
  ['pip3'],
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
]

export interface ToolOptions {
  readonly cwd: string
  readonly signal: AbortSignal
  /** Beside the process's own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Gets the output as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined
}

export interface ToolResult {
  readonly failed: boolean
  readonly missing: boolean
  readonly output: string
}

/** The words that start pip here; throws TOOL_MISSING, whose hint may say more than where to get pip. */
export async function findPip(
  { cwd, signal, env }: ToolOptions,
  hint = 'install Python with pip (any version), or download the wheel elsewhere and give it with {path: …}',
): Promise<readonly string[]> {
  for (const pip of PIPS) {
    const { failed } = await runTool([...pip, '--version'], { cwd, signal, env })
    if (!failed) return pip
  }
  throw failure('TOOL_MISSING', 'pip is needed to fetch a package of PyPI, and was not found', {
    hint,
  })
}

export interface PipDownload extends ToolOptions {
  /** The words of `findPip`. */
  readonly pip: readonly string[]
  /** Where the wheel goes. */
  readonly folder: string
  /** `3.12`: which wheel is wanted, whatever Python pip runs on. */
  readonly python: string
  /** pip's tags, such as `manylinux_2_17_x86_64`; none: this machine's. */
  readonly platforms: readonly string[]
  readonly flags?: readonly string[] | undefined
}

/** One wheel without its dependencies, without running anything of it; what is wrong stands in the result. */
export async function pipDownload(requirement: string, options: PipDownload): Promise<ToolResult> {
  const { pip, folder, python, platforms, flags = [] } = options
  const plain = ['--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check']
  const target = ['--python-version', python, ...platforms.flatMap((tag) => ['--platform', tag])]
  const words = [...pip, 'download', ...plain, ...flags, '--dest', folder, ...target]
  return runTool([...words, '--', requirement], options)
}

/** Runs a tool to its end; throws only when the signal says so. */
export async function runTool(
  words: readonly string[],
  { cwd, signal, env, onOutput }: ToolOptions,
): Promise<ToolResult> {
  const { execa } = await import('execa')
  const running = execa(words[0]!, words.slice(1), {
    cwd,
    cancelSignal: signal,
    reject: false,
    stdin: 'ignore',
    all: true,
    env: { npm_config_loglevel: 'error', npm_config_update_notifier: 'false', ...env },
  })
  if (onOutput) running.all.on('data', (chunk: Buffer) => onOutput(chunk.toString()))
  const result = await running
  signal.throwIfAborted()
  return { failed: result.failed, missing: result.code === 'ENOENT', output: result.all }
}

/** The client's own words say most; the first telling line of them is shown. */
export function tellingLine(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const telling =
    lines.find((line) => /No matching distribution/.test(line)) ??
    lines.find((line) => /^(npm (error|ERR!)|ERROR:)/.test(line)) ??
    lines.find((line) => line !== '') ??
    'it said nothing'
  return telling.replace(/^(npm (error|ERR!)( code)?|ERROR:)\s*/, '')
}
