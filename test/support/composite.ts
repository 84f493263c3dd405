import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

interface Step {
  readonly name: string
  readonly if?: string
  readonly shell: string
  readonly run: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Action {
  readonly inputs: Readonly<
    Record<string, { readonly description: string; readonly default: string }>
  >
  readonly runs: { readonly using: string; readonly steps: readonly Step[] }
}

export function readAction(folder: string): Action {
  return parse(readFileSync(join(folder, 'action.yml'), 'utf8')) as Action
}

export interface ActionResult {
  readonly code: number
  /** What all steps printed, as in a job's log. */
  readonly log: string
}

/**
 * Runs a composite action's steps as the runner does: bash by file of the step's text (`bash --noprofile --norc -eo pipefail`),
 * inputs laid over their defaults, the few expressions that the action uses. A step that fails ends those without `!cancelled()`.
 */
export async function runAction(
  folder: string,
  options: {
    readonly cwd: string
    readonly with?: Readonly<Record<string, string>>
    /** `github.token` and the like, by their whole name. */
    readonly github: Readonly<Record<string, string>>
    readonly env: NodeJS.ProcessEnv
  },
): Promise<ActionResult> {
  const { inputs, runs } = readAction(folder)
  const value = (expression: string): string => {
    const input = /^inputs\.(\w+)$/.exec(expression)?.[1]
    if (input === undefined) return options.github[expression] ?? ''
    return options.with?.[input] ?? filled(inputs[input]!.default)
  }
  const filled = (text: string) =>
    text.replace(/\$\{\{ *(.+?) *\}\}/g, (_, expression: string) => value(expression))
  const holds = (condition: string | undefined, failed: boolean): boolean => {
    const terms = (condition ?? '').replace(/^\$\{\{|\}\}$/g, '').split('&&')
    const words = terms.map((term) => term.trim()).filter((term) => term !== '')
    const isFree = words.includes('!cancelled()')
    const compared = words.filter((term) => term !== '!cancelled()')
    return (
      (isFree || !failed) &&
      compared.every((term) => {
        const [, left, right] = /^([\w.]+) == '(.*)'$/.exec(term)!
        return value(left!) === right
      })
    )
  }
  let code = 0
  let log = ''
  for (const step of runs.steps) {
    if (!holds(step.if, code !== 0)) continue
    const own = Object.entries(step.env ?? {}).map(([name, text]) => [name, filled(text)])
    const env = { ...options.env, GITHUB_ACTION_PATH: folder, ...Object.fromEntries(own) }
    const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run]
    const child = spawn('bash', args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => void (log += part))
    }
    const [ended] = (await once(child, 'close')) as [number | null]
    if (ended !== 0) code = ended ?? 1
  }
  return { code, log }
}
