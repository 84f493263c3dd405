/** What is done to values rather than places, in float32 as numpy does it: the plain twin of shade-kernels.ts. */

export function extremes(values: Float32Array): [least: number, greatest: number] {
  let [least, greatest] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  return [least, greatest]
}

/** Keras' `apply_channel_shift`: no value leaves the range that the picture had. */
export function shiftPlain(values: Float32Array, by: number): void {
  const [least, greatest] = extremes(values)
  for (let i = 0; i < values.length; i += 1) {
    values[i] = Math.min(Math.max(Math.fround(values[i]! + Math.fround(by)), least), greatest)
  }
}

/** Values 0..255 through Pillow's `ImageEnhance.Brightness`: cut to whole numbers, multiplied, cut again. */
export function brightenPlain(values: Float32Array, factor: number): void {
  const by = Math.fround(factor)
  for (let i = 0; i < values.length; i += 1) {
    values[i] = Math.trunc(Math.min(Math.fround(Math.trunc(values[i]!) * by), 255))
  }
}

/**
 * Keras' `apply_brightness_shift(x, factor, scale=False)` where a value lies outside of 0..255 (only a `cval` does): the
 * picture is stretched to 0..255 and back. `brighten` works on values 0..255.
 */
export function brightenStretched(
  values: Float32Array,
  brighten: (values: Float32Array) => void,
): void {
  const { fround } = Math
  const [least, greatest] = extremes(values)
  const range = fround(greatest - least)
  for (let i = 0; i < values.length; i += 1) {
    const above = fround(values[i]! - least)
    values[i] = fround((range === 0 ? above : fround(above / range)) * 255)
  }
  brighten(values)
  for (let i = 0; i < values.length; i += 1) {
    values[i] = fround(fround(fround(values[i]! / 255) * range) + least)
  }
}
