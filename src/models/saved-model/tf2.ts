import { failure } from '../../util/diagnostic.ts'
import { choose } from './choose.ts'
import {
  best,
  defaultOf,
  inputsOf,
  isTraining,
  outputNames,
  truth,
  type Candidate,
} from './concrete.ts'
import { functionOf } from './functions.ts'
import type { MetaGraph } from './graph-def.ts'
import type { Module, ModuleOptions, ModuleVariable, Signature } from './module.ts'
import type { ObjectGraph, SavedObject, TrackableGraph } from './object-graph.ts'
import { SMALL, storedConstant } from './stored-node.ts'
import type { Argument, Endpoint } from './stored.ts'
import { argumentLeaves, parametersOf, type Parameters } from './structured.ts'
import { tensorValue, valueType, type TensorValue } from './tensor-proto.ts'
import { unused } from './unused.ts'
import { keysOf } from './variable-keys.ts'
import { WireError } from './wire.ts'

/**
 * A SavedModel of TensorFlow 2: its objects from the root on. A reusable module (and what Keras 2's `model.save` writes)
 * has `__call__`, `variables`, `trainable_variables` and `regularization_losses`; what Keras 3 exports and plain modules
 * have signatures. Throws WRONG_VALUE for a choice that is not there, WireError for a damaged object graph.
 */
export function tf2Module(
  meta: MetaGraph,
  objects: ObjectGraph,
  keys: TrackableGraph,
  options: ModuleOptions,
): Module {
  return new Reading(meta, objects, keys).module(options)
}

export function tf2Signatures(meta: MetaGraph, objects: ObjectGraph): Signature[] {
  return new Reading(meta, objects, { nodes: [] }).signatures()
}

const NO_PARAMETERS: Parameters = { names: [], defaults: new Map() }
/** Called from Python, never by a pipeline. */
const HIDDEN = '__saved_model_init_op'

class Reading {
  readonly #meta: MetaGraph
  readonly #objects: ObjectGraph
  readonly #keys: ReadonlyMap<number, string>
  readonly #variables = new Map<number, ModuleVariable>()
  readonly #names = new Set<string>()
  readonly #constants = new Map<string, TensorValue>()

  constructor(meta: MetaGraph, objects: ObjectGraph, keys: TrackableGraph) {
    this.#meta = meta
    this.#objects = objects
    this.#keys = keysOf(objects, keys)
  }

  signatures(): Signature[] {
    const names = [...(this.#callable() ? ['__call__'] : []), ...this.#signatureIds().keys()]
    return names.map((name) => {
      const [first] = this.#candidates(name)
      if (!first) throw new WireError(`${name} has no function`)
      return { name, inputs: inputsOf(first), outputs: outputNames(first) }
    })
  }

  module(options: ModuleOptions): Module {
    const calls = this.#callable() && options.signature === undefined
    const name =
      calls || options.signature === '__call__'
        ? '__call__'
        : choose('signature', [...this.#signatureIds().keys()], options.signature, [
            'serving_default',
            'serve',
            'default',
          ])
    const candidates = this.#candidates(name)
    const inference = best(candidates, false)
    if (!inference) throw noInference(name, candidates)
    const training = name === '__call__' ? best(candidates, true) : undefined
    const outputs = outputNames(inference)
    const output = choose('output', outputs, options.output, ['default'])
    this.#listed()
    const endpoint = (candidate: Candidate, trains: boolean): Endpoint => ({
      function: candidate.name,
      arguments: this.#arguments(candidate, trains),
      output: outputNames(candidate).indexOf(output),
    })
    const module = {
      library: new Map(
        this.#meta.graph.library.functions.map((f) => [f.signature.name, functionOf(f)]),
      ),
      inference: endpoint(inference, false),
      training: training && endpoint(training, true),
      regularizers: this.#regularizers(),
      constants: this.#constants,
      inputs: inputsOf(inference),
      outputs,
      tf1: false,
    }
    const variables = [...this.#variables.values()]
    const ordered = [
      ...variables.filter(({ trainable }) => trainable),
      ...variables.filter(({ trainable }) => !trainable),
    ]
    return { ...module, variables: ordered }
  }

  #object(id: number): SavedObject {
    const object = this.#objects.nodes[id]
    if (!object) throw new WireError(`an object ${id} of ${this.#objects.nodes.length}`)
    return object
  }

  #child(id: number, name: string): number | undefined {
    return this.#object(id).children.find((child) => child.name === name)?.id
  }

  #callable(): boolean {
    const id = this.#child(0, '__call__')
    return id !== undefined && (this.#object(id).function?.concrete.length ?? 0) > 0
  }

  #signatureIds(): Map<string, number> {
    const id = this.#child(0, 'signatures')
    const children = id === undefined ? [] : this.#object(id).children
    return new Map(children.filter(({ name }) => name !== HIDDEN).map((c) => [c.name, c.id]))
  }

  #candidates(name: string): Candidate[] {
    const id = name === '__call__' ? this.#child(0, name) : this.#signatureIds().get(name)
    return id === undefined ? [] : this.#functions(id)
  }

  #functions(id: number): Candidate[] {
    const { function: saved, bare } = this.#object(id)
    const parameters = saved ? parametersOf(saved.spec) : NO_PARAMETERS
    const names = saved?.concrete ?? (bare ? [bare.concrete] : [])
    return names.map((name) => {
      const concrete = this.#objects.concrete.get(name)
      if (!concrete) throw new WireError(`no concrete function ${name}`)
      const leaves = argumentLeaves(concrete.inputs, parameters.names)
      return { name, concrete, leaves, defaults: parameters.defaults }
    })
  }

  #arguments({ leaves, defaults, concrete }: Candidate, training: boolean): Argument[] {
    let inputs = 0
    const given = leaves
      .filter(({ spec }) => spec !== undefined)
      .map((leaf): Argument => {
        if (isTraining(leaf)) return truth(training)
        const value = defaultOf(leaf, defaults)
        if (value === undefined) return { kind: 'input', index: inputs++ }
        const type = valueType(leaf.spec!.dtype)
        return { kind: 'constant', constant: { type, shape: [], values: [Number(value)] } }
      })
    return [...given, ...concrete.bound.map((id) => this.#captured(id))]
  }

  #captured(id: number): Argument {
    const object = this.#object(id)
    if (object.variable) return { kind: 'weight', weight: this.#variable(id, undefined).name }
    if (!object.constant) return { kind: 'missing', what: `object ${id}, a table or resource` }
    const { operation } = object.constant
    const node = this.#meta.graph.nodes.find(({ name }) => name === operation)
    const tensor = node?.attributes.get('value')?.tensor
    const value = tensor && tensorValue(tensor)
    if (!value) return { kind: 'missing', what: `the constant ${operation}` }
    if (value.values.length <= SMALL) return { kind: 'constant', constant: storedConstant(value) }
    const weight = `constants/${operation}`
    this.#constants.set(weight, value)
    this.#names.add(weight)
    return { kind: 'weight', weight }
  }

  /** All that the module lists, in its order: training them is its business. */
  #listed(): void {
    const trainable = this.#listOf('trainable_variables')
    for (const id of trainable ?? []) this.#variable(id, true)
    for (const id of this.#listOf('variables') ?? []) {
      const { dtype } = this.#object(id).variable!
      if (valueType(dtype) === 'float') this.#variable(id, trainable ? false : undefined)
    }
  }

  #listOf(name: string): number[] | undefined {
    const id = this.#child(0, name)
    if (id === undefined) return undefined
    const children = this.#object(id).children.filter((child) => /^\d+$/.test(child.name))
    return children
      .toSorted((a, b) => Number(a.name) - Number(b.name))
      .map((child) => child.id)
      .filter((child) => this.#object(child).variable)
  }

  /** `trainable` undefined: as the variable itself says, or as the module's list has it. */
  #variable(id: number, trainable: boolean | undefined): ModuleVariable {
    const known = this.#variables.get(id)
    if (known) return known
    const { variable } = this.#object(id)
    const { dtype, shape, name } = variable!
    const key = this.#keys.get(id)
    const own = name.replace(/:\d+$/, '') || `variable_${id}`
    if (key === undefined) throw new WireError(`the variable ${own} has no values in variables/`)
    const listed = this.#child(0, 'trainable_variables') !== undefined
    const fresh = {
      name: unused(own, this.#names),
      key,
      shape: shape.dims.map(({ size }) => size),
      integer: valueType(dtype) !== 'float',
      trainable:
        valueType(dtype) === 'float' && (trainable ?? (listed ? false : variable!.trainable)),
    }
    this.#names.add(fresh.name)
    this.#variables.set(id, fresh)
    return fresh
  }

  #regularizers(): Endpoint[] {
    const id = this.#child(0, 'regularization_losses')
    const losses = id === undefined ? [] : this.#object(id).children
    return losses
      .filter((child) => /^\d+$/.test(child.name))
      .flatMap((child) => this.#functions(child.id).slice(0, 1))
      .map((loss) => ({
        function: loss.name,
        arguments: this.#arguments(loss, true),
        output: 0,
      }))
  }
}

function noInference(name: string, candidates: readonly Candidate[]) {
  return failure(
    'BAD_WEIGHTS',
    `${name} has no function to predict with; it has ${candidates.map((c) => c.name).join(', ') || 'none'}`,
  )
}
