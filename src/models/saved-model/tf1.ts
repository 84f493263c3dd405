import { failure } from '../../util/diagnostic.ts'
import { choose } from './choose.ts'
import { VARIABLE, type MetaGraph, type NodeDef, type TensorInfo } from './graph-def.ts'
import { decode, type Read } from './message.ts'
import type { Module, ModuleOptions, ModuleTensor, ModuleVariable, Signature } from './module.ts'
import { functionOf, graphReference, nodeName, VARIABLES, type RawFunction } from './functions.ts'
import type { Endpoint } from './stored.ts'
import { valueType } from './tensor-proto.ts'

/**
 * A SavedModel or hub module of TF1: whole graphs, told apart by tags, with tensors to feed and to fetch. One tagged
 * `train` beside the one to predict with is the branch to train by; its collections say which variables train, which
 * updates a step runs (`update_ops`) and what joins the loss. Throws WRONG_VALUE for a choice that is not there.
 */
export function tf1Module(
  meta: MetaGraph,
  train: MetaGraph | undefined,
  keys: ReadonlyMap<string, readonly number[]>,
  options: ModuleOptions,
): Module {
  const names = tf1Signatures(meta).map(({ name }) => name)
  const name = choose('signature', names, options.signature, ['serving_default', 'default'])
  const signature = meta.signatures.get(name)!
  const outputs = [...signature.outputs.keys()].sort()
  const output = choose('output', outputs, options.output, ['default'])
  const library = new Map<string, RawFunction>()
  const endpoint = (graph: MetaGraph, as: string): Endpoint => {
    const { inputs: fed, outputs: fetched } = graph.signatures.get(name)!
    library.set(as, graphFunction(graph, as, fed, [fetched.get(output)!.name]))
    const indices = [...fed.keys()].map((_, index) => ({ kind: 'input' as const, index }))
    return { function: as, arguments: indices, output: 0 }
  }
  for (const { library: functions } of [meta.graph, ...(train ? [train.graph] : [])]) {
    for (const f of functions.functions) library.set(f.signature.name, functionOf(f))
  }
  const trains = train?.signatures.get(name)?.outputs.has(output) ? train : undefined
  const inference = endpoint(meta, 'graph')
  const training = trains && endpoint(trains, 'training graph')
  const losses = trains?.collections.get('regularization_losses')?.nodes.values ?? []
  const regularizers = losses.map((loss, i) => {
    const as = `regularization loss ${i}`
    library.set(as, { ...graphFunction(trains!, as, new Map(), [loss]), effects: [] })
    return { function: as, arguments: [], output: 0 }
  })
  return {
    library,
    inference,
    training,
    regularizers,
    variables: variablesOf([meta, ...(trains ? [trains] : [])], keys),
    constants: new Map(),
    inputs: inputsOf(signature.inputs),
    outputs,
    tf1: true,
  }
}

export function tf1Signatures({ signatures }: MetaGraph): Signature[] {
  return [...signatures]
    .filter(([name]) => !name.startsWith('__'))
    .map(([name, { inputs, outputs }]) => ({
      name,
      inputs: inputsOf(inputs),
      outputs: [...outputs.keys()].sort(),
    }))
}

function inputsOf(inputs: ReadonlyMap<string, TensorInfo>): ModuleTensor[] {
  return [...inputs].map(([name, { shape }]) => ({
    name,
    shape: shape.unknownRank ? null : shape.dims.map(({ size }) => size),
  }))
}

function graphFunction(
  { graph, collections }: MetaGraph,
  name: string,
  fed: ReadonlyMap<string, TensorInfo>,
  fetched: readonly string[],
): RawFunction {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]))
  const updates = collections.get('update_ops')?.nodes.values ?? []
  return {
    name,
    inputs: [...fed.values()].map((info) => graphReference(info.name)),
    outputs: fetched.map(graphReference),
    nodes,
    reference: graphReference,
    effects: updates.map(nodeName).filter((node) => nodes.has(node)),
  }
}

/** Those that a function could read, by the names of their nodes, with their keys in the bundle. */
function variablesOf(
  graphs: readonly MetaGraph[],
  keys: ReadonlyMap<string, readonly number[]>,
): ModuleVariable[] {
  const names = (graph: MetaGraph, collection: string) =>
    collected(graph, collection).map(({ name }) => name)
  const trainable = new Set(graphs.flatMap((graph) => names(graph, 'trainable_variables')))
  const parts = new Map(
    graphs
      .flatMap((graph) => [
        ...collected(graph, 'variables'),
        ...collected(graph, 'trainable_variables'),
      ])
      .flatMap(({ name, slice }) => (slice ? [[name, slice] as const] : [])),
  )
  const order = graphs.flatMap((graph) => [
    ...names(graph, 'trainable_variables'),
    ...names(graph, 'variables'),
    ...graph.graph.nodes.filter(({ op }) => VARIABLES.has(op)).map(({ name }) => name),
  ])
  const nodes = graphs.flatMap(({ graph }) => graph.nodes.filter(({ op }) => VARIABLES.has(op)))
  const integers = new Set(
    nodes
      .filter(({ attributes }) => valueType(attributes.get('dtype')?.type ?? 1) !== 'float')
      .map(({ name }) => name),
  )
  const restored = new Map(graphs.flatMap(({ graph }) => [...restoredKeys(graph.nodes)]))
  const variables = [...new Set(order)].flatMap((name): ModuleVariable[] => {
    const part = parts.get(name)
    const key = keys.has(name) ? name : (part?.fullName ?? restored.get(name))
    const whole = key === undefined ? undefined : keys.get(key)
    if (key === undefined || !whole) return []
    const integer = integers.has(name)
    const kind = { name, key, trainable: trainable.has(name) && !integer, integer }
    return [
      part && key !== name
        ? { ...kind, shape: part.shape, offset: part.offset }
        : { ...kind, shape: whole },
    ]
  })
  return [...variables.filter((v) => v.trainable), ...variables.filter((v) => !v.trainable)]
}

function collected({ collections }: MetaGraph, collection: string): Read<typeof VARIABLE>[] {
  const values = collections.get(collection)?.bytes.values ?? []
  return values.map((bytes) => {
    const variable = decode(VARIABLE, bytes)
    return { ...variable, name: variable.name.replace(/:\d+$/, '') }
  })
}

/** The keys under which a saver restores variables, where they are not their names: Assign(VARIABLE, RestoreV2:i). */
function restoredKeys(nodes: readonly NodeDef[]): Map<string, string> {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const keys = new Map<string, string>()
  for (const { op, inputs } of nodes) {
    if (op !== 'Assign' && op !== 'AssignVariableOp') continue
    const [variable, value] = inputs.map(graphReference)
    if (!variable || !value) continue
    const source = throughIdentity(byName, value)
    const restore = byName.get(nodeName(source))
    if (restore?.op !== 'RestoreV2') continue
    const list = byName.get(nodeName(graphReference(restore.inputs[1] ?? '')))
    const key = list?.attributes.get('value')?.tensor?.strings[Number(source.split(':').at(-1))]
    if (key) keys.set(nodeName(variable), key)
  }
  return keys
}

function throughIdentity(byName: ReadonlyMap<string, NodeDef>, reference: string): string {
  const node = byName.get(nodeName(reference))
  return node?.op === 'Identity' && node.inputs[0] ? graphReference(node.inputs[0]) : reference
}

/** The graph to predict with and the one to train by. Throws WRONG_VALUE that lists the tags there are. */
export function graphsByTags(
  graphs: readonly MetaGraph[],
  wanted: readonly string[] | undefined,
): { readonly meta: MetaGraph; readonly train: MetaGraph | undefined } {
  const tagged = (tags: readonly string[]): MetaGraph | undefined =>
    graphs.find(({ info }) => [...info.tags].sort().join() === [...tags].sort().join())
  const meta = wanted
    ? tagged(wanted)
    : (tagged(['serve']) ?? tagged([]) ?? graphs.find(({ info }) => !info.tags.includes('train')))
  if (!meta) {
    const there = graphs.map(({ info }) => `[${info.tags.join(', ')}]`).join(', ') || 'none'
    throw failure(
      'WRONG_VALUE',
      `the SavedModel has no graph ${wanted ? `tagged [${wanted.join(', ')}]` : 'to predict with'}; it has those tagged ${there}`,
      { hint: 'set baseModel.tags to one of them' },
    )
  }
  const train = tagged([...meta.info.tags, 'train']) ?? tagged(['train'])
  return { meta, train: train === meta ? undefined : train }
}
