import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { createProject } from './rig.ts'

it('validate --strict looks at the pictures, and refuses a leak and a class that a split lacks', async () => {
  await using project = await createProject()
  const check = () => project.pipeline(['validate', 'pipeline.yaml', '--strict'])
  const good = await check()
  assert.deepEqual([good.code, good.stdout], [0, 'pipeline.yaml: valid\n'])

  const pictures = join(project.path, 'pictures')
  copyFileSync(join(pictures, 'train/red/00.png'), join(pictures, 'test/red/copy.png'))
  rmSync(join(pictures, 'test/blue'), { recursive: true })
  const bad = await check()
  assert.equal(bad.code, 2)
  assert.match(bad.stderr, /^MISSING_CLASS warning: split "test" has no picture of "blue"$/m)
  assert.match(bad.stderr, /^SPLIT_LEAK warning: 1 picture is in two splits .*red\/00\.png/m)
  const lenient = await project.pipeline(['validate', 'pipeline.yaml'])
  assert.equal(lenient.code, 0)
})

it('units are held against the classes of a table before anything else runs', async () => {
  await using project = await createProject({
    head: ['GlobalAveragePooling2D', { Dense: { units: 4, activation: 'softmax' } }],
  })
  const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml'])
  assert.equal(code, 2)
  assert.match(stderr, /WRONG_VALUE the last layer has 4 units, but there are 3 classes/)
})

it('strict says when the pictures are not here', async () => {
  await using project = await createProject()
  const file = join(project.path, 'pipeline.yaml')
  const here = readFileSync(file, 'utf8')
  writeFileSync(file, here.replace('path: pictures', 'url: https://localhost:1/pictures.zip'))
  const { code, stdout } = await project.pipeline(['validate', 'pipeline.yaml', '--strict'])
  const says = 'pipeline.yaml: valid; its pictures are not here and were not looked at\n'
  assert.deepEqual([code, stdout], [0, says])
})
