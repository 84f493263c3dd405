import assert from 'node:assert/strict'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { readIndex } from '../../src/data/index-table.ts'
import { INDEX } from '../../src/stages/index.ts'
import { pngBytes, pngChunk, writeTree } from '../support/pictures.ts'
import { runStage, temporaryFolder } from '../support/stage-rig.ts'
import type { JsonObject } from '../../src/util/json.ts'

type Tree = Readonly<Record<string, string | number | Uint8Array>>

/** A good small source: two classes in two splits. */
const PHOTOS: Tree = {
  'train/dog/b.png': 1,
  'train/dog/a 1.PNG': 2,
  'train/cat/é.png': 3,
  'train/cat/notes.txt': 'no picture',
  'validation/dog/x.png': 4,
  'validation/cat/y.png': 5,
}

/** The index of a tree, and its source; `table` is written beside the source. */
async function build(folder: string, tree: Tree, params: JsonObject = {}, table?: string) {
  const path = join(folder, 'photos')
  await writeTree(path, tree)
  const hints: Record<string, string> = { path }
  if (table !== undefined) {
    hints['table'] = join(folder, 'table.csv')
    await writeFile(hints['table'], table)
  }
  const run = await runStage(INDEX, folder, { params, hints })
  return { ...run, index: await readIndex(run.out) }
}

/** All diagnostics of a stage that must fail, with the temporary folder written as ~. */
async function failures(tree: Tree, params: JsonObject = {}, table?: string): Promise<string[]> {
  await using folder = await temporaryFolder()
  try {
    await build(folder.path, tree, params, table)
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    return error.diagnostics.map(({ code, message, hint, at }) => {
      const position = at === undefined ? '' : `${at.file}:${at.line}:${at.col} `
      const text = `${position}${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`
      return text.replaceAll(folder.path, '~')
    })
  }
  assert.fail('the stage did not fail')
}

test('a local folder becomes a table in class, then path order', async () => {
  await using folder = await temporaryFolder()
  const { index, events } = await build(folder.path, PHOTOS)
  assert.deepEqual(index.classes, ['cat', 'dog'])
  assert.deepEqual(
    index.rows.map((row) => row.path),
    [
      'train/cat/é.png',
      'train/dog/a 1.PNG',
      'train/dog/b.png',
      'validation/cat/y.png',
      'validation/dog/x.png',
    ],
  )
  const { width, height, format, split, label } = index.split('validation')[0]!
  assert.deepEqual([width, height, format, split, label], [4, 3, 'png', 'validation', 'cat'])
  assert.deepEqual(index.summary.splits['train'], { count: 3, classes: { cat: 1, dog: 2 } })
  assert.deepEqual(index.summary.warnings, [])
  const note = events.find((event) => event.type === 'note')
  assert.match(note?.message ?? '', /1 \.txt/)
})

test('an unpacked source, with root and a part of train as validation', async () => {
  await using folder = await temporaryFolder()
  const tree = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`files/set/Training/${'ab'[i % 2]}/${i}.png`, i]),
  )
  await writeTree(folder.path, tree)
  const validation = { from: 'train', fraction: 0.2, how: 'stratified', seed: 0 }
  const run = await runStage(INDEX, folder.path, {
    params: { root: 'set', splits: { validation, train: 'Training' } },
    inputs: { files: folder.path },
  })
  const index = await readIndex(run.out)
  assert.deepEqual(Object.keys(index.summary.splits), ['train', 'validation'])
  assert.deepEqual(index.summary.splits['validation'], { count: 4, classes: { a: 2, b: 2 } })
  assert.ok(index.rows[0]!.path.startsWith('set/Training/a/'))
  assert.deepEqual(
    index.rows.map((row) => row.split),
    [...Array<string>(16).fill('train'), ...Array<string>(4).fill('validation')],
  )
})

test('classes gives order and subset', async () => {
  await using folder = await temporaryFolder()
  const tree = { 'train/a/1.png': 1, 'train/b/2.png': 2, 'train/c/3.png': 3 }
  const { index } = await build(folder.path, tree, { classes: ['c', 'a'] })
  assert.deepEqual(index.classes, ['c', 'a'])
  assert.deepEqual(
    index.rows.map((row) => row.label),
    ['c', 'a'],
  )
})

test('links are followed, loops are not, hidden files are left out', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'photos')
  await writeTree(folder.path, { 'elsewhere/1.png': 1, 'elsewhere/deep/2.png': 2 })
  await writeTree(path, {
    'train/b/3.png': 3,
    'train/b/.hidden.png': 4,
    'train/b/__MACOSX/5.png': 5,
    'train/.cache/6.png': 6,
  })
  await symlink(join(folder.path, 'elsewhere'), join(path, 'train/a'))
  await symlink(join(folder.path, 'elsewhere'), join(folder.path, 'elsewhere/deep/loop'))
  await symlink('3.png', join(path, 'train/b/4.png'))
  const { index } = await build(folder.path, {})
  assert.deepEqual(
    index.rows.map((row) => row.path),
    ['train/a/1.png', 'train/a/deep/2.png', 'train/b/3.png', 'train/b/4.png'],
  )
})

test('names in either Unicode form are one class', async () => {
  await using folder = await temporaryFolder()
  const tree = {
    ['train/caf\u00e9/1.png']: 1,
    'train/tea/2.png': 2,
    ['validation/cafe\u0301/3.png']: 3,
    'validation/tea/4.png': 4,
  }
  const { index } = await build(folder.path, tree)
  assert.deepEqual(index.classes, ['caf\u00e9', 'tea'])
  assert.deepEqual(index.summary.missingClasses, [])
})

test('a table gives order, labels and splits', async () => {
  await using folder = await temporaryFolder()
  const tree = { 'images/b.png': 1, 'images/a, b.png': 2, 'images/c.png': 3, 'images/d.png': 4 }
  const table = [
    'name,kind,part',
    'b.png,tea,fit',
    '"a, b.png",coffee,fit',
    './c.png,tea,check',
    'd.png,coffee,spare',
  ].join('\r\n')
  const params = {
    root: 'images',
    layout: { csv: { image: 'name', label: 'kind', split: 'part' } },
    splits: { train: 'fit', validation: 'check' },
  }
  const { index } = await build(folder.path, tree, params, table)
  assert.deepEqual(
    index.rows.map(({ path, label, split }) => [path, label, split]),
    [
      ['images/b.png', 'tea', 'train'],
      ['images/a, b.png', 'coffee', 'train'],
      ['images/c.png', 'tea', 'validation'],
    ],
  )
  assert.deepEqual(index.summary.missingClasses, [{ split: 'validation', label: 'coffee' }])
})

test('a table without a split column is all train, and parts are taken from it', async () => {
  await using folder = await temporaryFolder()
  const names = Array.from({ length: 10 }, (_, i) => `${i}.png`)
  const tree = Object.fromEntries(names.map((name, i) => [name, i]))
  const table = ['image,label', ...names.map((name, i) => `${name},${'xy'[i % 2]}`)].join('\n')
  const splits = { train: '.', test: { from: 'train', fraction: 0.4 } }
  const { index } = await build(folder.path, tree, { splits, layout: { csv: {} } }, table)
  assert.deepEqual(index.summary.splits['test'], { count: 4, classes: { x: 2, y: 2 } })
})

test('the same bytes in two splits and a missing class are named', async () => {
  await using folder = await temporaryFolder()
  const tree = { 'train/a/1.png': 1, 'train/b/2.png': 2, 'validation/a/3.png': 1 }
  const { index, events } = await build(folder.path, tree)
  const [leak] = index.summary.leaks
  assert.deepEqual(leak?.pictures, [
    { split: 'train', path: 'train/a/1.png' },
    { split: 'validation', path: 'validation/a/3.png' },
  ])
  assert.deepEqual(index.summary.missingClasses, [{ split: 'validation', label: 'b' }])
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.diagnostic] : []))
  assert.deepEqual(warnings, index.summary.warnings)
  assert.deepEqual(
    warnings.map((w) => `${w.code} ${w.message}`),
    [
      'MISSING_CLASS split "validation" has no picture of "b"',
      'SPLIT_LEAK 1 picture is in two splits with the same bytes, such as train/a/1.png (train) and validation/a/3.png (validation)',
    ],
  )
})

test('bad pictures stop the stage, all of them named', async () => {
  const cut = pngBytes(3).subarray(0, 50)
  const tree = { ...PHOTOS, 'train/cat/cut.png': cut, 'train/dog/page.jpg': '<!doctype html>' }
  assert.deepEqual(await failures(tree), [
    'BAD_IMAGE train/cat/cut.png: truncated: the file ends inside a chunk',
    'BAD_IMAGE train/dog/page.jpg: an HTML page | repair or remove them, or leave them out with dataset.badImages: {skip: 2}',
  ])
  const bomb = Buffer.from(pngBytes(1))
  const header = Buffer.from(bomb.subarray(16, 29))
  header.writeUInt32BE(16000, 0)
  header.writeUInt32BE(16000, 4)
  pngChunk('IHDR', header).copy(bomb, 8)
  assert.deepEqual(await failures({ ...PHOTOS, 'train/cat/bomb.png': bomb }), [
    'BAD_IMAGE train/cat/bomb.png: 16000 x 16000 pixels, more than 100 million | repair or remove it, or leave it out with dataset.badImages: {skip: 1}',
  ])
})

test('many bad pictures: twenty are named, the rest counted', async () => {
  const bad = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`train/cat/${i}.jpg`, '']))
  const lines = await failures({ ...PHOTOS, ...bad })
  assert.equal(lines.length, 21)
  assert.match(lines[20]!, /^BAD_IMAGE and 11 more \| .*\{skip: 31\}$/)
})

test('some bad pictures may be skipped, and are listed', async () => {
  await using folder = await temporaryFolder()
  const tree = { ...PHOTOS, 'train/cat/empty.jpg': '' }
  const { index } = await build(folder.path, tree, { badImages: { skip: 1 } })
  assert.deepEqual(index.summary.skipped, [
    { path: 'train/cat/empty.jpg', problem: 'an empty file' },
  ])
  assert.equal(index.rows.length, 5)
  const more = { ...tree, 'train/cat/empty2.jpg': '' }
  assert.deepEqual(await failures(more, { badImages: { skip: 1 } }), [
    'TOO_MANY_BAD_IMAGES 2 pictures cannot be used, 1 may be skipped | repair or remove them, or leave them out with dataset.badImages: {skip: 2}',
    'BAD_IMAGE train/cat/empty.jpg: an empty file',
    'BAD_IMAGE train/cat/empty2.jpg: an empty file',
  ])
})

test('a folder that is not there is named with those that are', async () => {
  const splits = { train: 'trian', validation: 'validation', test: 'test' }
  assert.deepEqual(await failures(PHOTOS, { splits }), [
    'NO_SUCH_FOLDER dataset.splits.train: no folder ~/photos/trian | did you mean "train"? in ~/photos there are: train, validation',
    'NO_SUCH_FOLDER dataset.splits.test: no folder ~/photos/test | in ~/photos there are: train, validation',
  ])
  assert.deepEqual(await failures(PHOTOS, { root: 'fruits360_filtered' }), [
    'NO_SUCH_FOLDER dataset.root: no folder ~/photos/fruits360_filtered | in ~/photos there are: train, validation',
  ])
  const wrapped = { 'outer/set/train/a/1.png': 1, 'outer/set/train/b/1.png': 2 }
  assert.deepEqual(await failures(wrapped, { root: 'set' }), [
    'NO_SUCH_FOLDER dataset.root: no folder ~/photos/set | it is inside "outer": root: outer/set; in ~/photos there are: outer',
  ])
})

test('layouts that cannot be trained on are refused', async () => {
  const cases: [Tree, JsonObject, string][] = [
    [
      { ...PHOTOS, 'train/bird/readme.md': '' },
      {},
      'EMPTY_CLASS class "bird" has no pictures in any split | put pictures there, remove the folder, or name the classes to use in dataset.classes',
    ],
    [
      { 'train/cat/1.png': 1 },
      {},
      'ONE_CLASS there is only one class, "cat" | a classifier needs two; check dataset.root and dataset.splits: each folder in a split is a class',
    ],
    [
      { 'train/1.png': 1 },
      {},
      'BAD_SPLIT split "train" has no class folders: ~/photos/train holds no folder | put the pictures of each class into a folder of its own, or use layout: {csv: …}',
    ],
    [
      PHOTOS,
      { classes: ['cat', 'dgo'] },
      'NO_SUCH_FOLDER dataset.classes names "dgo", which no split has a folder for | did you mean "dog"? the folders are: cat, dog',
    ],
    [
      PHOTOS,
      { splits: { train: 'train', test: { from: 'train', fraction: 0.01, how: 'random' } } },
      'BAD_SPLIT split "test" has no pictures | give it a folder with pictures, or a larger fraction',
    ],
    [
      PHOTOS,
      { root: '../photos' },
      'WRONG_VALUE dataset.root "../photos" leads out of the source | write it relative to the source, without ".."',
    ],
  ]
  for (const [tree, params, line] of cases) assert.deepEqual(await failures(tree, params), [line])
})

test('a table that cannot be used is refused with its lines', async () => {
  const tree = { 'a.png': 1, 'b.png': 2 }
  const csv = { layout: { csv: {} } }
  const cases: [string, JsonObject, string[]][] = [
    ['', csv, ['BAD_TABLE ~/table.csv is empty']],
    [
      'image,lable\na.png,x',
      csv,
      [
        '~/table.csv:1:1 BAD_TABLE no column "label" | did you mean "lable"? the columns are: image, lable; name yours in dataset.layout.csv.label',
      ],
    ],
    [
      'image;label\na.png;x',
      csv,
      [
        '~/table.csv:1:1 BAD_TABLE no column "image" | the columns of a table are separated by commas',
      ],
    ],
    [
      'image,label\na.png\n,x\n../a.png,x\na.png,x\nb.png,y\na.png,y\nb.png,y\n',
      csv,
      [
        '~/table.csv:2:1 BAD_TABLE 1 field where the header has 2 | put a field with a comma in it into quotes',
        '~/table.csv:3:1 BAD_TABLE no image in this row',
        '~/table.csv:4:1 BAD_TABLE the image "../a.png" leads out of dataset.root',
        '~/table.csv:7:1 BAD_TABLE a.png is listed twice: in line 5 as "x" and here as "y"',
        '~/table.csv:8:1 BAD_TABLE b.png is listed twice: in line 6',
      ],
    ],
    ['image,label\n', csv, ['BAD_TABLE ~/table.csv has no rows below its header']],
    [
      'image,label\na.png,x\nc\\d.png,y\ne.png,y',
      csv,
      [
        '~/table.csv:3:1 BAD_TABLE there is no picture c\\d.png | write / between the folders of a path',
        '~/table.csv:4:1 BAD_TABLE there is no picture e.png | paths are below dataset.root; check the path and the root',
      ],
    ],
    [
      'image,label,split\na.png,x,trian\nb.png,y,trian',
      { ...csv, splits: { train: 'train' } },
      [
        'BAD_SPLIT split "train": no row of ~/table.csv has the value "train" in column "split" | did you mean "trian"? the values are: trian',
      ],
    ],
    [
      'image,label,split\na.png,x,1\nb.png,y,2',
      csv,
      [
        'BAD_SPLIT no value of column "split" in ~/table.csv means training | name the values in dataset.splits; they are: 1, 2',
      ],
    ],
    [
      'image,label\na.png,x\nb.png,y',
      { ...csv, classes: ['x', 'z'] },
      [
        'EMPTY_CLASS dataset.classes names "z", which no row of ~/table.csv has as its label | did you mean "x"? the labels are: x, y',
      ],
    ],
  ]
  for (const [table, params, lines] of cases) {
    assert.deepEqual(await failures(tree, params, table), lines)
  }
})

test('the probe sees pictures and table, and nothing else', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'photos')
  await writeTree(path, PHOTOS)
  const probe = (hints: JsonObject, params: JsonObject = {}) => {
    const stage = { id: 'index', kind: 'index', params, needs: {}, hints }
    return INDEX.probe!(stage, { state: folder.path, signal: new AbortController().signal })
  }
  const first = await probe({ path })
  await writeTree(path, { 'train/cat/more.txt': '', 'other/cat/1.png': 7 })
  assert.equal(await probe({ path }), first)
  await writeTree(path, { 'train/cat/new.png': 6 })
  assert.notEqual(await probe({ path }), first)
  const table = join(folder.path, 'table.csv')
  await writeFile(table, 'image,label\ntrain/dog/b.png,a\nvalidation/dog/x.png,b\n')
  const seen = await probe({ path, table }, { layout: { csv: {} } })
  const unpacked = await probe({ table }, { layout: { csv: {} } })
  await writeFile(table, 'image,label\ntrain/dog/b.png,b\nvalidation/dog/x.png,a\n')
  assert.notEqual(await probe({ path, table }, { layout: { csv: {} } }), seen)
  assert.notEqual(await probe({ table }, { layout: { csv: {} } }), unpacked)
})
