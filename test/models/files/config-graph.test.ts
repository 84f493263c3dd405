import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readConfig } from '../../../src/models/files/config-graph.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import type { Json, JsonObject } from '../../../src/util/json.ts'

// JSON as Keras writes it, of which only what matters is here.

const tensor = (layer: string, call = 0): Json => ({
  class_name: '__keras_tensor__',
  config: { shape: [null], dtype: 'float32', keras_history: [layer, call, 0] },
})

function layer(name: string, class_name: string, config: JsonObject, ...calls: Json[]): JsonObject {
  const inbound_nodes = calls.map((args) => ({ args, kwargs: {} }))
  return { module: 'keras.layers', class_name, name, config: { name, ...config }, inbound_nodes }
}

const input = (name: string, ...shape: (number | null)[]) =>
  layer(name, 'InputLayer', { batch_shape: [null, ...shape] })
const conv = (name: string, ...calls: Json[]) =>
  layer(name, 'Conv2D', { filters: 2, kernel_size: 2 }, ...calls)

function functional(layers: JsonObject[], more: JsonObject = {}): JsonObject {
  const config = { name: 'net', layers, ...more }
  const ends = { input_layers: ['in', 0, 0], output_layers: ['out', 0, 0] }
  return { module: 'keras', class_name: 'Functional', config: { ...ends, ...config } }
}
function sequential(name: string, layers: JsonObject[]): JsonObject {
  return { module: 'keras', class_name: 'Sequential', config: { name, layers } }
}

const read = (json: Json) => readConfig(json, 'net.keras', '3.15.1').graph
const errors = (json: Json, version = '3.15.1'): string[] => {
  try {
    readConfig(json, 'net.keras', version)
  } catch (error) {
    assert.ok(error instanceof PipelineError, `${error}`)
    assert.ok(error.diagnostics.every(({ code }) => code === 'BAD_WEIGHTS'))
    return error.diagnostics.map(({ message }) => message)
  }
  assert.fail('nothing was thrown')
}

test('sizes that the file leaves open are -1', () => {
  const graph = read(functional([input('in', null, null, 3), conv('out', [tensor('in')])]))
  assert.deepEqual(graph.layers[0]!.config, { shape: [-1, -1, 3] })
  assert.deepEqual([graph.input, graph.output], ['in', 'out'])
})

test('a layer is placed where its inputs are at hand, whatever the order of the file', () => {
  const layers = [conv('out', [tensor('b')]), conv('b', [tensor('in')]), input('in', 9, 9, 3)]
  assert.deepEqual(
    read(functional(layers)).layers.map(({ name }) => name),
    ['in', 'b', 'out'],
  )
})

test('a layer without weights that is called twice stands there twice, listed once', () => {
  const relu = layer('relu', 'ReLU', {}, [tensor('in')], [tensor('c')])
  const layers = [input('in', 9, 9, 3), relu, conv('c', [tensor('relu')])]
  const graph = read(functional([...layers, conv('out', [tensor('relu', 1)])]))
  assert.deepEqual(
    graph.layers.map(({ name, inputs, listed }) => [name, inputs.join(), listed]),
    [
      ['in', '', undefined],
      ['relu', 'in', undefined],
      ['c', 'relu', undefined],
      ['relu_1', 'c', 'nowhere'],
      ['out', 'relu_1', undefined],
    ],
  )
})

test('names of nested layers are kept, or told apart by the model they are in', () => {
  const inner = sequential('in/ner', [input('i', 9, 9, 3), conv('a'), conv('out'), conv('b')])
  const called = { ...inner, name: 'in/ner', inbound_nodes: [{ args: [tensor('in')], kwargs: {} }] }
  const other = sequential('other', [conv('a')])
  const again = {
    ...other,
    name: 'other',
    inbound_nodes: [{ args: [tensor('in/ner')], kwargs: {} }],
  }
  const graph = read(
    functional([input('in', 9, 9, 3), called, again, conv('out', [tensor('other')])]),
  )
  assert.deepEqual(
    graph.layers.map(({ name, listed }) => [name, listed]),
    [
      ['in', undefined],
      ['a', { within: 'in/ner' }],
      ['in/ner/out', { within: 'in/ner' }],
      ['b', { within: 'in/ner' }],
      ['other/a', { within: 'other' }],
      ['out', undefined],
    ],
  )
})

test('arithmetic between layers', () => {
  const op = (name: string, class_name: string, ...operands: Json[]) => ({
    ...layer(name, class_name, {}, operands),
    module: 'keras.src.ops.numpy',
  })
  const graph = read(
    functional([
      input('in', 9, 9, 3),
      op('a', 'TrueDivide', tensor('in'), 4),
      op('b', 'Subtract', 1, tensor('a')),
      op('c', 'Multiply', tensor('b'), [1, 2, 3]),
      op('d', 'Add', tensor('c'), tensor('in')),
      op('out', 'Subtract', tensor('d'), [1, 2, 3]),
    ]),
  )
  assert.deepEqual(
    graph.layers.slice(1).map(({ kind, config, listed }) => [kind, config, listed]),
    [
      ['Rescaling', { scale: 0.25, offset: 0 }, 'nowhere'],
      ['Rescaling', { scale: -1, offset: 1 }, 'nowhere'],
      ['Rescaling', { scale: [1, 2, 3], offset: 0 }, 'nowhere'],
      ['Add', {}, 'nowhere'],
      ['Rescaling', { scale: 1, offset: [-1, -2, -3] }, 'nowhere'],
    ],
  )
  const sine = functional([input('in', 9, 9, 3), op('out', 'Sin', tensor('in'))])
  assert.deepEqual(errors(sine), [
    'net.keras: "out" is the function Sin, which is not known here as it is called',
  ])
  const inverse = functional([input('in', 9, 9, 3), op('out', 'TrueDivide', 1, tensor('in'))])
  assert.equal(errors(inverse).length, 1)
})

test("tfjs' JSON in camel case, in modelTopology's form", () => {
  const { graph } = readConfig(
    {
      kerasVersion: 'tfjs-layers 4.22.0',
      modelConfig: {
        className: 'Sequential',
        config: {
          name: 'small',
          layers: [
            {
              className: 'Conv2D',
              config: {
                name: 'c',
                batchInputShape: [null, 5, 5, 3],
                filters: 2,
                kernelSize: [3, 3],
              },
            },
            { className: 'Flatten', config: { name: 'f', dataFormat: 'channelsLast' } },
          ],
        },
      },
    },
    'model.json',
  )
  assert.deepEqual(
    graph.layers.map(({ name, listed }) => [name, listed]),
    [
      ['c_input', 'nowhere'],
      ['c', undefined],
      ['f', undefined],
    ],
  )
})

test('every class that is not known is named, with its layers', () => {
  const unknown = (name: string, class_name: string) => layer(name, class_name, {})
  const mine = { ...unknown('m', 'Mine'), module: null, registered_name: 'my>Mine' } as JsonObject
  const inner = sequential('inner', [unknown('e', 'LSTM'), mine])
  const names = ['a', 'b', 'c', 'd']
  assert.deepEqual(errors(sequential('net', [...names.map((n) => unknown(n, 'LSTM')), inner])), [
    'net.keras: layers "a", "b", "c" and 2 more are of class LSTM, which is not known here',
    'net.keras: layer "m" is of class my>Mine, which is not known here',
  ])
})

test('every setting that is not done here is named, with layer and class', () => {
  const bad = (name: string, config: JsonObject) =>
    layer(name, 'Conv2D', { filters: 2, kernel_size: 1, ...config })
  const layers = [
    input('in', 9, 9, 3),
    bad('a', { dilation_rate: 2 }),
    bad('b', { padding: 'causal' }),
  ]
  assert.deepEqual(errors(sequential('net', [...layers, layer('c', 'LSTM', {})])), [
    'net.keras: layer "c" is of class LSTM, which is not known here',
    'net.keras: layer "a" (Conv2D): dilation_rate must be 1 here, got 2',
    'net.keras: layer "b" (Conv2D): padding must be valid or same here, got "causal"',
  ])
})

test('an axis that is not the last is a problem once the shapes are known', () => {
  const norm = (name: string, axis: number) => layer(name, 'BatchNormalization', { axis: [axis] })
  const layers = [input('in', 9, 9, 3), norm('a', 3), layer('f', 'Flatten', {}), norm('b', 1)]
  assert.equal(read(sequential('net', layers)).layers.length, 4)
  assert.deepEqual(errors(sequential('net', [...layers.slice(0, 2), norm('c', 1)])), [
    'net.keras: layer "c" (BatchNormalization): axis must be the last axis here, got [1]',
  ])
})

test('a model of a class of its own is no model', () => {
  const mine = { ...functional([input('in', 9, 9, 3)]), class_name: 'Mine' }
  assert.match(errors(mine)[0]!, /net.keras holds no Sequential or Functional model/)
  assert.match(
    errors(sequential('net', [{ ...mine, name: 'm' }]))[0]!,
    /"m" is of class Mine, which/,
  )
})

const net = (...layers: JsonObject[]) => functional([input('in', 9, 9, 3), ...layers])
const cases: readonly [string, Json, RegExp][] = [
  [
    'several inputs',
    functional([input('in', 9, 9, 3), input('also', 9, 9, 3), conv('out', [tensor('in')])], {
      input_layers: { a: ['in', 0, 0], b: ['also', 0, 0] },
    }),
    /net has 2 inputs \(in, also\); only models with one can be read$/,
  ],
  [
    'several outputs',
    functional([input('in', 9, 9, 3), conv('out', [tensor('in')]), conv('b', [tensor('in')])], {
      output_layers: [
        ['out', 0, 0],
        ['b', 0, 0],
      ],
    }),
    /net has 2 outputs \(out, b\)/,
  ],
  ['no inputs', functional([], { input_layers: [] }), /net has no inputs/],
  ['an input that is not there', functional([]), /net has no layer "in", its input/],
  [
    'shared weights',
    net(conv('out', [tensor('in')], [tensor('out')])),
    /layer "out" is called more than once, and its weights are not shared here/,
  ],
  [
    'a call without a tensor',
    net(layer('out', 'Dense', { units: 2 }, [])),
    /layer "out" \(Dense\): called on 0 tensors, not 1$/,
  ],
  [
    'a call on too many',
    net(layer('out', 'Dense', { units: 2 }, [tensor('in'), tensor('in')])),
    /layer "out" \(Dense\): called on 2 tensors, not 1$/,
  ],
  [
    'a circle',
    net(conv('out', [tensor('a')]), conv('a', [tensor('out')])),
    /nothing leads to "out", "a"$/,
  ],
  ['a layer that is not there', net(conv('out', [tensor('x')])), /nothing leads to "out"$/],
  [
    'shapes that do not fit',
    net(layer('f', 'Flatten', {}, [tensor('in')]), conv('out', [tensor('f')])),
    /layer "out" \(Conv2D\): /,
  ],
  [
    'a Sequential that was never built',
    sequential('net', [conv('a')]),
    /net was never built: nothing tells the size of its pictures/,
  ],
  ['a Sequential without layers', sequential('net', []), /holds a model without layers/],
  [
    'a layer, no model',
    layer('d', 'Dense', { units: 2 }),
    /holds no Sequential or Functional model/,
  ],
  ['no object', [1, 2], /holds no Sequential or Functional model/],
  ['null', null, /holds no Sequential or Functional model/],
  [
    'layers that are none',
    functional([3 as unknown as JsonObject]),
    /has a layer that is no object/,
  ],
  ['a layer without a class', functional([{ name: 'x' }]), /has a layer without a class/],
]
for (const [what, json, message] of cases) {
  test(`${what}: a clear error`, () => {
    const [first, ...others] = errors(json)
    assert.match(first!, message)
    assert.deepEqual(others, [])
  })
}

test('JSON that nests without end is refused', () => {
  let json: Json = sequential('net', [])
  for (let i = 0; i < 50; i += 1) json = sequential('net', [json as JsonObject])
  assert.match(errors(json)[0]!, /models nested too deep/)
  let deep: Json = 1
  for (let i = 0; i < 200_000; i += 1) deep = [deep]
  assert.match(errors({ class_name: 'Sequential', config: deep })[0]!, /nested too deep/)
})

test('what only training would feel is told in one note for many layers', () => {
  const layers = ['a', 'b', 'c', 'd', 'e'].map((name) =>
    layer(name, 'Conv2D', {
      filters: 1,
      kernel_size: 1,
      kernel_constraint: { class_name: 'NonNeg' },
    }),
  )
  const { notes } = readConfig(sequential('net', [input('in', 9, 9, 3), ...layers]), 'net.keras')
  assert.deepEqual(
    notes.map(({ message }) => message),
    ['net.keras: kernel_constraint of a, b, c and 2 more is left out; only training would feel it'],
  )
})

/** Every place of a JSON, as the object or list and the key in it. */
function places(json: Json): [Record<string, Json>, string][] {
  if (typeof json !== 'object' || json === null) return []
  const holder = json as Record<string, Json>
  return Object.keys(holder).flatMap((key) => [[holder, key], ...places(holder[key]!)])
}

test('JSON in which anything stands anywhere is read or refused, never a bug', () => {
  const odd = [
    null,
    true,
    -1,
    0,
    1e300,
    'same',
    'out',
    [],
    [1, 2],
    {},
    [null],
    { class_name: 'Add' },
  ]
  const change = fc.tuple(fc.nat(), fc.constantFrom<Json>(...odd))
  const shared = layer('relu', 'ReLU', {}, [tensor('in')], [tensor('c')])
  const inner = sequential('inner', [
    input('i', 9, 9, 3),
    conv('a'),
    layer('n', 'Normalization', {}),
  ])
  const nested = { ...inner, name: 'inner', inbound_nodes: [{ args: [tensor('in')], kwargs: {} }] }
  const sum = layer('sum', 'Concatenate', { axis: -1 }, [[tensor('inner'), tensor('inner')]])
  const c = conv('c', [tensor('relu')])
  const out = layer('out', 'Dense', { units: 3, activation: 'relu' }, [tensor('sum')])
  const whole = functional([input('in', 9, 9, 3), shared, c, nested, sum, out])
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const json = structuredClone(whole) as JsonObject
      for (const [at, value] of changes) {
        const all = places(json)
        const [holder, key] = all[at % all.length]!
        holder[key] = structuredClone(value)
      }
      try {
        readConfig(json, 'net.keras')
      } catch (error) {
        assert.ok(error instanceof PipelineError, `${error}`)
        assert.doesNotMatch(error.message, /undefined|is not a/)
      }
    }),
    { numRuns: 500 },
  )
})
