import { relative } from 'node:path'
import { stringify } from 'yaml'
import type { Prepared } from './prepare.ts'

/** resolved.yaml: the pipeline with every default written out; its paths are relative to the run folder, so that it can be run. */
export function resolvedYaml({ pipeline, seed }: Prepared, folder: string): string {
  const near = (path: string) => relative(folder, path).split('\\').join('/') || '.'
  const turned = walk(pipeline, near) as Record<string, unknown>
  const text = stringify({ ...turned, seed }, { lineWidth: 0 })
  return `# Everything that the run used, defaults written out. Repeat it: pipeline run FILE\n${text}`
}

/** The values whose keys hold paths, wherever they stand; addresses lose their query. */
function walk(value: unknown, near: (path: string) => string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, near))
  if (typeof value === 'object' && value !== null) {
    const isPackage = 'npm' in value || 'pypi' in value || 'url' in value
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => [
        k,
        walk(v, near, isPackage && k === 'file' ? '' : k === 'file' && !('image' in value) ? '' : k),
      ]),
    )
  }
  if (typeof value !== 'string') return value
  if (key === 'path' || key === 'file') return near(value)
  return key === 'url' ? value.replace(/\?.*$/, '') : value
}
