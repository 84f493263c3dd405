import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPicture } from '../../data/formats/table.ts'
import { usualSplits } from '../../data/index-find.ts'
import { isFolder, picturesBelow, subfolders } from '../../data/index-source.ts'
import type { SplitSpecs } from '../../data/splits.ts'
import { failure } from '../../util/diagnostic.ts'
import { byCodePoint } from '../../util/json.ts'

/** What a folder of pictures looks like from outside. */
export interface FolderSeen {
  /** Split -> folder; `{train: '.'}` where the classes stand in the folder itself. */
  readonly splits: SplitSpecs
  /** Pictures of each class over all splits, sorted by class. */
  readonly classes: ReadonlyMap<string, number>
  /** Pictures of each split. */
  readonly counts: ReadonlyMap<string, number>
  /** Of a sample: the median of the shorter sides in pixels; undefined where no picture could be read. */
  readonly side: number | undefined
}

/** So many pictures show the usual size. */
const SAMPLE = 60

/** Counts the pictures by split and class and looks at the size of some. Throws NO_SUCH_FOLDER, ONE_CLASS, EMPTY_CLASS. */
export async function lookAtFolder(folder: string): Promise<FolderSeen> {
  if (!isFolder(folder)) throw failure('NO_SUCH_FOLDER', `there is no folder ${folder}`)
  const splits = usualSplits(subfolders(folder))
  const classes = new Map<string, number>()
  const counts = new Map<string, number>()
  const pictures: string[] = []
  for (const [split, below] of Object.entries(splits)) {
    const at = join(folder, String(below))
    for (const name of subfolders(at)) {
      const found = picturesBelow(join(at, name), {})
      classes.set(name, (classes.get(name) ?? 0) + found.length)
      counts.set(split, (counts.get(split) ?? 0) + found.length)
      pictures.push(...found.map((path) => join(at, name, path)))
    }
  }
  refuse(folder, classes)
  const sorted = new Map([...classes].sort(([a], [b]) => byCodePoint(a, b)))
  return { splits, classes: sorted, counts, side: await usualSide(pictures) }
}

function refuse(folder: string, classes: ReadonlyMap<string, number>): void {
  if (classes.size < 2) {
    const what =
      classes.size === 0 ? 'no folder of pictures' : `one class only: ${[...classes.keys()].join()}`
    const hint = 'put the pictures of each class into a folder of its own'
    throw failure('ONE_CLASS', `${folder} holds ${what}`, { hint })
  }
  const empty = [...classes].filter(([, count]) => count === 0).map(([name]) => name)
  if (empty.length > 0) {
    const hint = 'add pictures to it or take the folder out'
    throw failure('EMPTY_CLASS', `there is no picture in ${empty.join(', ')}`, { hint })
  }
}

async function usualSide(pictures: readonly string[]): Promise<number | undefined> {
  const step = Math.max(1, Math.floor(pictures.length / SAMPLE))
  const sides: number[] = []
  for (let i = 0; i < pictures.length; i += step) {
    const check = checkPicture(await readFile(pictures[i]!))
    if (!('problem' in check)) sides.push(Math.min(check.width, check.height))
  }
  return sides.sort((a, b) => a - b)[Math.floor(sides.length / 2)]
}
