import { failure } from '../../util/diagnostic.ts'
import type { Json, JsonObject } from '../../util/json.ts'
import type { KerasLayer } from '../keras-config/keras-config.ts'
import { isObject, numbersIn, snakeText, type KerasFormat } from '../keras-config/values.ts'

/** A model as Keras' JSON has it, whichever version wrote it, without a look at what its layers are. */
export interface Topology {
  readonly name: string
  /** Keras' class: `Functional` (`Model` in old files), `Sequential`. */
  readonly className: string
  readonly sequential: boolean
  /** In the file's order, which is that of Keras' `model.layers`. */
  readonly layers: readonly TopologyLayer[]
  /** Layers and the calls of them whose tensors come in and go out; none where the model is sequential. */
  readonly inputs: readonly TensorReference[]
  readonly outputs: readonly TensorReference[]
  /** The batch's shape that a sequential model was built on, where the file tells. */
  readonly builtOn: Json | undefined
  readonly format: KerasFormat
}

export interface TopologyLayer {
  readonly name: string
  readonly layer: KerasLayer
  readonly format: KerasFormat
  /** Where the layer is a model. */
  readonly model: Topology | undefined
  /** How often, and on what, the layer is called; none in a sequential model. */
  readonly calls: readonly Call[]
}

export interface TensorReference {
  readonly layer: string
  /** Which call of it. */
  readonly call: number
  /** Which of its outputs. */
  readonly output: number
}

export interface Call {
  /** In the order given; numbers where a mere function was called with some. */
  readonly operands: readonly (TensorReference | readonly number[])[]
  /** Called with `training=False` in Keras 2: it stays in inference whatever the model does. Keras 3 writes that and forgets it. */
  readonly inference: boolean
}

/** Far more than any network has. */
const MOST_LAYERS = 20_000
const DEEPEST = 20
/** `Model` is what old releases called a Functional one. */
const MODELS: ReadonlySet<string> = new Set(['Functional', 'Model', 'Sequential'])

/**
 * Reads the JSON of a whole model: that of Keras 3 or Keras 2, or tfjs' `modelTopology`. Throws BAD_WEIGHTS for what is
 * none; `source` stands for the file in messages.
 */
export function readTopology(json: Json, source: string, given?: string): Topology {
  const root = regular(json, source)
  const inner = isObject(root) ? (root['model_config'] ?? root) : root
  if (!isObject(inner)) throw noModel(source)
  const version = given ?? (isObject(root) ? root['keras_version'] : undefined)
  const topology = modelIn(inner, { source, format: formatOf(inner, version), depth: 0 })
  if (!topology) throw noModel(source)
  return topology
}

interface Context {
  readonly source: string
  readonly format: KerasFormat
  readonly depth: number
}

/** Undefined where the object is a layer and no model. */
function modelIn(object: JsonObject, context: Context): Topology | undefined {
  const { config, class_name: className } = object
  const sequential = className === 'Sequential'
  const listed = Array.isArray(config) ? config : isObject(config) ? config['layers'] : undefined
  // A class of one's own may compute something else than its layers say.
  if (typeof className !== 'string' || !MODELS.has(className) || !Array.isArray(listed)) {
    return undefined
  }
  const { source, format, depth } = context
  if (depth > DEEPEST) throw damaged(source, 'models nested too deep')
  if (listed.length > MOST_LAYERS) throw damaged(source, `${listed.length} layers`)
  const settings = isObject(config) ? config : {}
  const layers = (listed as readonly Json[]).map((layer) =>
    layerIn(layer, { ...context, depth: depth + 1 }),
  )
  const name = typeof settings['name'] === 'string' ? settings['name'] : className.toLowerCase()
  const ends = (key: string) => (sequential ? [] : referencesIn(settings[key] ?? null))
  return {
    ...{ name, className, sequential, layers, format },
    builtOn: settings['build_input_shape'] ?? builtOn(object['build_config']),
    inputs: ends('input_layers'),
    outputs: ends('output_layers'),
  }
}

function builtOn(build: Json | undefined): Json | undefined {
  return isObject(build) ? build['input_shape'] : undefined
}

function layerIn(json: Json, context: Context): TopologyLayer {
  const { source } = context
  if (!isObject(json)) throw damaged(source, 'a layer that is no object')
  const { class_name: className, config, name: outer, module, registered_name } = json
  const inner = isObject(config) ? config['name'] : undefined
  const name = typeof outer === 'string' ? outer : inner
  if (typeof className !== 'string') throw damaged(source, 'a layer without a class')
  const model = modelIn(json, context)
  const called = Array.isArray(json['inbound_nodes']) ? (json['inbound_nodes'] as Json[]) : []
  return {
    // Only a Sequential of old files may stand without a name.
    name: typeof name === 'string' && name !== '' ? name : (model?.name ?? className),
    layer: {
      class_name: className,
      config: isObject(config) ? config : {},
      module: typeof module === 'string' ? module : null,
      registered_name: typeof registered_name === 'string' ? registered_name : null,
    },
    model,
    format: context.format,
    calls: called.map((node) => callIn(node)),
  }
}

/**
 * Keras 3: `{args, kwargs}`, tensors as `__keras_tensor__`. Keras 2: a list of [layer, call, output, kwargs], or one of
 * these alone where a function was called (`TFOpLambda`).
 */
function callIn(node: Json): Call {
  if (isObject(node)) {
    return { operands: operandsIn([node['args'] ?? [], node['kwargs'] ?? {}]), inference: false }
  }
  const list = Array.isArray(node) ? (node as readonly Json[]) : []
  const single = typeof list[0] === 'string' ? [list as Json] : list
  const operands = single.flatMap((part) => {
    const [layer, , constant, kwargs] = (Array.isArray(part) ? part : []) as readonly Json[]
    const first = layer === '_CONSTANT_VALUE' ? operandsIn(constant ?? null) : operandsIn(part)
    // A function's further arguments.
    return [...first.slice(0, 1), ...operandsIn(isObject(kwargs) ? kwargs : {})]
  })
  const inference = single.some((part) => Array.isArray(part) && inInference(part[3] as Json))
  return { operands, inference }
}

function inInference(kwargs: Json | undefined): boolean {
  return isObject(kwargs) && kwargs['training'] === false
}

/** Tensors and numbers in any nest of lists and objects, in order. */
function operandsIn(json: Json): Call['operands'] {
  const reference = referenceIn(json)
  if (reference) return [reference]
  if (typeof json === 'number') return [[json]]
  if (isObject(json)) {
    const numbers = numbersIn(json)
    if (numbers) return [numbers]
    return Object.values(json).flatMap((value) => operandsIn(value ?? null))
  }
  if (!Array.isArray(json)) return []
  const list = json as readonly Json[]
  const numbers = list.length > 0 ? numbersIn(json) : undefined
  return numbers ? [numbers] : list.flatMap((value) => operandsIn(value))
}

function referenceIn(json: Json): TensorReference | undefined {
  if (isObject(json)) {
    if (json['class_name'] !== '__keras_tensor__' || !isObject(json['config'])) return undefined
    return referenceIn(json['config']['keras_history'] ?? null)
  }
  if (!Array.isArray(json)) return undefined
  const [layer, call, output] = json as readonly Json[]
  const is = typeof layer === 'string' && typeof call === 'number' && typeof output === 'number'
  return is && layer !== '_CONSTANT_VALUE' ? { layer, call, output } : undefined
}

/** `["in", 0, 0]`, a list of these, or an object of them by name. */
function referencesIn(json: Json): TensorReference[] {
  return operandsIn(json).filter((operand) => 'layer' in operand)
}

/** Keras 3 writes a module with each class; in its .h5 files only calls as `{args, kwargs}` tell. */
function formatOf(model: JsonObject, version: Json | undefined): KerasFormat {
  if (typeof version === 'string') return version.startsWith('3.') ? 'keras3' : 'keras2'
  const text = JSON.stringify(model)
  return text.includes('"batch_shape"') || text.includes('"DTypePolicy"') ? 'keras3' : 'keras2'
}

/** tfjs may write keys in camel case. */
function snakeKeys(json: Json): Json {
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => snakeKeys(item))
  if (!isObject(json)) return json
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [snakeText(key), snakeKeys(value ?? null)]),
  )
}

/** Throws where the JSON nests beyond what any model does. */
function regular(json: Json, source: string): Json {
  try {
    return snakeKeys(json)
  } catch (error) {
    if (error instanceof RangeError) throw damaged(source, 'objects nested too deep')
    throw error
  }
}

function noModel(source: string) {
  return failure('BAD_WEIGHTS', `${source} holds no Sequential or Functional model`, {
    hint: 'models of a class of your own cannot be read: save one that the functional API made',
  })
}

function damaged(source: string, what: string) {
  return failure('BAD_WEIGHTS', `${source}: the model's JSON has ${what}`)
}
