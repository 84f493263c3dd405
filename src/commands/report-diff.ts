import { join } from 'node:path'
import { diffPage } from '../report/diff/page.ts'
import { readDiffReport } from '../report/diff/read.ts'
import { diffSides } from '../runs/diff/diff.ts'
import type { Side } from '../runs/diff/side.ts'
import type { CommandContext } from './command.ts'
import { sideOf } from './diff-side.ts'
import { withStore, type Made, type ReportFlags } from './report-page.ts'

/** `pipeline report A B`: what `pipeline diff A B` finds, with the pictures that flipped. */
export async function reportOfDiff(
  first: string,
  second: string,
  flags: ReportFlags,
  context: CommandContext,
): Promise<Made> {
  const a = await sideOf(first, flags, context)
  const b = await sideOf(second, flags, context)
  const diff = diffSides(a, b, { all: true })
  const report = await withStore(flags, context, (store) => readDiffReport(diff, store))
  return {
    about: { a: about(a), b: about(b) },
    place: place(a, b, context.cwd),
    page: diffPage(report),
  }
}

function about({ title, record }: Side) {
  return record ? { run: { name: record.name, id: record.id } } : { file: title }
}

/** In the folder of B, else of A, called by the other one; of two files here. */
function place(a: Side, b: Side, cwd: string): string {
  const [at, other] = b.folder === undefined ? [a, b] : [b, a]
  return join(at.folder ?? cwd, `diff-${other.record?.id ?? 'file'}.html`)
}
