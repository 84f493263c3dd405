import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Json } from '../util/json.ts'

/** What a run says of where it was made: versions and the processor's kind, never a user, host or path. */
export async function environment(cwd: string): Promise<Record<string, Json>> {
  const git = await gitState(cwd)
  return {
    graft: graftVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
    ...(git ? { git } : {}),
  }
}

export function graftVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Commit and whether the work tree differs from it; undefined outside a repository or without git. */
async function gitState(cwd: string): Promise<{ commit: string; dirty: boolean } | undefined> {
  const { execa } = await import('execa')
  const git = (...args: string[]) =>
    execa('git', args, { cwd, reject: false, timeout: 5000, stdin: 'ignore' })
  const [commit, status] = await Promise.all([
    git('rev-parse', 'HEAD'),
    git('status', '--porcelain', '--untracked-files=no'),
  ])
  if (commit.exitCode !== 0 || status.exitCode !== 0) return undefined
  return { commit: commit.stdout.trim(), dirty: status.stdout.trim() !== '' }
}
