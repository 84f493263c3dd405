import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { leastSure, readScored, worstMistakes } from '../../src/report/scored.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const line = (
  image: string,
  label: string,
  predicted: string,
  loss: number,
  probabilities: number[],
) =>
  JSON.stringify({
    split: 'test',
    image,
    label,
    predicted,
    probability: Math.max(...probabilities),
    loss,
    probabilities,
  })

it('predictions are read without their probabilities, but for what a mistake really is', async () => {
  await using root = await temporaryFolder()
  const path = join(root.path, 'predictions.jsonl')
  // A name that looks like the key where a line is cut.
  const odd = 'a","probabilities":[1].png'
  const lines = [
    line('1.png', 'a', 'a', 0.1, [0.9, 0.1]),
    line('2.png', 'b', 'a', 1.2, [0.7, 0.3]),
    line(odd, 'b', 'a', 2.3, [0.9, 0.1]),
    line('4.png', 'b', 'b', 0.6, [0.45, 0.55]),
  ]
  writeFileSync(path, `${lines.join('\n')}\n{"split":"test","ima`)
  const scored = (await readScored(path, ['a', 'b']))!
  assert.equal(scored.length, 4)
  assert.ok(!('probabilities' in scored[0]!) && scored[0]!.ofTruth === undefined)
  assert.deepEqual(
    worstMistakes(scored, 'test').map(({ image, ofTruth }) => [image, ofTruth]),
    [
      [odd, 0.1],
      ['2.png', 0.3],
    ],
  )
  assert.deepEqual(
    leastSure(scored, 'test').map(({ image }) => image),
    ['4.png', '1.png'],
  )
  assert.deepEqual(worstMistakes(scored, 'validation'), [])
})

it('a run without predictions.jsonl has none', async () => {
  await using root = await temporaryFolder()
  assert.equal(await readScored(join(root.path, 'predictions.jsonl'), []), undefined)
})
