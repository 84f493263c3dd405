import {
  doWhile,
  f32x4,
  get,
  i16x8,
  i32,
  i32x4,
  kernel,
  set,
  v128,
  type Code,
  type Kernel,
  type Local,
} from '../wasm-emit.ts'

/** shade-plain.ts in WebAssembly, four values at a time: up to three behind `end` are read and written too. */

const next = (at: Local): Code => set(at, i32.add(get(at), i32.const(16)))

/** Writes four of the least values to `result` and four of the greatest behind them. */
export const extremesKernel: Kernel = kernel('extremes', 3, (parameters, fresh) => {
  const [values, end, result] = parameters as [Local, Local, Local]
  const [least, greatest, four] = [fresh.v128(), fresh.v128(), fresh.v128()]
  return [
    ...set(least, v128.load(get(values))),
    ...set(greatest, get(least)),
    ...doWhile(
      [
        ...set(four, v128.load(get(values))),
        ...set(least, f32x4.min(get(least), get(four))),
        ...set(greatest, f32x4.max(get(greatest), get(four))),
        ...next(values),
      ],
      i32.ltU(get(values), get(end)),
    ),
    ...v128.store(get(result), get(least)),
    ...v128.store(i32.add(get(result), i32.const(16)), get(greatest)),
  ]
})

/** `table`: what is added, the least and the greatest value, float32. */
export const shiftKernel: Kernel = kernel('shift', 3, (parameters, fresh) => {
  const [values, end, table] = parameters as [Local, Local, Local]
  const [by, least, greatest] = [fresh.v128(), fresh.v128(), fresh.v128()]
  const sum = f32x4.add(v128.load(get(values)), get(by))
  return [
    ...set(by, v128.load32Splat(get(table))),
    ...set(least, v128.load32Splat(get(table), 4)),
    ...set(greatest, v128.load32Splat(get(table), 8)),
    ...doWhile(
      [
        ...v128.store(get(values), f32x4.min(f32x4.max(sum, get(least)), get(greatest))),
        ...next(values),
      ],
      i32.ltU(get(values), get(end)),
    ),
  ]
})

/** `table`: the factor, and 255, float32. */
export const brightenKernel: Kernel = kernel('brighten', 3, (parameters, fresh) => {
  const [values, end, table] = parameters as [Local, Local, Local]
  const [factor, most] = [fresh.v128(), fresh.v128()]
  const product = f32x4.mul(f32x4.truncate(v128.load(get(values))), get(factor))
  return [
    ...set(factor, v128.load32Splat(get(table))),
    ...set(most, v128.load32Splat(get(table), 4)),
    ...doWhile(
      [...v128.store(get(values), f32x4.truncate(f32x4.min(product, get(most)))), ...next(values)],
      i32.ltU(get(values), get(end)),
    ),
  ]
})

/**
 * Bytes to float32, a pixel at a time: from `source` on, `step` bytes further each time (less than 0: backwards). A
 * pixel is written with up to 12 bytes too many, and up to 3 are read.
 */
export function spreadKernel(channels: 1 | 3): Kernel {
  return kernel(`spread${channels}`, 4, (parameters) => {
    const [source, step, target, end] = parameters as [Local, Local, Local, Local]
    const pixel = i32x4.extendLowU(i16x8.extendLowU(v128.load32Zero(get(source))))
    return doWhile(
      [
        ...v128.store(get(target), f32x4.convert(pixel)),
        ...set(source, i32.add(get(source), get(step))),
        ...set(target, i32.add(get(target), i32.const(4 * channels))),
      ],
      i32.ne(get(target), get(end)),
    )
  })
}

export interface ShadeKernels {
  readonly extremes: (values: number, end: number, result: number) => void
  readonly shift: (values: number, end: number, table: number) => void
  readonly brighten: (values: number, end: number, table: number) => void
}

export type SpreadKernel = (source: number, step: number, target: number, end: number) => void
