import { below, isFolder, subfolders } from './index-source.ts'
import type { SplitSpecs } from './splits.ts'

/** Folder or table values that mean a split, by lower-case name; the first that is there wins. */
export const USUAL_NAMES: Readonly<Record<'train' | 'validation' | 'test', readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'val', 'valid'],
  test: ['test', 'testing'],
}

/**
 * The splits of a pipeline that names none: the usual folders below root where there are any, else all of root as
 * `train`.
 */
export function findSplits(source: string, root: string): SplitSpecs {
  const folder = below(source, root, 'dataset.root')
  return usualSplits(isFolder(folder) ? subfolders(folder) : [])
}

export function usualSplits(names: readonly string[]): SplitSpecs {
  const splits: Record<string, string> = {}
  for (const [split, usual] of Object.entries(USUAL_NAMES)) {
    const match = usual.flatMap((word) => names.filter((name) => name.toLowerCase() === word))
    if (match[0] !== undefined) splits[split] = match[0]
  }
  return splits['train'] === undefined ? { train: '.' } : splits
}
