import { parse } from 'yaml'

/** What a page reads of resolved.yaml. A person may have edited it, so nothing is taken for granted. */
export interface Settings {
  /** The name of the base model, or what brings it. */
  readonly model: string | undefined
  /** The local folder or archive of the pictures, as seen from the folder of the run. */
  readonly pictures: string | undefined
  /** Places of the pictures that a run without training names, as seen from the folder of the run. */
  readonly images: readonly string[]
}

/** Empty where the text is no pipeline. */
export function settingsOf(resolved: string | undefined): Settings {
  const at = (from: unknown, ...path: readonly string[]): unknown =>
    path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), from)
  const root = parsed(resolved)
  const images = at(root, 'prediction', 'images')
  return {
    model: modelText(at(root, 'baseModel')),
    pictures: text(at(root, 'dataset', 'source', 'path')),
    images: Array.isArray(images) ? images.flatMap((one: unknown) => text(one) ?? []) : [],
  }
}

function parsed(resolved: string | undefined): unknown {
  try {
    return resolved === undefined ? undefined : parse(resolved)
  } catch {
    return undefined
  }
}

/** `EfficientNetLite0`; of a file or a module the end of where it lies, which is its name. */
function modelText(model: unknown): string | undefined {
  if (!isObject(model)) return undefined
  const name = text(model['name'])
  if (name !== undefined) return name
  const place = Object.values(model).flatMap((value) => text(value) ?? [])[0]
  return place?.split('/').slice(-2).join('/')
}

/** A value of resolved.yaml has its dollar signs doubled. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.replaceAll('$$', '$') : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
