import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { repeatCommand } from '../../src/sweeps/repeat.ts'

test('the command that repeats a trial comes through a shell as it is meant', () => {
  const parameters = {
    'training.batchSize': 16,
    freeze: 'all',
    'a.b': "it's $HOME `x` \\",
    head: [{ Dense: { units: 1 } }],
    text: '16',
    yes: 'true',
  }
  const command = repeatCommand('printf %s\\\\n', "my file's.yaml", parameters, ['seed=2'])
  const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).split('\n')
  assert.deepEqual(words.slice(0, 6), [
    'run',
    "my file's.yaml",
    '--set',
    '~sweep',
    '--set',
    'seed=2',
  ])
  assert.deepEqual(
    words.slice(6).filter((word) => word !== '--set' && word !== ''),
    [
      'training.batchSize=16',
      'freeze=all',
      `a.b=${JSON.stringify(parameters['a.b'])}`,
      'head=[{"Dense":{"units":1}}]',
      'text="16"',
      'yes="true"',
    ],
  )
})
