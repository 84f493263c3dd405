import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Node, Path } from './tree.ts'
import { find, replace } from './tree.ts'

/** The keys whose string values are paths of this machine. */
const PATHS: readonly Path[] = [
  ['dataset'],
  ['dataset', 'source', 'path'],
  ['dataset', 'layout', 'csv', 'file'],
  ['baseModel', 'weights'],
  ['baseModel', 'weights', 'path'],
  ['baseModel', 'savedModel'],
  ['baseModel', 'keras'],
  ['baseModel', 'tfjs'],
  ['prediction', 'labels'],
]
/** The list with places of pictures. */
const IMAGES: Path = ['prediction', 'images']
/** Words that stand where a path may. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'baseModel.weights': ['imagenet', 'none'],
  'prediction.labels': ['imagenet'],
}

/** Every path made absolute, seen from the folder of the file that names it. */
export function absolutePaths(root: Node, folder: string): Node {
  return changePaths(root, (path) => (isAbsolute(path) ? path : resolve(join(folder, path))))
}

/** Every absolute path written as seen from the folder, POSIX; for files that stand there. */
export function relativePaths(root: Node, folder: string): Node {
  return changePaths(root, (path) => {
    if (!isAbsolute(path)) return path
    const steps = relative(resolve(folder), path).split(sep).join('/')
    return steps === '' ? '.' : steps
  })
}

function changePaths(root: Node, change: (path: string) => string): Node {
  let result = root
  const images = find(root, ['prediction', 'images'])
  const places = images?.kind === 'list' ? images.items.map((_, i) => [...IMAGES, i]) : []
  for (const path of [...PATHS, ...places]) {
    const node = find(result, path)
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value.trim() === '')
      continue
    if (WORDS[path.join('.')]?.includes(node.value)) continue
    result = replace(result, path, { ...node, value: change(node.value) })
  }
  return result
}
