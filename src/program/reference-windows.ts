import type { ConvAttributes, OpAttributes, OpName, PoolAttributes } from './ops.ts'
import { sizeOf, type Shape } from './program.ts'
import type { Doubles, Value } from './reference-arrays.ts'
import { padBefore } from './shapes.ts'

type WindowOp = Extract<OpName, `${'conv2d' | 'depthwiseConv2d' | 'maxPool' | 'avgPool'}${string}`>

/** Convolutions and pools with their gradients. */
export const WINDOWS: {
  readonly [Name in WindowOp]: (
    inputs: readonly Value[],
    attributes: OpAttributes[Name],
    shape: Shape,
  ) => Doubles
} = {
  conv2d: convolution(dense),
  depthwiseConv2d: convolution(deep),
  conv2dInputGradient: inputGradient(dense),
  depthwiseConv2dInputGradient: inputGradient(deep),
  conv2dKernelGradient: kernelGradient(dense),
  depthwiseConv2dKernelGradient: kernelGradient(deep),

  maxPool: ([x], a, shape) =>
    pool(x!.shape, shape, a, sizeOf(shape), (y, at, cells) => {
      y[at] = Math.max(...cells.map((cell) => x!.data[cell]!))
    }),
  avgPool: ([x], a, shape) =>
    pool(x!.shape, shape, a, sizeOf(shape), (y, at, cells) => {
      y[at] = cells.reduce((sum, cell) => sum + x!.data[cell]!, 0) / cells.length
    }),
  maxPoolGradient: ([dy, x, y], a, shape) =>
    pool(shape, y!.shape, a, sizeOf(shape), (dx, at, cells) => {
      dx[cells.find((cell) => x!.data[cell] === y!.data[at])!]! += dy!.data[at]!
    }),
  avgPoolGradient: ([dy], a, shape) =>
    pool(shape, dy!.shape, a, sizeOf(shape), (dx, at, cells) => {
      for (const cell of cells) dx[cell]! += dy!.data[at]! / cells.length
    }),
}

/** Which channel of the input meets which number of the kernel's cell in which channel of the output. */
type Channels = (
  inputs: number,
  last: number,
  visit: (x: number, kernel: number, y: number) => void,
) => void

function dense(inputs: number, outputs: number, visit: Parameters<Channels>[2]): void {
  for (let c = 0; c < inputs; c += 1) {
    for (let o = 0; o < outputs; o += 1) visit(c, c * outputs + o, o)
  }
}

function deep(inputs: number, multiplier: number, visit: Parameters<Channels>[2]): void {
  for (let o = 0; o < inputs * multiplier; o += 1) visit(Math.floor(o / multiplier), o, o)
}

// A convolution is y[o] = sum of x[i] kernel[k] over `products`; its gradients are sums over the same three.

function convolution(channels: Channels) {
  return ([x, kernel]: readonly Value[], a: ConvAttributes, shape: Shape): Doubles => {
    const y = new Float64Array(sizeOf(shape))
    products(x!.shape, kernel!.shape, shape, a, channels, (i, k, o) => {
      y[o]! += x!.data[i]! * kernel!.data[k]!
    })
    return y
  }
}

function inputGradient(channels: Channels) {
  return ([dy, kernel]: readonly Value[], a: ConvAttributes, shape: Shape): Doubles => {
    const dx = new Float64Array(sizeOf(shape))
    products(shape, kernel!.shape, dy!.shape, a, channels, (i, k, o) => {
      dx[i]! += dy!.data[o]! * kernel!.data[k]!
    })
    return dx
  }
}

function kernelGradient(channels: Channels) {
  return ([x, dy]: readonly Value[], a: ConvAttributes, shape: Shape): Doubles => {
    const dk = new Float64Array(sizeOf(shape))
    products(x!.shape, shape, dy!.shape, a, channels, (i, k, o) => {
      dk[k]! += x!.data[i]! * dy!.data[o]!
    })
    return dk
  }
}

/** Every product of an input and a kernel number that is part of an output, as positions in the three arrays. */
function products(
  x: Shape,
  [kh, kw, ci, last]: Shape,
  y: Shape,
  a: ConvAttributes,
  channels: Channels,
  visit: (x: number, kernel: number, y: number) => void,
): void {
  const outputs = y[3]!
  eachWindow(x, [kh!, kw!], y, a, a.dilations, (at, cells) => {
    for (const { position, cell } of cells) {
      channels(ci!, last!, (c, k, o) =>
        visit(position * ci! + c, cell * ci! * last! + k, at * outputs + o),
      )
    }
  })
}

/** One call for each output of a pool, with the positions of the inputs in its window, row by row. */
function pool(
  x: Shape,
  y: Shape,
  a: PoolAttributes,
  size: number,
  visit: (result: Doubles, at: number, cells: readonly number[]) => void,
): Doubles {
  const result = new Float64Array(size)
  const channels = x[3]!
  eachWindow(x, a.size, y, a, [1, 1], (at, cells) => {
    for (let c = 0; c < channels; c += 1) {
      visit(
        result,
        at * channels + c,
        cells.map(({ position }) => position * channels + c),
      )
    }
  })
  return result
}

interface Cell {
  /** Of the cell in the window. */
  readonly cell: number
  /** Of the picture's cell under it: (n, row, column) counted through. */
  readonly position: number
}

/** Each window's place in the output, counted likewise, and its cells that are not padding. */
function eachWindow(
  [batch, height, width]: Shape,
  window: readonly [number, number],
  [, rows, columns]: Shape,
  { strides, padding }: Pick<ConvAttributes, 'strides' | 'padding'>,
  dilations: readonly [number, number],
  visit: (at: number, cells: readonly Cell[]) => void,
): void {
  const top = padBefore(height!, window[0], strides[0], padding, dilations[0])
  const left = padBefore(width!, window[1], strides[1], padding, dilations[1])
  for (let at = 0; at < batch! * rows! * columns!; at += 1) {
    const n = Math.floor(at / (rows! * columns!))
    const row = (Math.floor(at / columns!) % rows!) * strides[0] - top
    const column = (at % columns!) * strides[1] - left
    const cells: Cell[] = []
    for (let cell = 0; cell < window[0] * window[1]; cell += 1) {
      const y = row + Math.floor(cell / window[1]) * dilations[0]
      const x = column + (cell % window[1]) * dilations[1]
      if (y < 0 || y >= height! || x < 0 || x >= width!) continue
      cells.push({ cell, position: (n * height! + y) * width! + x })
    }
    visit(at, cells)
  }
}
