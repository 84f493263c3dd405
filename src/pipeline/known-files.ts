import { HUB_PREPROCESSING, hubImageSize } from '../models/hub-defaults.ts'
import { readModelGraph } from '../models/read-model.ts'
import type { KnownModel } from './base-model.ts'
import { isArchive } from './data-stages.ts'
import type { ImportedModel } from './pipeline.ts'

type FromFile = Exclude<ImportedModel, { readonly run: string }>

/** What a file tells of its model, or the handle of a module that is not here yet. Throws BAD_WEIGHTS. */
export async function knownOf(base: FromFile): Promise<KnownModel> {
  if ('hub' in base) {
    return { imageSize: hubImageSize(base.hub), preprocessing: HUB_PREPROCESSING }
  }
  if ('savedModel' in base) {
    if (isArchive(base.savedModel)) return {}
    const { savedModel: path, ...signature } = base
    return known(await readModelGraph({ format: 'savedModel', path, ...signature }))
  }
  const place =
    'keras' in base
      ? ({ format: 'keras', path: base.keras } as const)
      : ({ format: 'tfjs', path: base.tfjs } as const)
  return known(await readModelGraph(place))
}

function known({ graph, notes }: Awaited<ReturnType<typeof readModelGraph>>): KnownModel {
  const input = graph.layers.find(({ name }) => name === graph.input)!
  const [height, width] = (input.config as { readonly shape: readonly number[] }).shape
  const isFixed = height! > 0 && width! > 0
  const imageSize = isFixed ? { imageSize: [height!, width!] as const } : {}
  return { stored: graph, notes, ...imageSize }
}
