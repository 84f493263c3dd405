import type { Checked } from './check.ts'
import type { SplitName } from './pipeline.ts'

/** Folders stay inside the source: root below it, the splits below root. */
export function checkFolders({ pipeline, report }: Checked): void {
  const { root, splits, layout } = pipeline.dataset
  if (leavesFolder(root)) {
    report(
      'WRONG_VALUE',
      ['dataset', 'root'],
      `dataset.root must stay inside the source, got "${root}"`,
    )
  }
  if (layout !== 'folders') return
  for (const [name, split] of Object.entries(splits)) {
    if (typeof split !== 'string' || !leavesFolder(split)) continue
    report(
      'WRONG_VALUE',
      ['dataset', 'splits', name],
      `dataset.splits.${name} must stay below root, got "${split}"`,
    )
  }
}

function leavesFolder(path: string): boolean {
  return /^([/\\]|[A-Za-z]:)/.test(path) || path.split(/[/\\]/).includes('..')
}

/** Every part comes out of a split that is there, in no circle, and something is left of it. */
export function checkSplits({ pipeline, report }: Checked): void {
  const { splits } = pipeline.dataset
  const names = Object.keys(splits) as SplitName[]
  const taken = new Map<SplitName, number>()
  for (const name of names) {
    const split = splits[name]
    if (typeof split !== 'object') continue
    const path = ['dataset', 'splits', name, 'from']
    if (!splits[split.from]) {
      report('WRONG_VALUE', path, `there is no split "${split.from}"`, {
        hint: `the splits are ${names.join(', ')}`,
      })
    } else if (comesBack(splits, name)) {
      report('CONFLICT', path, `the split "${name}" is taken out of itself`, {
        hint: 'give one of the splits a folder',
      })
    }
    const before = taken.get(split.from) ?? 0
    taken.set(split.from, before + split.fraction)
    if (before > 0 && before + split.fraction >= 1) {
      const message = `the parts of "${split.from}" leave nothing of it: ${before} + ${split.fraction}`
      report('WRONG_VALUE', ['dataset', 'splits', name, 'fraction'], message)
    }
  }
}

function comesBack(splits: Checked['pipeline']['dataset']['splits'], start: SplitName): boolean {
  let at: SplitName = start
  for (let steps = 0; steps < 4; steps += 1) {
    const split = splits[at]
    if (typeof split !== 'object') return false
    at = split.from
    if (at === start) return true
  }
  return false
}

/** What is evaluated must be there. */
export function checkEvaluation({ pipeline, report }: Checked): void {
  const { evaluation, dataset } = pipeline
  const names = Object.keys(dataset.splits)
  for (const [i, split] of evaluation.on.entries()) {
    if (names.includes(split)) continue
    report('WRONG_VALUE', ['evaluation', 'on', i], `there is no split "${split}" to evaluate on`, {
      hint: `the splits are ${names.join(', ')}`,
    })
  }
  if (evaluation.on.length === 0) {
    report(
      'NOTE',
      ['dataset', 'splits'],
      'nothing is evaluated: there is neither a test nor a validation split',
      {
        hint: 'for instance validation: {from: train, fraction: 0.2}',
        severity: 'warning',
      },
    )
  }
}
