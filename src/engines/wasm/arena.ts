/**
 * Gives buffers their places in one block of memory, so that two that live at the same time never overlap and
 * the block stays small. Offsets and sizes are in bytes, offsets multiples of 64.
 */
export class Arena {
  /** Free stretches below the top, by offset. */
  readonly #free: { offset: number; bytes: number }[] = []
  readonly #taken = new Map<number, number>()
  #top = 0
  #peak = 0

  get bytes(): number {
    return this.#peak
  }

  /** The smallest stretch that is large enough, else the end. */
  take(wanted: number): number {
    // XNNPACK reads up to 16 bytes past the end of its inputs.
    const bytes = Math.ceil((wanted + 16) / 64) * 64
    let best = -1
    this.#free.forEach((stretch, i) => {
      if (stretch.bytes < bytes) return
      if (best < 0 || stretch.bytes < this.#free[best]!.bytes) best = i
    })
    const offset = best < 0 ? this.#grow(bytes) : this.#cut(best, bytes)
    this.#taken.set(offset, bytes)
    return offset
  }

  free(offset: number): void {
    const bytes = this.#taken.get(offset)
    if (bytes === undefined) throw new TypeError(`nothing taken at ${offset}`)
    this.#taken.delete(offset)
    const after = this.#free.findIndex((stretch) => stretch.offset > offset)
    const at = after < 0 ? this.#free.length : after
    this.#free.splice(at, 0, { offset, bytes })
    this.#join(at)
    this.#join(at - 1)
    const last = this.#free.at(-1)!
    if (last.offset + last.bytes === this.#top) {
      this.#free.pop()
      this.#top = last.offset
    }
  }

  #grow(bytes: number): number {
    const offset = this.#top
    this.#top += bytes
    this.#peak = Math.max(this.#peak, this.#top)
    return offset
  }

  #cut(index: number, bytes: number): number {
    const stretch = this.#free[index]!
    const { offset } = stretch
    if (stretch.bytes === bytes) this.#free.splice(index, 1)
    else this.#free[index] = { offset: offset + bytes, bytes: stretch.bytes - bytes }
    return offset
  }

  /** Joins the stretch with the next one if they touch. */
  #join(index: number): void {
    const stretch = this.#free[index]
    const next = this.#free[index + 1]
    if (!stretch || !next || stretch.offset + stretch.bytes !== next.offset) return
    stretch.bytes += next.bytes
    this.#free.splice(index + 1, 1)
  }
}
