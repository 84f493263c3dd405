import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { readIndex } from '../../src/data/index-table.ts'
import { INDEX } from '../../src/stages/index.ts'
import { writeTree } from '../support/pictures.ts'
import { runStage, temporaryFolder } from '../support/stage-rig.ts'

test('a local folder becomes a table in class, then path order', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'photos')
  await writeTree(path, {
    'train/dog/b.png': 1,
    'train/dog/a 1.PNG': 2,
    'train/cat/é.png': 3,
    'train/cat/notes.txt': 'no picture',
    'validation/dog/x.png': 4,
    'validation/cat/y.png': 5,
  })
  const run = await runStage(INDEX, folder.path, { params: {}, hints: { path } })
  const index = await readIndex(run.out)
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
  const note = run.events.find((event) => event.type === 'note')
  assert.match(note?.message ?? '', /1 \.txt/)
})
