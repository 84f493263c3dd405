import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { isNamed } from '../../src/pipeline/base-model.ts'
import { classProblems, loadPipeline } from '../../src/pipeline/load.ts'
import type { LoadedPipeline, LoadOptions } from '../../src/pipeline/load.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

let folder = ''
before(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-load-'))))
after(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
})

const BASE = `
dataset:
  source: {path: pictures}
  splits: {train: train, validation: {from: train, fraction: 1/4}}
baseModel: {name: MobileNetV2}
head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]
`

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function load(text: string, options: LoadOptions = {}): Promise<LoadedPipeline> {
  return loadPipeline(write('a.yaml', text), { env: {}, cwd: folder, ...options })
}

/** `CODE message` of everything that is wrong. */
async function wrong(text: string, options: LoadOptions = {}): Promise<string[]> {
  const error = await load(text, options).then(
    () => assert.fail('the file is valid'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error.diagnostics.map((d) => `${d.code} ${d.message}`)
}

describe('defaults', () => {
  it('fills what the file leaves out', async () => {
    const { pipeline, warnings } = await load(BASE)
    assert.deepEqual(warnings, [])
    assert.deepEqual(pipeline, {
      name: 'a',
      tags: [],
      seed: 0,
      engine: { name: 'auto', precision: 'float32' },
      dataset: {
        source: { path: join(folder, 'pictures') },
        root: '.',
        layout: 'folders',
        splits: {
          train: 'train',
          validation: { from: 'train', fraction: 0.25, how: 'stratified', seed: 0 },
        },
        imageSize: [224, 224],
        resize: { library: 'pillow', method: 'bilinear' },
        fit: 'stretch',
        colorMode: 'rgb',
        transparency: 'white',
        exif: false,
        badImages: 'fail',
      },
      preprocessing: { mode: 'tf' },
      baseModel: {
        name: 'MobileNetV2',
        weights: 'imagenet',
        includeTop: false,
        pooling: 'none',
        alpha: 1,
      },
      freeze: 'all',
      features: { when: 'auto', maxBytes: 20_000_000_000, dtype: 'float32' },
      head: [
        'GlobalAveragePooling2D',
        {
          Dense: {
            units: 'classes',
            activation: 'softmax',
            useBias: true,
            kernelInitializer: { name: 'GlorotUniform' },
            biasInitializer: { name: 'Zeros' },
          },
        },
      ],
      loss: { name: 'CategoricalCrossentropy', labelSmoothing: 0 },
      optimizer: {
        name: 'Adam',
        learningRate: 0.001,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
        amsgrad: false,
      },
      training: {
        epochs: 5,
        batchSize: 32,
        lastBatch: 'keep',
        shuffle: true,
        classWeight: 'none',
        checkpoint: { every: ['epoch', '5m'] },
      },
      evaluation: { on: ['validation'], metrics: ['accuracy'], predictions: true },
    })
  })

  it('has a momentum for the average of weights where one is kept', async () => {
    const momentumOf = async (optimizer: string): Promise<unknown> =>
      (await load(`${BASE}optimizer: ${optimizer}`)).pipeline.optimizer.emaMomentum
    assert.equal(await momentumOf('{name: Adamax, useEma: true}'), 0.99)
    assert.equal(await momentumOf('{name: Adamax, useEma: true, emaMomentum: 1/2}'), 0.5)
    assert.equal(await momentumOf('{name: Adamax, useEma: false}'), undefined)
  })

  it('begins a schedule at the rate of its optimizer, or at zero before a warmupTarget', async () => {
    const rateOf = async (optimizer: string): Promise<unknown> =>
      (await load(`${BASE}optimizer: ${optimizer}`)).pipeline.optimizer.learningRate
    const cosine = { name: 'CosineDecay', decaySteps: 10, alpha: 0, warmupSteps: 0 }
    assert.deepEqual(
      await rateOf('{name: SGD, learningRate: {name: CosineDecay, decaySteps: 10}}'),
      {
        ...cosine,
        initialLearningRate: 0.01,
      },
    )
    assert.deepEqual(
      await rateOf('{name: Nadam, learningRate: {name: CosineDecay, decaySteps: 10}}'),
      { ...cosine, initialLearningRate: 0.001 },
    )
    const warm = '{name: CosineDecay, decaySteps: 10, warmupTarget: 1/4, warmupSteps: 3}'
    assert.deepEqual(await rateOf(`{name: SGD, learningRate: ${warm}}`), {
      ...cosine,
      initialLearningRate: 0,
      warmupTarget: 0.25,
      warmupSteps: 3,
    })
    const pieces = '{name: PiecewiseConstantDecay, boundaries: [5], values: [0.1, 0.01]}'
    assert.deepEqual(await rateOf(`{name: SGD, learningRate: ${pieces}}`), {
      name: 'PiecewiseConstantDecay',
      boundaries: [5],
      values: [0.1, 0.01],
      warmupSteps: 0,
    })
  })

  it('takes size and preprocessing from the base model, and alpha only where there is one', async () => {
    const { pipeline } = await load(BASE.replace('MobileNetV2', 'EfficientNetLite0'))
    assert.deepEqual(pipeline.preprocessing, { mean: [127, 127, 127], std: [128, 128, 128] })
    assert.ok(!('alpha' in pipeline.baseModel))
  })

  it('takes the loss from the end of the head', async () => {
    const sigmoid = BASE.replace(
      'units: classes, activation: softmax',
      'units: 1, activation: sigmoid',
    )
    const { pipeline } = await load(sigmoid)
    assert.equal(pipeline.loss.name, 'BinaryCrossentropy')
    const apart = BASE.replace(
      '{Dense: {units: classes, activation: softmax}}',
      '{Dense: {units: 3}}, {Activation: softmax}',
    )
    assert.equal((await load(apart)).pipeline.loss.name, 'CategoricalCrossentropy')
  })

  it('evaluates on test where there is one', async () => {
    const { pipeline } = await load(BASE.replace('splits: {', 'splits: {test: test, '))
    assert.deepEqual(pipeline.evaluation.on, ['test'])
  })

  it("has Keras' defaults of each optimizer", async () => {
    const { pipeline } = await load(`${BASE}optimizer: RMSprop`)
    assert.deepEqual(pipeline.optimizer, {
      name: 'RMSprop',
      learningRate: 0.001,
      rho: 0.9,
      momentum: 0,
      epsilon: 1e-7,
      centered: false,
    })
    const sgd = await load(`${BASE}optimizer: {name: SGD, nesterov: true}`)
    assert.deepEqual(sgd.pipeline.optimizer, {
      name: 'SGD',
      learningRate: 0.01,
      momentum: 0,
      nesterov: true,
    })
  })
})

describe('short forms', () => {
  it('are written out', async () => {
    const { pipeline } = await load(
      `
dataset: {source: {path: /data/p.zip}, splits: {train: a}, resize: nearest}
baseModel: {name: MobileNetV2, weights: w/m.h5, pooling: avg}
head: [BatchNormalization, {Dropout: 1/2}, Flatten: {}, {Dense: {units: 2, kernelInitializer: HeNormal}}, {Activation: softmax}]
engine: wasm
features: always
training: {checkpoint: {every: 90s}}
preprocessing: {mean: [127.5], std: [127.5]}
evaluation: {metrics: [f1, accuracy]}
`.replace('Flatten: {}', '{Flatten: {}}'),
    )
    assert.deepEqual(pipeline.dataset.resize, { library: 'pillow', method: 'nearest' })
    assert.ok(isNamed(pipeline.baseModel))
    assert.deepEqual(pipeline.baseModel.weights, { path: join(folder, 'w/m.h5') })
    const normalization = { momentum: 0.99, epsilon: 0.001, center: true, scale: true }
    assert.deepEqual(pipeline.head.slice(0, 3), [
      { BatchNormalization: normalization },
      { Dropout: { rate: 0.5 } },
      'Flatten',
    ])
    assert.deepEqual(pipeline.head.at(-1), { Activation: { activation: 'softmax' } })
    assert.equal(pipeline.engine.name, 'wasm')
    assert.equal(pipeline.features.when, 'always')
    assert.deepEqual(pipeline.training.checkpoint.every, ['90s'])
    assert.deepEqual(pipeline.preprocessing, {
      mean: [127.5, 127.5, 127.5],
      std: [127.5, 127.5, 127.5],
    })
    assert.deepEqual(pipeline.evaluation.metrics, ['accuracy', 'f1'])
  })

  it('find the splits of a folder by name', async () => {
    for (const path of ['p/train/cat', 'p/train/dog', 'p/val', 'p/test'])
      mkdirSync(join(folder, path), { recursive: true })
    const { pipeline } = await load(BASE.replace(/dataset:[^]*baseModel/, 'dataset: p\nbaseModel'))
    assert.deepEqual(pipeline.dataset.splits, { train: 'train', validation: 'val', test: 'test' })
    assert.deepEqual(pipeline.dataset.source, { path: join(folder, 'p') })
  })

  it('take a folder without splits as all training pictures, and say that nothing is evaluated', async () => {
    for (const path of ['p/cat', 'p/dog']) mkdirSync(join(folder, path), { recursive: true })
    const { pipeline, warnings } = await load(
      BASE.replace(/dataset:[^]*baseModel/, 'dataset: p\nbaseModel'),
    )
    assert.deepEqual(pipeline.dataset.splits, { train: '.' })
    assert.deepEqual(
      warnings.map((w) => w.code),
      ['NOTE'],
    )
  })

  it('count the class folders of a local source against the units', async () => {
    for (const path of ['pictures/train/cat', 'pictures/train/dog', 'pictures/train/.hidden'])
      mkdirSync(join(folder, path), { recursive: true })
    assert.deepEqual(await wrong(BASE.replace('units: classes', 'units: 3')), [
      'WRONG_VALUE the last layer has 3 units, but there are 2 classes (cat, dog)',
    ])
    await load(BASE.replace('units: classes', 'units: 2'))
  })
})

describe('numbers', () => {
  it('may be fractions where a number is wanted, and stay text elsewhere', async () => {
    const { pipeline, origin } = await load(`${BASE}notes: 1/255\npreprocessing: {rescale: 1/255}`)
    assert.deepEqual(pipeline.preprocessing, { rescale: 1 / 255 })
    assert.equal(pipeline.notes, '1/255')
    assert.equal(origin('preprocessing.rescale').written, '1/255')
  })

  it('do not divide by zero', async () => {
    assert.deepEqual(await wrong(`${BASE}preprocessing: {rescale: 1/0}`), [
      'WRONG_VALUE preprocessing.rescale divides by zero: 1/0',
    ])
  })

  it('are not whole, finite or octal by accident', async () => {
    assert.deepEqual(
      await wrong(`${BASE}training: {epochs: 1/2}\noptimizer: {name: SGD, learningRate: .inf}`),
      [
        'WRONG_TYPE training.epochs must be a whole number, got "1/2"',
        'WRONG_VALUE optimizer.learningRate must be finite, got Infinity',
      ],
    )
    assert.equal((await load(`${BASE}seed: 0777`)).pipeline.seed, 777)
  })
})

describe('variables', () => {
  it('stand in strings only, after parsing', async () => {
    const env = { NAME: 'x: [y', EMPTY: '', N: '7', YES: 'false' }
    const { pipeline, origin } = await load(
      `${BASE}notes: "\${NAME} \${EMPTY:-d} \${EMPTY} \${NO:-\\"e\\"} $$\{NAME} $5"
training: {epochs: "\${N}", shuffle: "\${YES}"}`,
      { env },
    )
    assert.equal(pipeline.notes, 'x: [y d  "e" ${NAME} $5')
    assert.equal(pipeline.training.epochs, 7)
    assert.equal(pipeline.training.shuffle, false)
    assert.deepEqual(origin('training.epochs').from, 'variable')
    assert.equal(origin('training.epochs').written, '${N}')
  })

  it('are not searched again, and have no defaults inside defaults', async () => {
    const { pipeline } = await load(`${BASE}notes: \${A}`, { env: { A: '${B}' } })
    assert.equal(pipeline.notes, '${B}')
    const [problem] = await wrong(`${BASE}notes: "\${A:-\${B}}"`)
    assert.match(problem!, /UNSET_VARIABLE .* has a variable inside a variable/)
  })

  it('that are not set are told once, with their message', async () => {
    assert.deepEqual(
      await wrong(`${BASE}training: {epochs: "\${N:?how many}"}`, { env: { N: '' } }),
      ['UNSET_VARIABLE the variable N is empty: how many'],
    )
  })
})

describe('extends', () => {
  it('merges maps, replaces lists, deletes by null, and keeps places', async () => {
    write(
      'base/common.yaml',
      `${BASE}tags: [a, b]\nnotes: base\ntraining: {epochs: 9, batchSize: 4}\noptimizer: {name: SGD, momentum: 0.5}`,
    )
    const { pipeline, origin } = await load(
      'extends: base/common.yaml\ntags: [c]\nnotes: null\ntraining: {epochs: 3}\noptimizer: {momentum: 0.9}',
    )
    assert.deepEqual(pipeline.tags, ['c'])
    assert.ok(!('notes' in pipeline))
    assert.equal(pipeline.training.epochs, 3)
    assert.equal(pipeline.training.batchSize, 4)
    assert.deepEqual(pipeline.optimizer, {
      name: 'SGD',
      learningRate: 0.01,
      momentum: 0.9,
      nesterov: false,
    })
    const { at, from } = origin('training.batchSize')
    assert.equal(from, 'extends')
    assert.deepEqual(at, { file: join(folder, 'base/common.yaml'), line: 9, col: 34 })
    assert.equal(origin('training.epochs').from, 'file')
    assert.equal(origin('training.shuffle').from, 'default')
  })

  it('sees paths from the file that names them', async () => {
    write('base/common.yaml', `${BASE}`)
    const { pipeline } = await load('extends: base/common.yaml')
    assert.deepEqual(pipeline.dataset.source, { path: join(folder, 'base/pictures') })
    const own = await load('extends: base/common.yaml\ndataset: {source: {path: mine}}')
    assert.deepEqual(own.pipeline.dataset.source, { path: join(folder, 'mine') })
  })

  it('refuses a null that deletes nothing, and circles of any length', async () => {
    write('b.yaml', 'extends: c.yaml')
    write('c.yaml', 'extends: a.yaml')
    const [cycle] = await wrong('extends: b.yaml')
    assert.match(
      cycle!,
      /^EXTENDS_CYCLE the files extend each other: \S*a.yaml -> \S*b.yaml -> \S*c.yaml -> \S*a.yaml$/,
    )
    assert.deepEqual(await wrong(`${BASE}training: {epochs: ~}`), [
      'WRONG_VALUE "epochs" has no value',
    ])
  })

  it('tells the problems of both files', async () => {
    write('b.yaml', `${BASE}training: {epochs: x}`)
    assert.deepEqual(await wrong('extends: b.yaml\nsead: 1'), [
      'UNKNOWN_KEY unknown key "sead"; did you mean "seed"?',
      'WRONG_TYPE training.epochs must be a whole number, got "x"',
    ])
  })
})

describe('anchors and merge keys', () => {
  it('merge, own keys first, earlier maps of a list before later ones', async () => {
    const { pipeline, origin } = await load(
      `${BASE}training: {<<: [&a {epochs: 2, batchSize: 3}, {batchSize: 4, shuffle: false}], epochs: 7}`,
    )
    const { epochs, batchSize, shuffle } = pipeline.training
    assert.deepEqual({ epochs, batchSize, shuffle }, { epochs: 7, batchSize: 3, shuffle: false })
    assert.deepEqual(origin('training.shuffle').at?.col, 71)
  })

  it('merge maps only', async () => {
    assert.deepEqual(await wrong(`${BASE}training: {<<: 3}`), [
      'YAML_SYNTAX "<<" merges a map or a list of maps',
    ])
  })

  it('know no tags and no aliases to themselves', async () => {
    assert.match((await wrong(`${BASE}notes: !!js/function x`))[0]!, /^YAML_SYNTAX unresolved tag/)
    assert.match((await wrong(`${BASE}tags: &t [*t]`))[0]!, /stands inside its own anchor/)
  })

  it('survive any nesting', async () => {
    for (const text of [
      '- '.repeat(5000),
      '? '.repeat(3000),
      '{a: '.repeat(3000),
      '['.repeat(2000) + ']'.repeat(2000),
      '!'.repeat(2000),
      '- - - &a '.repeat(900),
    ]) {
      const problems = await wrong(text)
      assert.ok(
        problems.every((p) => /^(YAML_SYNTAX|WRONG_TYPE) /.test(p)),
        problems[0],
      )
    }
  })
})

describe('--set', () => {
  it('changes, adds and deletes', async () => {
    const { pipeline, origin } = await load(`${BASE}notes: x\ntraining: {classWeight: {cat: 2}}`, {
      set: [
        'training.epochs=3',
        'optimizer=SGD',
        'optimizer.momentum=0.9',
        '+training.classWeight.dog=1/2',
        '~notes',
        'head.1.Dense.units=2',
        'dataset.source={path: other}',
        'name=b',
      ],
    })
    assert.equal(pipeline.training.epochs, 3)
    assert.deepEqual(pipeline.training.classWeight, { cat: 2, dog: 0.5 })
    assert.deepEqual(pipeline.optimizer, {
      name: 'SGD',
      learningRate: 0.01,
      momentum: 0.9,
      nesterov: false,
    })
    assert.ok(!('notes' in pipeline))
    assert.deepEqual(pipeline.dataset.source, { path: join(folder, 'other') })
    assert.deepEqual(origin('optimizer.momentum'), {
      at: undefined,
      from: 'set',
      written: undefined,
      argument: '--set optimizer.momentum=0.9',
    })
  })

  it('appends to lists, and sees short forms written out', async () => {
    const set = ['+tags.0=x', '+tags.1=y', 'optimizer.learningRate=1/8', 'head.1.Dense.units=9']
    const { pipeline } = await load(`${BASE}optimizer: SGD`, { set })
    assert.deepEqual(pipeline.tags, ['x', 'y'])
    assert.equal(pipeline.optimizer.learningRate, 0.125)
  })

  it('names the argument that is wrong', async () => {
    for (const [set, problem] of [
      ['trainig.epochs=3', 'BAD_OVERRIDE --set trainig.epochs=3: unknown key "trainig.epochs"'],
      ['training.epochs', 'BAD_OVERRIDE --set training.epochs: no value'],
      ['training.epochs=', 'BAD_OVERRIDE --set training.epochs=: no value'],
      ['~training.epochs', 'BAD_OVERRIDE --set ~training.epochs: the file has no training.epochs'],
      ['~name=3', 'BAD_OVERRIDE --set ~name=3: ~ deletes and takes no value'],
      ['=3', 'BAD_OVERRIDE --set =3: no key'],
      ['a..b=3', 'BAD_OVERRIDE --set a..b=3: no key'],
      [
        '+__proto__.x=1',
        'BAD_OVERRIDE --set +__proto__.x=1: the key "__proto__" is not allowed anywhere',
      ],
      [
        'training.epochs=0',
        'WRONG_VALUE --set training.epochs=0: training.epochs must be 1 or more, got 0',
      ],
      [
        'training={epochs: &a [*a]}',
        'BAD_OVERRIDE --set training={epochs: &a [*a]}: the alias "a" stands inside its own anchor',
      ],
    ] as const) {
      assert.deepEqual(await wrong(BASE, { set: [set] }), [problem])
    }
  })
})

describe('what only the pictures tell', () => {
  it('is told with the places of the file', async () => {
    const loaded = await load(
      `${BASE.replace('units: classes', 'units: 2')}training: {classWeight: {dig: 2}}`,
    )
    assert.deepEqual(
      classProblems(loaded, ['cat', 'dog']).map((d) => [d.message, d.hint, d.at?.line]),
      [['there is no class "dig"', 'did you mean "dog"?', 7]],
    )
    assert.deepEqual(
      classProblems(loaded, ['a', 'dig', 'c']).map((d) => [d.code, d.at?.line]),
      [['WRONG_VALUE', 6]],
    )
  })
})

describe('splits', () => {
  const splits = (text: string): Promise<string[]> =>
    wrong(BASE.replace(/splits: .*/, `splits: ${text}`))

  it('are taken out of whole splits that are there', async () => {
    assert.deepEqual(await splits('{train: a, test: {from: test, fraction: 0.5}}'), [
      'CONFLICT the split "test" is a part of itself',
    ])
    assert.deepEqual(await splits('{train: a, test: {from: validation, fraction: 0.5}}'), [
      'WRONG_VALUE there is no split "validation"',
    ])
    assert.deepEqual(
      await splits(
        '{train: a, validation: {from: train, fraction: 0.2, how: kerasValidationSplit}, test: {from: train, fraction: 0.2, how: kerasValidationSplit}}',
      ),
      ['CONFLICT Keras takes one part of a split, and "train" gives two'],
    )
    assert.deepEqual(
      await splits('{train: ../a}'),
      [
        'WRONG_VALUE dataset.splits.train must stay below root, got "../a"',
        'NOTE nothing is evaluated: there is neither a test nor a validation split',
      ].sort(),
    )
  })

  it('that are evaluated are there', async () => {
    assert.deepEqual(await wrong(`${BASE}evaluation: {on: [test]}`), [
      'WRONG_VALUE there is no split "test" to evaluate on',
    ])
  })
})
