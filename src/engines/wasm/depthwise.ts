import { sizeOf } from '../../program/program.ts'
import { convolution, convolve, paddingOf } from './convolution.ts'
import { start, type Emission, type Step } from './emit.ts'
import { FLOAT32 } from './kernels.ts'

/**
 * XNNPACK has depthwise kernels for windows of just so many cells; all others (NASNet's 7x7) go a general way that
 * costs five to ten times as much a cell.
 */
const QUICK: ReadonlySet<number> = new Set([3, 4, 9, 25])
/** Square windows among them, smallest first. */
const TILES = [3, 5] as const

export function depthwise(e: Emission<'depthwiseConv2d'>): Step {
  const parts = partsOf(e)
  return parts ? inParts(e, parts) : convolution(e, '_FusedDepthwiseConv2D')
}

/**
 * A square window with cells of the original one: along either axis its cell i is the original's first + i * step,
 * nothing where the original has no such cell. `before` and `after` are the padding that puts it in place.
 */
interface Part {
  readonly tile: number
  readonly step: number
  readonly rows: Axis
  readonly columns: Axis
}
interface Axis {
  readonly first: number
  readonly before: number
  readonly after: number
}

/** A window of an odd size as one or a few quick ones (7x7: four, of every other row and column). */
function partsOf({ inputs, attributes, fused }: Emission<'depthwiseConv2d'>): Part[] | undefined {
  const [height, width] = inputs[1]!.shape as [number, number]
  const { dilations } = attributes
  if (QUICK.has(height * width) || dilations[0] !== 1 || dilations[1] !== 1) return undefined
  const [top, right, bottom, left] = paddingOf(inputs[0]!.shape, [height, width], attributes, fused)
  const step = Math.ceil(Math.max(height, width) / TILES[1])
  const residues = Array.from({ length: step }, (_, i) => i)
  const parts = residues.flatMap((row) =>
    residues.map((column) => {
      for (const tile of TILES) {
        const rows = axisOf(height, top, bottom, row, step, tile)
        const columns = axisOf(width, left, right, column, step, tile)
        if (rows && columns) return { tile, step, rows, columns }
      }
      return undefined
    }),
  )
  return parts.every((part) => part !== undefined) ? parts : undefined
}

/** The cells residue, residue + step, ... of `size`; one step earlier where the padding is too small for that. */
function axisOf(
  size: number,
  before: number,
  after: number,
  residue: number,
  step: number,
  tile: number,
): Axis | undefined {
  const first = residue <= before ? residue : residue - step
  const last = first + (tile - 1) * step
  const axis = { first, before: before - first, after: after + last - (size - 1) }
  // The next cell must lie outside, and padding cannot be less than none.
  return last + step >= size && axis.after >= 0 ? axis : undefined
}

/** The sum of the parts' convolutions; the bias goes with the first, the activation comes last. */
function inParts(e: Emission<'depthwiseConv2d'>, parts: readonly Part[]): Step {
  const { kernels, inputs, output, attributes, fused } = e
  const { c } = kernels
  const sum = parts.length > 1 ? e.temporary(output.shape) : output
  const shape = e.integers(output.shape)
  const steps = parts.flatMap((part, i) => {
    const [copy, filter] = filterOf(e, part)
    const { rows, columns, step } = part
    const convolved = convolve(kernels, '_FusedDepthwiseConv2D', {
      x: inputs[0]!,
      filter,
      bias: i === 0 ? fused.bias : undefined,
      padding: [rows.before, columns.after, rows.after, columns.before],
      dilations: [step, step],
      strides: attributes.strides,
      activation: 0,
      output: i === 0 ? output : sum,
    })
    const add: Step = () => c._Add(output.id, shape, 4, sum.id, shape, 4, FLOAT32, output.id)
    return i === 0 ? [copy, convolved] : [copy, convolved, add]
  })
  if (fused.activation) {
    const clamp = fused.activation === 'relu' ? '_Relu' : '_Relu6'
    steps.push(() => c[clamp](output.id, FLOAT32, output.id))
  }
  return () => steps.forEach((step) => step())
}

/** Room for the part's filter, and the step that fills it. */
function filterOf(e: Emission<'depthwiseConv2d'>, { tile, step, rows, columns }: Part) {
  const filter = e.inputs[1]!
  const [height, width, channels, multiplier] = filter.shape as [number, number, number, number]
  const own = e.temporary([tile, tile, channels, multiplier])
  const cell = channels * multiplier
  const copy: Step = () => {
    const memory = e.kernels.f32()
    memory.fill(0, start(own), start(own) + sizeOf(own.shape))
    for (let i = 0; i < tile; i += 1) {
      const row = rows.first + i * step
      if (row < 0 || row >= height) continue
      for (let j = 0; j < tile; j += 1) {
        const column = columns.first + j * step
        if (column < 0 || column >= width) continue
        const from = start(filter) + (row * width + column) * cell
        memory.copyWithin(start(own) + (i * tile + j) * cell, from, from + cell)
      }
    }
  }
  return [copy, own] as const
}
