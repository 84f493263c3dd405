import type { Checked } from './check.ts'
import type { SplitName, SplitPart } from './pipeline.ts'

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

/** Every part comes out of a split that is there and is no part itself, and something is left of it. */
export function checkSplits({ pipeline, report }: Checked): void {
  const { splits } = pipeline.dataset
  const names = Object.keys(splits) as SplitName[]
  const parts = names.filter((name) => typeof splits[name] === 'object')
  const taken = new Map<SplitName, number>()
  for (const name of parts) {
    const { from, fraction, how } = splits[name] as SplitPart
    const path = ['dataset', 'splits', name]
    const whole = names.filter((other) => !parts.includes(other))
    if (parts.includes(from)) {
      const itself = from === name ? 'itself' : `"${from}", which is a part too`
      const hint =
        whole.length > 0 ? `take it from ${whole.join(' or ')}` : 'give one of the splits a folder'
      report('CONFLICT', [...path, 'from'], `the split "${name}" is a part of ${itself}`, { hint })
    } else if (!splits[from]) {
      report('WRONG_VALUE', [...path, 'from'], `there is no split "${from}"`, {
        hint: `the splits are ${names.join(', ')}`,
      })
    }
    const before = taken.get(from) ?? 0
    taken.set(from, before + fraction)
    if (before > 0 && before + fraction >= 1) {
      const message = `nothing is left of "${from}": its parts are ${before} and ${fraction} of it`
      report('WRONG_VALUE', [...path, 'fraction'], message)
    } else if (before > 0 && how.startsWith('keras')) {
      const hint = 'use how: stratified for both parts'
      report(
        'CONFLICT',
        [...path, 'how'],
        `Keras takes one part of a split, and "${from}" gives two`,
        { hint },
      )
    }
  }
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
