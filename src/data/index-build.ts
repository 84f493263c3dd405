import { PipelineError } from '../util/diagnostic.ts'
import { assignSplits } from './splits.ts'
import { bySplit } from './index-table.ts'
import { findLeaks } from './leaks.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Candidate, Listing } from './index-source.ts'
import type { IndexRow, IndexSummary, SplitSummary } from './index-table.ts'
import type { Scanned } from './scan.ts'
import type { SplitSpecs } from './splits.ts'

/** `fail`: no bad picture is allowed; `skip`: so many are left out and listed. */
export type BadImages = 'fail' | { readonly skip: number }

export interface BuiltIndex {
  readonly rows: readonly IndexRow[]
  readonly classes: readonly string[]
  readonly summary: IndexSummary
}

/** Width x height; a picture that decodes to more is a bomb or a mistake. */
export const PIXEL_LIMIT = 100e6
/** Bad pictures named in one error. */
const SHOWN = 20

/**
 * Joins what a layout listed with what the scan saw. Throws BAD_IMAGE (one diagnostic a picture, 20 at most),
 * TOO_MANY_BAD_IMAGES, BAD_SPLIT, EMPTY_CLASS and ONE_CLASS; leaks and missing classes are warnings.
 */
export function buildIndex(
  listing: Listing,
  scanned: ReadonlyMap<string, Scanned>,
  splits: SplitSpecs,
  badImages: BadImages,
): BuiltIndex {
  const { candidates, classes } = listing
  const problemOf = (path: string) => pictureProblem(scanned.get(path)!)
  const skipped = badPictures(candidates, problemOf, badImages)
  const names = assignSplits(
    candidates.map((c) => ({
      ...c,
      sha256: scanned.get(c.path)!.sha256,
      bad: problemOf(c.path) !== undefined,
    })),
    splits,
    classes,
  )
  const rows = candidates
    .map((candidate, i) => toRow(candidate, names[i]!, scanned.get(candidate.path)!))
    .filter((row) => row !== undefined)
    .sort((a, b) => bySplit(a.split, b.split))
  refuseEmpty(rows, classes, Object.keys(splits))
  const counts = countSplits(rows, classes, Object.keys(splits))
  const missingClasses = Object.entries(counts).flatMap(([split, summary]) =>
    classes.filter((label) => summary.classes[label] === 0).map((label) => ({ split, label })),
  )
  const leaks = findLeaks(rows)
  const warnings = [...missingWarnings(missingClasses), ...leakWarnings(leaks)]
  return { rows, classes, summary: { splits: counts, skipped, leaks, missingClasses, warnings } }
}

function toRow(candidate: Candidate, split: string, scanned: Scanned): IndexRow | undefined {
  const { check, sha256, bytes } = scanned
  if ('problem' in check || pictureProblem(scanned) !== undefined) return undefined
  const { width, height, format } = check
  return {
    path: candidate.path,
    label: candidate.label,
    split,
    sha256,
    width,
    height,
    format,
    bytes,
  }
}

function pictureProblem({ check }: Scanned): string | undefined {
  if ('problem' in check) return check.problem
  if (check.width * check.height <= PIXEL_LIMIT) return undefined
  return `${check.width} x ${check.height} pixels, more than ${PIXEL_LIMIT / 1e6} million`
}

/** The bad ones that may be left out, in index order; throws when that is too many. */
function badPictures(
  candidates: readonly Candidate[],
  problemOf: (path: string) => string | undefined,
  badImages: BadImages,
): { path: string; problem: string }[] {
  const bad: { path: string; problem: string }[] = []
  for (const path of new Set(candidates.map((c) => c.path))) {
    const problem = problemOf(path)
    if (problem !== undefined) bad.push({ path, problem })
  }
  const allowed = badImages === 'fail' ? 0 : badImages.skip
  if (bad.length <= allowed) return bad
  const it = bad.length === 1 ? 'it' : 'them'
  const hint = `repair or remove ${it}, or leave ${it} out with dataset.badImages: {skip: ${bad.length}}`
  const diagnostics: Diagnostic[] = bad.slice(0, SHOWN).map(({ path, problem }) => ({
    code: 'BAD_IMAGE',
    message: `${path}: ${problem}`,
  }))
  const more = bad.length - SHOWN
  if (badImages !== 'fail') {
    const message = `${bad.length} pictures cannot be used, ${allowed} may be skipped`
    throw new PipelineError([{ code: 'TOO_MANY_BAD_IMAGES', message, hint }, ...diagnostics])
  }
  if (more > 0) diagnostics.push({ code: 'BAD_IMAGE', message: `and ${more} more`, hint })
  else diagnostics.push({ ...diagnostics.pop()!, hint })
  throw new PipelineError(diagnostics)
}

function refuseEmpty(
  rows: readonly IndexRow[],
  classes: readonly string[],
  splits: readonly string[],
): void {
  const used = new Set(rows.map((row) => row.label))
  const problems: Diagnostic[] = classes
    .filter((label) => !used.has(label))
    .map((label) => ({
      code: 'EMPTY_CLASS',
      message: `class "${label}" has no pictures in any split`,
      hint: 'put pictures there, remove the folder, or name the classes to use in dataset.classes',
    }))
  if (classes.length === 1) {
    problems.push({
      code: 'ONE_CLASS',
      message: `there is only one class, "${classes[0]}"`,
      hint: 'a classifier needs two; check dataset.root and dataset.splits: each folder in a split is a class',
    })
  }
  const filled = new Set(rows.map((row) => row.split))
  for (const split of splits.filter((name) => !filled.has(name))) {
    if (problems.length > 0) break
    problems.push({
      code: 'BAD_SPLIT',
      message: `split "${split}" has no pictures`,
      hint: 'give it a folder with pictures, or a larger fraction',
    })
  }
  if (problems.length > 0) throw new PipelineError(problems)
}

function countSplits(
  rows: readonly IndexRow[],
  classes: readonly string[],
  splits: readonly string[],
): Record<string, SplitSummary> {
  const counts: Record<string, { count: number; classes: Record<string, number> }> = {}
  for (const split of [...splits].sort(bySplit)) {
    counts[split] = { count: 0, classes: Object.fromEntries(classes.map((label) => [label, 0])) }
  }
  for (const row of rows) {
    const split = counts[row.split]!
    split.count += 1
    split.classes[row.label]! += 1
  }
  return counts
}

function missingWarnings(missing: IndexSummary['missingClasses']): Diagnostic[] {
  const splits = [...new Set(missing.map((m) => m.split))]
  return splits.map((split) => {
    const labels = missing.filter((m) => m.split === split).map((m) => `"${m.label}"`)
    const shown = `${labels.slice(0, 5).join(', ')}${labels.length > 5 ? ` and ${labels.length - 5} more` : ''}`
    return {
      code: 'MISSING_CLASS',
      severity: 'warning',
      message: `split "${split}" has no picture of ${shown}`,
      hint: 'its figures say nothing about them; check the folders, or name the classes to use in dataset.classes',
    }
  })
}

function leakWarnings(leaks: IndexSummary['leaks']): Diagnostic[] {
  if (leaks.length === 0) return []
  const example = leaks[0]!.pictures
  const first = example[0]!
  const other = example.find((p) => p.split !== first.split)!
  const count = leaks.length === 1 ? '1 picture is' : `${leaks.length} pictures are`
  return [
    {
      code: 'SPLIT_LEAK',
      severity: 'warning',
      message: `${count} in two splits with the same bytes, such as ${first.path} (${first.split}) and ${other.path} (${other.split})`,
      hint: 'figures on such a split are too good; all of them are in index.json of the run',
    },
  ]
}
