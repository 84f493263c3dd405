import { failure } from '../../../util/diagnostic.ts'
import { BUNDLE_TYPES } from './types.ts'
import type { StoredEntry } from './entries.ts'
import type { Slice } from './slice-key.ts'

interface Part {
  readonly entry: StoredEntry
  readonly values: () => Promise<ArrayBuffer>
}

/** Of one slice in its tensor: every axis told. */
type Box = readonly { readonly start: number; readonly length: number }[]

/** Real ones have some dozens; every two are compared. */
const MAX_SLICES = 4096

/**
 * Puts a partitioned variable together: its slices fill it, each place once. Nothing is allocated before that holds and
 * the slices' own rows agree. Throws BAD_WEIGHTS.
 */
export async function joinSlices(
  index: string,
  key: string,
  { dtype, shape, slices }: StoredEntry,
  partOf: (slice: Slice) => Part | undefined,
): Promise<ArrayBuffer> {
  const bad = (what: string) => failure('BAD_WEIGHTS', `${index}: ${key} of [${shape}] ${what}`)
  const type = BUNDLE_TYPES[dtype]
  if (!type) throw bad('has slices, and is no tensor of numbers')
  if (slices.length > MAX_SLICES) throw bad(`has ${slices.length} slices`)
  const boxes = slices.map((slice) => {
    const box = slice.map((extent, axis) => extent ?? { start: 0, length: shape[axis] ?? 0 })
    const fits = box.every(
      ({ start, length }, i) => start >= 0 && length > 0 && start + length <= (shape[i] ?? 0),
    )
    if (box.length !== shape.length || !fits) throw bad('has a slice that is not in it')
    return box
  })
  const filled = boxes.reduce((sum, box) => sum + volume(box), 0)
  const isDouble = boxes.some((a, i) => boxes.slice(0, i).some((b) => meet(a, b)))
  if (isDouble || filled !== shape.reduce((product, n) => product * n, 1)) {
    throw bad('is not filled by its slices')
  }
  const parts = slices.map((slice, i) => {
    const part = partOf(slice)
    if (!part) throw bad(`lacks its slice ${i + 1} of ${slices.length}`)
    const box = boxes[i]!
    const { entry } = part
    const isSame = entry.dtype === dtype && entry.slices.length === 0
    if (
      !isSame ||
      entry.shape.length !== box.length ||
      entry.shape.some((n, a) => n !== box[a]!.length)
    ) {
      throw bad(`has a slice ${i + 1} of another shape or type`)
    }
    return part
  })
  const whole = new Uint8Array(filled * type.bytes)
  for (const [i, { values }] of parts.entries()) {
    place(whole, shape, boxes[i]!, new Uint8Array(await values()), type.bytes)
  }
  return whole.buffer
}

function volume(box: Box): number {
  return box.reduce((product, { length }) => product * length, 1)
}

function meet(a: Box, b: Box): boolean {
  return a.every(({ start, length }, i) => {
    const other = b[i]!
    return start < other.start + other.length && other.start < start + length
  })
}

/** Copies the slice's rows (runs along its last axis) to where they belong in the whole, row-major both. */
function place(
  whole: Uint8Array,
  shape: readonly number[],
  box: Box,
  part: Uint8Array,
  width: number,
): void {
  const run = (box.at(-1)?.length ?? 1) * width
  const at = new Array<number>(Math.max(0, box.length - 1)).fill(0)
  for (let from = 0; from < part.length; from += run) {
    let to = 0
    for (let axis = 0; axis < box.length; axis += 1) {
      to = to * shape[axis]! + box[axis]!.start + (at[axis] ?? 0)
    }
    whole.set(part.subarray(from, from + run), to * width)
    for (let axis = at.length - 1; axis >= 0; axis -= 1) {
      at[axis]! += 1
      if (at[axis]! < box[axis]!.length) break
      at[axis] = 0
    }
  }
}
