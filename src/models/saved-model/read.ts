import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Shape } from '../../program/program.ts'
import { failure, type PipelineError } from '../../util/diagnostic.ts'
import { GraphBuilder, layerGraph } from '../graph-builder.ts'
import type { WeightMap } from '../layer-graph.ts'
import { storeGraph, type StoredGraph } from '../stored-graph.ts'
import { readBundle, type Bundle } from './bundle/bundle.ts'
import { SAVED_MODEL, type MetaGraph } from './graph-def.ts'
import { decode } from './message.ts'
import type { Module, ModuleOptions, ModuleVariable, Signature } from './module.ts'
import { OBJECT_GRAPH, TRACKABLE_GRAPH, type ObjectGraph } from './object-graph.ts'
import { reduce, type Reduced } from './reduce.ts'
import type { Endpoint, SavedModelConfig } from './stored.ts'
import { tf2Module, tf2Signatures } from './tf2.ts'
import { graphsByTags, tf1Module, tf1Signatures } from './tf1.ts'
import { WireError } from './wire.ts'

export interface SavedModelOptions extends ModuleOptions {
  /** [height, width, channels], for a module that leaves its picture's size open. */
  readonly inputShape?: Shape | undefined
}

/** hub.KerasLayer's automatic name. */
export const LAYER_NAME = 'keras_layer'

/** What a module that leaves it open is given. */
const USUAL = [224, 224, 3]

/** Protobuf's own bound is 2 GiB; weights lie beside the graph, not in it. */
const LARGEST = 2 ** 30

/**
 * The SavedModel in a folder as a network of an InputLayer and one layer of kind `SavedModel`, with its weights. Throws
 * BAD_WEIGHTS for what is damaged or cannot be imported, WRONG_VALUE for a signature, tags, an output or a size that the
 * module does not have.
 */
export async function readSavedModel(
  folder: string,
  options: SavedModelOptions = {},
): Promise<{ graph: StoredGraph; weights: WeightMap }> {
  const { config, weights } = await importSavedModel(folder, options)
  if (config.inputs.length !== 1) {
    throw failure('BAD_WEIGHTS', `${folder} takes ${config.inputs.length} inputs, not one picture`)
  }
  const g = new GraphBuilder()
  const input = g.layer('InputLayer', [], { shape: inputShape(config, options) }, 'input_layer')
  const layer = g.layer('SavedModel', input, config, LAYER_NAME)
  const named = new Map([...weights].map(([name, data]) => [`${LAYER_NAME}/${name}`, data]))
  return { graph: storeGraph(layerGraph(LAYER_NAME, input, layer)), weights: named }
}

/** A function of a SavedModel with all its inputs, and its weights by the module's own names. */
export async function importSavedModel(
  folder: string,
  options: ModuleOptions,
): Promise<{ config: SavedModelConfig; weights: WeightMap }> {
  const { graphs, bundle } = await open(folder)
  const module = await whole(folder, () => moduleOf(graphs, bundle, options))
  const endpoints = [module.inference, module.training, ...module.regularizers].filter(
    (endpoint): endpoint is Endpoint => endpoint !== undefined,
  )
  const reduced = await whole(folder, () =>
    Promise.resolve(
      reduce(
        module.library,
        endpoints.map((endpoint) => endpoint.function),
      ),
    ),
  )
  const variables = usedVariables(module, reduced)
  const weights = new Map<string, Float32Array>()
  for (const variable of variables)
    weights.set(variable.name, await valueOf(folder, bundle!, variable))
  const constants = new Map([...module.constants, ...reduced.constants])
  for (const [name, { shape, values }] of constants) {
    weights.set(name, Float32Array.from(values))
    if (values.length !== shape.reduce((a, n) => a * n, 1)) throw new TypeError(name)
  }
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
  return { config, weights }
}

export interface SavedModelDescription {
  readonly format: 'TF1' | 'TF2'
  readonly tensorflow: string
  readonly tags: readonly (readonly string[])[]
  /** `__call__` of a module, then the signatures. */
  readonly signatures: readonly Signature[]
  /** Nodes, those of functions included. */
  readonly ops: number
}

/** What there is to choose from, read without any values. Throws BAD_WEIGHTS. */
export async function describeSavedModel(folder: string): Promise<SavedModelDescription> {
  const graphs = await graphsOf(folder)
  return whole(folder, () => {
    const { meta } = graphsByTags(graphs, undefined)
    const objects = objectsOf(meta)
    const { nodes, library } = meta.graph
    return Promise.resolve({
      format: objects ? 'TF2' : 'TF1',
      tensorflow: meta.info.version,
      tags: graphs.map(({ info }) => info.tags),
      signatures: objects ? tf2Signatures(meta, objects) : tf1Signatures(meta),
      ops: library.functions.reduce((sum, f) => sum + f.nodes.length, nodes.length),
    })
  })
}

async function open(folder: string): Promise<{ graphs: MetaGraph[]; bundle: Bundle | undefined }> {
  const graphs = await graphsOf(folder)
  const prefix = join(folder, 'variables', 'variables')
  const there = await stat(`${prefix}.index`).catch(() => undefined)
  return { graphs, bundle: there && (await readBundle(prefix)) }
}

async function graphsOf(folder: string): Promise<MetaGraph[]> {
  const path = join(folder, 'saved_model.pb')
  const { size } = await stat(path).catch((error: unknown) => {
    throw failure('BAD_WEIGHTS', `${folder} is no SavedModel: it has no saved_model.pb`, {
      cause: error,
    })
  })
  if (size > LARGEST) throw failure('BAD_WEIGHTS', `${path} has ${size} bytes, more than 1 GiB`)
  const bytes = await readFile(path)
  return whole(folder, () => {
    const { metaGraphs } = decode(SAVED_MODEL, bytes)
    if (metaGraphs.length === 0) throw new WireError('no graph in it')
    return Promise.resolve(metaGraphs)
  })
}

/** What goes wrong inside is about this file. */
async function whole<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw error instanceof WireError ? damaged(folder, error) : error
  }
}

function damaged(folder: string, error: WireError): PipelineError {
  return failure('BAD_WEIGHTS', `${join(folder, 'saved_model.pb')} is damaged: ${error.message}`, {
    cause: error,
    hint: 'download or export it again',
  })
}

async function moduleOf(
  graphs: readonly MetaGraph[],
  bundle: Bundle | undefined,
  options: ModuleOptions,
): Promise<Module> {
  const { meta, train } = graphsByTags(graphs, options.tags)
  const objects = objectsOf(meta)
  const keys = new Map([...(bundle?.entries ?? [])].map(([key, { shape }]) => [key, shape]))
  if (!objects) return tf1Module(meta, train, keys, options)
  const stored = '_CHECKPOINTABLE_OBJECT_GRAPH'
  const tree = bundle?.entries.has(stored) ? await bundle.readBytes(stored) : new Uint8Array(0)
  return tf2Module(meta, objects, decode(TRACKABLE_GRAPH, tree), options)
}

function objectsOf(meta: MetaGraph): ObjectGraph | undefined {
  const objects = decode(OBJECT_GRAPH, meta.objects)
  return objects.nodes.length > 0 ? objects : undefined
}

/** Of a TF1 graph those that what is imported reads; a module of TF2 has its own list. */
function usedVariables(module: Module, { functions }: Reduced): readonly ModuleVariable[] {
  const used = new Set<unknown>()
  for (const { nodes } of Object.values(functions)) {
    for (const { attributes } of nodes) if ('weight' in attributes) used.add(attributes['weight'])
  }
  return module.tf1 ? module.variables.filter(({ name }) => used.has(name)) : module.variables
}

async function valueOf(folder: string, bundle: Bundle, { name, key, shape }: ModuleVariable) {
  const entry = bundle.entries.get(key)
  if (!entry) throw failure('BAD_WEIGHTS', `${folder} has no values of its variable ${name}`)
  if (entry.shape.join() !== shape.join()) {
    throw failure(
      'BAD_WEIGHTS',
      `${folder}: the variable ${name} is [${shape.join(', ')}] in the graph and [${entry.shape.join(', ')}] in variables/`,
    )
  }
  return (await bundle.read(key)).data
}

function inputShape({ inputs }: SavedModelConfig, options: SavedModelOptions): Shape {
  const declared = inputs[0]?.slice(1)
  if (options.inputShape) return options.inputShape
  return declared?.map((n, axis) => (n < 0 ? (USUAL[axis] ?? 1) : n)) ?? USUAL
}
