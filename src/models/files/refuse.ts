import { PipelineError } from '../../util/diagnostic.ts'
import { fromKeras } from '../keras-config/keras-config.ts'
import { isOperation } from './operations.ts'
import type { Topology, TopologyLayer } from './topology.ts'

const MOST_TOLD = 20

/** Before anything else, so that a person sees all that is missing. */
export function refuseUnknown(topology: Topology, source: string): void {
  const unknown = new Map<string, string[]>()
  const problems: string[] = []
  for (const leaf of leaves(topology)) {
    if (isOperation(leaf)) continue
    const read = fromKeras(leaf.layer, leaf.format)
    for (const problem of read?.problems ?? []) problems.push(settingProblem(leaf, problem))
    if (read) continue
    const name = leaf.layer.registered_name ?? leaf.layer.class_name
    unknown.set(name, [...(unknown.get(name) ?? []), leaf.name])
  }
  if (unknown.size + problems.length === 0) return
  const classes = [...unknown].map(([name, layers]) => {
    const [what, are] = layers.length === 1 ? ['layer', 'is'] : ['layers', 'are']
    const names = some(layers.map((layer) => `"${layer}"`))
    return `${what} ${names} ${are} of class ${name}, which is not known here`
  })
  const hint = 'docs/models.md says which layers and settings are'
  throw refused(source, [...classes, ...problems], hint)
}

export function settingProblem({ name, layer }: TopologyLayer, problem: string): string {
  return `layer "${name}" (${layer.class_name}): ${problem}`
}

/** `a, b, c and 4 more`. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

/** The first of many problems, and how many there are. */
export function refused(source: string, problems: readonly string[], hint?: string): PipelineError {
  const told = problems.slice(0, MOST_TOLD)
  const rest = problems.length - told.length
  const messages = rest > 0 ? [...told, `and ${rest} more of the kind`] : told
  return new PipelineError(
    messages.map((text) => ({ code: 'BAD_WEIGHTS', message: `${source}: ${text}`, hint })),
  )
}

/** The layers that are no models, nested ones too, in the file's order. */
function* leaves(topology: Topology): Generator<TopologyLayer> {
  for (const layer of topology.layers) {
    if (layer.model) yield* leaves(layer.model)
    else yield layer
  }
}
