import { stream, permutation } from '../util/rng.ts'
import { byCodePoint } from '../util/json.ts'
import { failure } from '../util/diagnostic.ts'
import { bySplit } from './index-table.ts'
import { kerasShuffle } from './splits-numpy.ts'

export type SplitMethod =
  'stratified' | 'random' | 'hash' | 'kerasValidationSplit' | 'kerasImageDatasetFromDirectory'

/** A part of another split. */
export interface SplitPart {
  readonly from: string
  /** Of the other split as it was before anything was taken from it; between 0 and 1. */
  readonly fraction: number
  readonly how?: SplitMethod | undefined
  /** Default 0; its own, so that trials over the pipeline's seed share their pictures. */
  readonly seed?: number | undefined
}

/** A folder below root (csv: a value of the split column; `.`: all of it), or a part of another split. */
export type SplitSpec = string | SplitPart
export type SplitSpecs = Readonly<Record<string, SplitSpec>>

/** What splitting needs to know of a picture. */
export interface Splittable {
  readonly path: string
  readonly label: string
  readonly split: string
  readonly sha256: string
  /** A damaged one counts where Keras counts, which opens nothing before it splits. */
  readonly bad: boolean
}

/**
 * Gives every picture its final split: index i of the answer is that of `pictures[i]`, which are in index order.
 * Parts are taken one after the other in the order of `bySplit`; each picture is in exactly one split.
 * Throws BAD_SPLIT for a part of what is no split, or of a part.
 */
export function assignSplits(
  pictures: readonly Splittable[],
  specs: SplitSpecs,
  classes: readonly string[],
): string[] {
  const result = pictures.map((picture) => picture.split)
  const parts = Object.entries(specs).filter((entry): entry is [string, SplitPart] => {
    return typeof entry[1] !== 'string'
  })
  checkParts(specs, parts)
  const taken = new Map<string, number>()
  for (const [name, part] of parts.sort(([a], [b]) => bySplit(a, b))) {
    const whole = pictures.flatMap((picture, i) => (picture.split === part.from ? [i] : []))
    const left = whole.filter((i) => result[i] === part.from)
    const before = taken.get(part.from) ?? 0
    for (const i of take(pictures, { whole, left, part, before, classes })) result[i] = name
    taken.set(part.from, before + part.fraction)
  }
  return result
}

function checkParts(specs: SplitSpecs, parts: readonly [string, SplitPart][]): void {
  const total = new Map<string, number>()
  for (const [name, { from, fraction, how }] of parts) {
    if (typeof specs[from] !== 'string') {
      const there = Object.keys(specs).filter((key) => typeof specs[key] === 'string')
      throw failure('BAD_SPLIT', `split ${JSON.stringify(name)} is a part of "${from}"`, {
        hint: `take it from one that is read from the source: ${there.join(', ')}`,
      })
    }
    if (how?.startsWith('keras') === true && parts.filter(([, p]) => p.from === from).length > 1) {
      throw failure('BAD_SPLIT', `Keras takes one part of a split, "${from}" gives more`, {
        hint: 'use how: stratified for both parts',
      })
    }
    total.set(from, (total.get(from) ?? 0) + fraction)
    if (!(fraction > 0) || total.get(from)! >= 1) {
      throw failure('BAD_SPLIT', `nothing would be left of split "${from}"`, {
        hint: 'the fractions taken from one split must add up to less than 1',
      })
    }
  }
}

interface Taking {
  /** Indices in index order: of the split before any part was taken, and of what is left of it. */
  readonly whole: readonly number[]
  readonly left: readonly number[]
  readonly part: SplitPart
  /** The fraction that earlier parts took. */
  readonly before: number
  readonly classes: readonly string[]
}

function take(pictures: readonly Splittable[], taking: Taking): readonly number[] {
  const { whole, left, part, before, classes } = taking
  const seed = part.seed ?? 0
  const labels = byLabel(pictures, whole)
  const good = (list: readonly number[]) => list.filter((i) => !pictures[i]!.bad)
  switch (part.how ?? 'stratified') {
    case 'kerasValidationSplit':
      return classes.flatMap((label) => {
        const files = kerasOrder(pictures, labels.get(label) ?? [], KERAS_GENERATOR)
        return files.slice(0, Math.trunc(part.fraction * files.length))
      })
    case 'kerasImageDatasetFromDirectory': {
      const files = classes.flatMap((label) =>
        kerasOrder(pictures, labels.get(label) ?? [], KERAS_DATASET),
      )
      const count = Math.trunc(part.fraction * files.length)
      return kerasShuffle(files, seed).slice(files.length - count)
    }
    case 'hash':
      // What earlier parts took is gone, so a later one takes a larger share of the rest.
      return good(left).filter((i) => {
        const draw = stream('split', seed, before, pictures[i]!.sha256).uniform()
        return draw < part.fraction / (1 - before)
      })
    case 'random':
      return takeShuffled(pictures, good(left), share(good(whole).length, part.fraction), [seed])
    case 'stratified':
      return stratified(pictures, good(whole), good(left), part.fraction, seed, classes)
  }
}

/** As many of each class as its share, by largest remainder; one at least where a class can spare it. */
function stratified(
  pictures: readonly Splittable[],
  whole: readonly number[],
  left: readonly number[],
  fraction: number,
  seed: number,
  classes: readonly string[],
): readonly number[] {
  const wholeOf = byLabel(pictures, whole)
  const leftOf = byLabel(pictures, left)
  const exact = classes.map((label) => (wholeOf.get(label)?.length ?? 0) * fraction)
  const counts = exact.map(Math.floor)
  let rest = share(whole.length, fraction) - counts.reduce((a, b) => a + b, 0)
  const byRemainder = classes
    .map((_, c) => c)
    .sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!) || a - b)
  for (const c of byRemainder) {
    if (rest < 1) break
    counts[c]! += 1
    rest -= 1
  }
  return classes.flatMap((label, c) => {
    const mine = leftOf.get(label) ?? []
    const count = Math.min(Math.max(counts[c]!, 1), mine.length - 1)
    return takeShuffled(pictures, mine, count, [seed, label])
  })
}

function byLabel(
  pictures: readonly Splittable[],
  list: readonly number[],
): ReadonlyMap<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const i of list) {
    const group = groups.get(pictures[i]!.label)
    if (group === undefined) groups.set(pictures[i]!.label, [i])
    else group.push(i)
  }
  return groups
}

function share(n: number, fraction: number): number {
  return Math.min(Math.round(n * fraction), n - 1)
}

/** The first `count` of a shuffled list; pictures with the same bytes stay together, so a few more are possible. */
function takeShuffled(
  pictures: readonly Splittable[],
  from: readonly number[],
  count: number,
  key: readonly (string | number)[],
): readonly number[] {
  const twins = new Map<string, number[]>()
  for (const i of from) {
    const list = twins.get(pictures[i]!.sha256)
    if (list === undefined) twins.set(pictures[i]!.sha256, [i])
    else list.push(i)
  }
  const groups = [...twins.values()]
  const taken: number[] = []
  for (const g of permutation(groups.length, 'split', ...key)) {
    if (taken.length >= count) break
    taken.push(...groups[g]!)
  }
  return taken
}

/** What `flow_from_directory` lists (keras/src/legacy/preprocessing/image.py, `white_list_formats`). */
const KERAS_GENERATOR = /(png|jpg|jpeg|bmp|ppm|tif|tiff)$/
/** What `image_dataset_from_directory` lists (keras/src/utils/image_dataset_utils.py, `ALLOWLIST_FORMATS`). */
const KERAS_DATASET = /\.(bmp|gif|jpeg|jpg|png)$/

/** Of one class: Keras lists folder by folder, names sorted within each, which is not the order of whole paths. */
function kerasOrder(
  pictures: readonly Splittable[],
  ofClass: readonly number[],
  extensions: RegExp,
): number[] {
  const cut = (path: string) => path.lastIndexOf('/')
  return ofClass
    .filter((i) => extensions.test(pictures[i]!.path.toLowerCase()))
    .sort((i, j) => {
      const a = pictures[i]!.path
      const b = pictures[j]!.path
      return (
        byCodePoint(a.slice(0, cut(a)), b.slice(0, cut(b))) ||
        byCodePoint(a.slice(cut(a) + 1), b.slice(cut(b) + 1))
      )
    })
}
