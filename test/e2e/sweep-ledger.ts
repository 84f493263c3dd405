import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from './rig.ts'

/** What `sweep show --json` and `run --json` of a sweep say of it. */
export interface ShownSweep {
  readonly workers?: number
  readonly trials: readonly {
    readonly id: string
    readonly parameters: unknown
    readonly status: string
    readonly metrics: unknown
  }[]
  readonly best: string | null
}

export function jsonOf<T = ShownSweep>(text: string): T {
  return JSON.parse(text) as T
}

export async function shown(project: Project, file: string): Promise<ShownSweep> {
  const { code, stdout, stderr } = await project.pipeline(['sweep', 'show', file, '--json'])
  if (code !== 0) throw new Error(stderr)
  return jsonOf(stdout)
}

/** What trials came to, without what depends on when they ran. */
export function sweepEssence({ trials, best }: ShownSweep): unknown {
  return {
    best,
    trials: trials.map(({ id, parameters, metrics }) => ({ id, parameters, metrics })),
  }
}

/** The types of the lines of each trial's log. */
export function ledger(
  { path }: Project,
  name: string,
): { readonly id: string; readonly lines: readonly string[] }[] {
  const trials = join(path, 'runs', name, 'sweep/trials')
  return names(trials).map((id) => {
    const text = names(join(trials, id)).includes('log.jsonl')
      ? readFileSync(join(trials, id, 'log.jsonl'), 'utf8')
      : ''
    const lines = text.split('\n').flatMap((line) => /"type":"(\w+)"/.exec(line)?.[1] ?? [])
    return { id, lines }
  })
}

/** How often each trial was finished. */
export function doneLines(project: Project, name: string): Map<string, number> {
  const counted = ledger(project, name).map(
    ({ id, lines }) => [id, lines.filter((line) => line === 'done').length] as const,
  )
  return new Map(counted)
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'))
  } catch {
    return []
  }
}
