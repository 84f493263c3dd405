import type { Node, Path, ScalarNode } from './tree.ts'
import { fromData, mapTree } from './tree.ts'

/** A short form: where it stands (`*` is any place of a list), and what it stands for. */
interface ShortForm {
  readonly path: readonly string[]
  /** Undefined leaves the value as it is: it is no short form, or a wrong one that validation will name. */
  readonly write: (value: string | number) => unknown
}

const named = (value: string | number): unknown =>
  typeof value === 'string' ? { name: value } : undefined

/** Every short form of the file but that of `dataset`, which needs to look into the folder. */
export const SHORT_FORMS: readonly ShortForm[] = [
  { path: ['engine'], write: named },
  { path: ['loss'], write: named },
  { path: ['optimizer'], write: named },
  { path: ['training', 'phases', '*', 'optimizer'], write: named },
  { path: ['features'], write: (v) => (typeof v === 'string' ? { when: v } : undefined) },
  {
    path: ['augmentation', 'zoomRange'],
    write: (v) => (typeof v === 'number' ? [1 - v, 1 + v] : undefined),
  },
  {
    path: ['dataset', 'resize'],
    write: (v) => (typeof v === 'string' ? { library: 'pillow', method: v } : undefined),
  },
  {
    path: ['baseModel', 'weights'],
    write: (v) =>
      typeof v === 'string' && v.trim() !== '' && v !== 'imagenet' && v !== 'none'
        ? { path: v }
        : undefined,
  },
  {
    path: ['head', '*'],
    write: (v) => (v === 'BatchNormalization' ? { BatchNormalization: {} } : undefined),
  },
  { path: ['head', '*', 'Dropout'], write: (v) => ({ rate: v }) },
  {
    path: ['head', '*', 'Activation'],
    write: (v) => (typeof v === 'string' ? { activation: v } : undefined),
  },
  { path: ['head', '*', 'Dense', 'kernelInitializer'], write: named },
  { path: ['head', '*', 'Dense', 'biasInitializer'], write: named },
  {
    path: ['training', 'checkpoint', 'every'],
    write: (v) => (typeof v === 'string' ? [v] : undefined),
  },
]

/** Writes every short form of the tree out; the values keep their places. */
export function writeOut(root: Node): Node {
  return mapTree(root, (node, path) => {
    if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean')
      return node
    const form = SHORT_FORMS.find((f) => fits(f.path, path))
    const long = form?.write(node.value)
    return long === undefined ? node : placed(fromData(long, node.from, node.argument), node)
  })
}

/** Every value of the long form stands where the short one does. */
export function placed(long: Node, short: ScalarNode): Node {
  return mapTree(long, (node) => ({ ...node, at: short.at, short: node.kind === 'scalar' }))
}

function fits(pattern: readonly string[], path: Path): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, i) => (step === '*' ? typeof path[i] === 'number' : step === path[i]))
  )
}
