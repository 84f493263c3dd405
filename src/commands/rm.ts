import { join, relative } from 'node:path'
import { TRASH } from '../runs/list/list.ts'
import { findRun, runsRoot, type StoredRun } from '../runs/read.ts'
import { checkRemovable, emptyTrash, moveToTrash, purge, restore } from '../runs/trash.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import type { CommandRun } from './command.ts'

export interface RmFlags {
  readonly runs?: string
  readonly restore?: boolean
  readonly purge?: boolean
  readonly emptyTrash?: boolean
}

/** `pipeline rm RUN…`: to the trash, back from there, or for good. All runs are looked up before the first is moved. */
export const run: CommandRun = async (references, options, { stdout, env, cwd, program }) => {
  const flags: RmFlags = options
  const root = runsRoot(flags.runs, env, cwd)
  const trash = join(root, TRASH)
  checkUsage(references, flags)
  const seen = (path: string) => relative(cwd, path) || '.'
  if (flags.emptyTrash) {
    await emptyTrash(root)
    stdout.write(`${seen(trash)} is empty\n`)
    return
  }
  const find = (reference: string) => {
    if (flags.restore) return findRun(reference, trash, cwd)
    return flags.purge ? findAnywhere(reference, root, cwd) : findRun(reference, root, cwd)
  }
  const runs = unique(references.map(find))
  for (const one of runs) checkRemovable(one, isBelow(one, trash) ? trash : root)
  for (const one of runs) {
    const { name, id } = one.record
    if (flags.restore) stdout.write(`${name} ${id} is back: ${seen(await restore(one, root))}\n`)
    else if (flags.purge) {
      await purge(one, root)
      stdout.write(`${name} ${id} is deleted\n`)
    } else {
      const folder = await moveToTrash(one, root)
      stdout.write(`${name} ${id} is in ${seen(folder)}; back: ${program} rm --restore ${id}\n`)
    }
  }
}

function checkUsage(references: readonly string[], flags: RmFlags): void {
  const ways = [flags.restore, flags.purge, flags.emptyTrash].filter(Boolean)
  if (ways.length > 1) {
    throw failure('USAGE', '--restore, --purge and --empty-trash are three different things', {
      hint: 'choose one',
    })
  }
  if (references.length > 0 === !flags.emptyTrash) return
  throw failure('USAGE', flags.emptyTrash ? '--empty-trash takes no run' : 'no run is named', {
    hint: flags.emptyTrash
      ? 'one run of the trash: --purge RUN'
      : 'pipeline rm RUN; `pipeline ls` lists them',
  })
}

/** Among the runs, else in the trash. */
function findAnywhere(reference: string, root: string, cwd: string): StoredRun {
  try {
    return findRun(reference, root, cwd)
  } catch (error) {
    try {
      return findRun(reference, join(root, TRASH), cwd)
    } catch (other) {
      if (!(other instanceof PipelineError)) throw other
      throw error
    }
  }
}

function unique(runs: readonly StoredRun[]): StoredRun[] {
  return [...new Map(runs.map((one) => [one.folder, one])).values()]
}

function isBelow({ folder }: StoredRun, root: string): boolean {
  return folder.startsWith(`${root}/`)
}
