import { test } from 'node:test'
import assert from 'node:assert/strict'
import { encodeGraphDef } from '../../../src/engines/tensorflow/graph-def.ts'
import { encodeVarint, Message } from '../../../src/engines/tensorflow/protobuf.ts'
import { encodeConfig } from '../../../src/engines/tensorflow/config.ts'

const hex = (message: Message) => Buffer.from(message.toBytes()).toString('hex')

// The bytes are those of TensorFlow 2.21's own protobuf classes in Python, for the same messages.
test('numbers are varints, negative ones of ten bytes', () => {
  assert.deepEqual(encodeVarint(300), [0xac, 0x02])
  assert.deepEqual(encodeVarint(2 ** 40), [0x80, 0x80, 0x80, 0x80, 0x80, 0x20])
  assert.equal(hex(new Message().varint(3, -1)), '18ffffffffffffffffff01')
})

test('messages nest, and large bytes are copied only when written', () => {
  const data = Uint8Array.of(1, 2, 3)
  const message = new Message().message(2, new Message().string(1, 'ab').bytes(4, data).float(5, 1))
  data[0] = 9
  assert.equal(hex(message), '120e0a02616222030902032d0000803f')
  assert.equal(message.length, 16)
})

test('a node with every kind of attribute', () => {
  const nodes = [
    {
      name: 'c',
      op: 'Const',
      inputs: ['a', 'b:1', '^d'],
      attributes: {
        dtype: { type: 'float32' },
        value: { tensor: { dtype: 'float32', shape: [2], data: Float32Array.of(1, -1) } },
        strides: { ints: [1, 2] },
        padding: { s: 'SAME' },
        keep: { b: true },
        n: { i: 300 },
        f: { f: 1 },
        shape: { shape: [2, 3] },
      },
    },
  ] as const
  assert.equal(
    hex(encodeGraphDef(nodes)),
    '0a9f010a01631205436f6e73741a01611a03623a311a025e642a0b0a056474797065120230012a1d' +
      '0a0576616c756512144212080112041202080222080000803f000080bf2a110a0773747269646573' +
      '12060a041a0201022a110a0770616464696e671206120453414d452a0a0a046b656570120228012a' +
      '080a016e120318ac022a0a0a01661205250000803f2a130a057368617065120a3a08120208021202' +
      '0803220308bf08',
  )
})

test('a ConfigProto for the CPU and one for a GPU', () => {
  const bytes = (config: Uint8Array) => Buffer.from(config).toString('hex')
  assert.equal(
    bytes(encodeConfig({ threads: 2, gpu: undefined })),
    '0a070a034750551000100228023801520c520a6001a2060572656d6170',
  )
  assert.equal(bytes(encodeConfig({ threads: 4, gpu: 1 })), '10042804320520012a01313801')
  assert.equal(
    bytes(encodeConfig({ threads: 2, gpu: undefined, mixed: true })),
    '0a070a034750551000100228023801524252406001f80101a206246175746f5f6d697865645f707265636973696f6e5f6f6e65646e6e5f62666c6f61743136' +
      'a2060572656d6170a20609636f6e7374666f6c64',
  )
  assert.equal(
    bytes(encodeConfig({ threads: 2, gpu: 1, mixed: true })),
    '10022802320520012a0131380152055203b80101',
  )
})
