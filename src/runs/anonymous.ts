import { homedir } from 'node:os'
import type { Diagnostic } from '../util/diagnostic.ts'

/** Replaces folders of this machine in a text by names. */
export type Anonymous = (text: string) => string

export function anonymous(store: string, cwd: string): Anonymous {
  const names = [
    [store, 'STORE'],
    [cwd, '.'],
    [homedir(), '~'],
  ] as const
  // Whole names only: what begins like the folder may be another one.
  const known = names
    .filter(([path]) => path.length > 1)
    .map(([path, name]) => [new RegExp(`${escaped(path)}(?![\\w.-])`, 'g'), name] as const)
  return (text) => known.reduce((rest, [pattern, name]) => rest.replace(pattern, name), text)
}

/** A diagnostic as a run keeps it: no path of this machine, nor the file that it points into. */
export function anonymousDiagnostic(
  { code, message, hint }: Diagnostic,
  without: Anonymous,
): Diagnostic {
  return { code, message: without(message), ...(hint === undefined ? {} : { hint: without(hint) }) }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
