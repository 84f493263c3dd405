/** The name, or the first of `NAME_1`, `NAME_2` ... that is not taken. */
export function unused(name: string, taken: { has(name: string): boolean }): string {
  for (let i = 0; ; i += 1) {
    const candidate = i === 0 ? name : `${name}_${i}`
    if (!taken.has(candidate)) return candidate
  }
}
