import { failure } from '../../util/diagnostic.ts'
import type { WeightMap } from '../layer-graph.ts'
import type { Bundle } from './bundle/bundle.ts'
import { objectsOf, readGraphs, readVariables, within } from './files.ts'
import type { MetaGraph } from './graph-def.ts'
import { decode } from './message.ts'
import type { Module, ModuleOptions, ModuleVariable } from './module.ts'
import { TRACKABLE_GRAPH } from './object-graph.ts'
import { reduce, type Reduced } from './reduce.ts'
import { gathered } from './ops/host.ts'
import type { Endpoint, SavedModelConfig } from './stored.ts'
import { graphsByTags, tf1Module } from './tf1.ts'
import { tf2Module } from './tf2.ts'
import { host } from './values.ts'

/** A function of a SavedModel with all its inputs, before its values are read. */
export interface Imported {
  readonly config: SavedModelConfig
  /** By the names in `config.weights`. Throws BAD_WEIGHTS. */
  readonly readWeights: () => Promise<WeightMap>
}

/** Throws BAD_WEIGHTS for a damaged file, WRONG_VALUE for a choice that is not there. */
export async function importSavedModel(folder: string, options: ModuleOptions): Promise<Imported> {
  const graphs = await readGraphs(folder)
  const bundle = await readVariables(folder)
  const tree = await treeOf(bundle)
  const { module, reduced } = within(folder, () => {
    const module = moduleOf(graphs, bundle, tree, options)
    const taken = new Set([...module.variables.map(({ name }) => name), ...module.constants.keys()])
    return { module, reduced: reduce(module.library, endpointsOf(module), taken) }
  })
  const constants = new Map([...module.constants, ...reduced.constants])
  const variables = usedVariables(module, reduced)
  const config: SavedModelConfig = {
    functions: reduced.functions,
    inference: module.inference,
    training: module.training,
    regularizers: module.regularizers,
    weights: [
      ...variables.map(({ name, shape, trainable, integer }) => ({
        name,
        shape,
        trainable,
        ...(integer ? { integer } : {}),
      })),
      ...[...constants].map(([name, { shape }]) => ({ name, shape, trainable: false })),
    ],
    inputs: module.inputs.map(({ shape }) => shape),
  }
  const readWeights = async () => {
    const weights = new Map<string, Float32Array>()
    for (const v of variables) weights.set(v.name, await valueOf(folder, bundle!, v))
    for (const [name, { values }] of constants) weights.set(name, Float32Array.from(values))
    return weights
  }
  return { config, readWeights }
}

function endpointsOf({ inference, training, regularizers }: Module): string[] {
  return [inference, training, ...regularizers]
    .filter((endpoint): endpoint is Endpoint => endpoint !== undefined)
    .map((endpoint) => endpoint.function)
}

/** The keys of the variables of a module of TF2. */
async function treeOf(bundle: Bundle | undefined): Promise<Uint8Array> {
  const name = '_CHECKPOINTABLE_OBJECT_GRAPH'
  return bundle?.entries.has(name) ? bundle.readBytes(name) : new Uint8Array(0)
}

function moduleOf(
  graphs: readonly MetaGraph[],
  bundle: Bundle | undefined,
  tree: Uint8Array,
  options: ModuleOptions,
): Module {
  const { meta, train } = graphsByTags(graphs, options.tags)
  const objects = objectsOf(meta)
  if (objects) return tf2Module(meta, objects, decode(TRACKABLE_GRAPH, tree), options)
  const keys = new Map([...(bundle?.entries ?? [])].map(([key, { shape }]) => [key, shape]))
  return tf1Module(meta, train, keys, options)
}

/** Of a TF1 graph those that what is imported reads; a module of TF2 has its own list. */
function usedVariables(module: Module, { functions }: Reduced): readonly ModuleVariable[] {
  const used = new Set<unknown>()
  for (const { nodes } of Object.values(functions)) {
    for (const { attributes } of nodes) used.add(attributes?.['weight'])
  }
  return module.tf1 ? module.variables.filter(({ name }) => used.has(name)) : module.variables
}

async function valueOf(folder: string, bundle: Bundle, variable: ModuleVariable) {
  const { name, key, shape, offset } = variable
  const entry = bundle.entries.get(key)
  if (!entry) throw failure('BAD_WEIGHTS', `${folder} has no values of its variable ${name}`)
  const fits = offset
    ? offset.length === entry.shape.length &&
      shape.length === entry.shape.length &&
      shape.every(
        (n, axis) => offset[axis]! >= 0 && n >= 0 && offset[axis]! + n <= entry.shape[axis]!,
      )
    : entry.shape.join() === shape.join()
  if (!fits) {
    const there = `[${entry.shape.join(', ')}]`
    const message = `${folder}: the variable ${name} is [${shape.join(', ')}] in the graph and ${there} in variables/`
    throw failure('BAD_WEIGHTS', message)
  }
  const { data } = await bundle.read(key)
  if (!offset) return data
  const all = host('float', entry.shape, data)
  return Float32Array.from(
    gathered(all, shape, (at) => at.map((n, axis) => n + offset[axis]!)).data,
  )
}
