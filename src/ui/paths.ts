/** Paths of pages. Names are whatever a person has called a run. */

export const INDEX_PATH = '/'

export function runPath(name: string, id: string): string {
  return `/runs/${encodeURIComponent(name)}/${encodeURIComponent(id)}`
}

export function filePath(name: string, id: string, file: string): string {
  return `${runPath(name, id)}/files/${encodeURIComponent(file)}`
}

export function sweepPath(name: string): string {
  return `/sweeps/${encodeURIComponent(name)}`
}

/** What differs between two runs, the older one first. */
export function diffPath(a: readonly [string, string], b: readonly [string, string]): string {
  const query = new URLSearchParams(
    [a, b].map((place): [string, string] => ['run', place.join('/')]),
  )
  return `/diff?${query.toString()}`
}

/** The run that a page is about. */
export function placeOfPath(path: string): readonly [name: string, id: string] | undefined {
  const [, name, id] = /^\/runs\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  if (name === undefined || id === undefined) return undefined
  try {
    return [decodeURIComponent(name), decodeURIComponent(id)]
  } catch {
    return undefined
  }
}
