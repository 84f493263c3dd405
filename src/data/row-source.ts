/** A picture that hands out its rows from top to bottom, so that it need not be whole in memory. */
export interface RowSource {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  /**
   * Writes the rows `first` to `first + count - 1` to `into`, `[count, width, channels]` of uint8. Never asked
   * for a row above one that was asked for before, nor for one twice.
   */
  readonly read: (first: number, count: number, into: Uint8Array) => void
}

/** A picture in memory as a source of rows. */
export function rowsOf(picture: {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  readonly data: Uint8Array
}): RowSource {
  const { width, height, channels, data } = picture
  const stride = width * channels
  return {
    width,
    height,
    channels,
    read(first, count, into) {
      into.set(data.subarray(first * stride, (first + count) * stride))
    },
  }
}
