import type { Entry, Node } from './tree.ts'
import { find, mapTree, replace } from './tree.ts'

/** What a phase takes from the file's own keys where it does not say it itself. */
const INHERITED = {
  epochs: ['training', 'epochs'],
  freeze: ['freeze'],
  optimizer: ['optimizer'],
} as const

/**
 * The phases with what they take over written into them. Before defaults are filled: a phase's own defaults
 * would hide what the file says.
 */
export function inheritPhases(root: Node): Node {
  const phases = find(root, ['training', 'phases'])
  if (phases?.kind !== 'list') return root
  const items = phases.items.map((phase) => (phase.kind === 'map' ? completed(root, phase) : phase))
  return replace(root, ['training', 'phases'], { ...phases, items })
}

function completed(root: Node, phase: Extract<Node, { kind: 'map' }>): Node {
  const entries = new Map<string, Entry>(phase.entries)
  for (const [key, path] of Object.entries(INHERITED)) {
    const value = find(root, path)
    if (value && !entries.has(key)) entries.set(key, { value: asDefault(value) })
  }
  return { ...phase, entries }
}

/** Not written in the phase: a mistake in it is told where it stands. */
function asDefault(value: Node): Node {
  return mapTree(value, (node) => ({ ...node, from: 'default' }))
}
