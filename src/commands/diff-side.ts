import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { storeRoot } from '../graph/store-root.ts'
import { sideOfRun, type Side } from '../runs/diff/side.ts'
import { findRun, readRun, runsRoot } from '../runs/read.ts'
import type { CommandContext } from './command.ts'
import type { RunFlags } from './pipeline-file.ts'

/** What a person names to be compared: a run, a pipeline file, or a file at a revision of git. */
export async function sideOf(
  reference: string,
  flags: Pick<RunFlags, 'runs' | 'store'>,
  context: CommandContext,
): Promise<Side> {
  const { env, cwd } = context
  if (readRun(resolve(cwd, reference)) === undefined) {
    // What only compares runs loads nothing of this.
    const files = () => import('./diff-file-side.ts')
    if (isFile(resolve(cwd, reference)))
      return (await files()).sideOfFile(reference, flags, context)
    if (AT_REVISION.test(reference)) {
      return (await files()).sideAtRevision(reference, flags, context)
    }
    if (/\.ya?ml$/i.test(reference)) return (await files()).sideOfFile(reference, flags, context)
  }
  const run = findRun(reference, runsRoot(flags.runs, env, cwd), cwd)
  return sideOfRun(run, { store: storeRoot(env, flags.store, cwd), cwd })
}

/** `HEAD~3:pipelines/a.yaml`; `@best:test.accuracy` has no such end. */
const AT_REVISION = /^[^:]+:.+\.(?:ya?ml|json)$/i

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
