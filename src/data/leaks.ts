import type { IndexRow, Leak } from './index-table.ts'

/** The same bytes in more than one split, in the order in which they first appear in the rows. */
export function findLeaks(rows: readonly IndexRow[]): Leak[] {
  const seen = new Map<string, IndexRow[]>()
  for (const row of rows) {
    const list = seen.get(row.sha256)
    if (list === undefined) seen.set(row.sha256, [row])
    else list.push(row)
  }
  return [...seen.values()]
    .filter((list) => list.some((row) => row.split !== list[0]!.split))
    .map((list) => ({
      sha256: list[0]!.sha256,
      pictures: list.map(({ split, path }) => ({ split, path })),
    }))
}
