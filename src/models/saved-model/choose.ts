import { failure } from '../../util/diagnostic.ts'
import { didYouMean } from '../../util/suggest.ts'

/**
 * One of the names there are: the one asked for, else the first of `usual` that is there, else the only one. Throws
 * WRONG_VALUE that lists them.
 */
export function choose(
  what: string,
  there: readonly string[],
  wanted: string | undefined,
  usual: readonly string[],
): string {
  const list = there.length === 0 ? 'none' : there.toSorted().join(', ')
  if (wanted !== undefined) {
    if (there.includes(wanted)) return wanted
    throw failure('WRONG_VALUE', `the SavedModel has no ${what} "${wanted}"; it has ${list}`, {
      hint: didYouMean(wanted, there),
    })
  }
  const found =
    usual.find((name) => there.includes(name)) ?? (there.length === 1 ? there[0] : undefined)
  if (found !== undefined) return found
  if (there.length === 0) throw failure('WRONG_VALUE', `the SavedModel has no ${what} at all`)
  throw failure('WRONG_VALUE', `the SavedModel has several choices of ${what}: ${list}`, {
    hint: `set baseModel.${what} to one of them`,
  })
}
