import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import {
  arrayText,
  chunksOf,
  noticeFor,
  secondsOf,
  shellWord,
  slurmScript,
} from '../../../src/sweeps/submit/slurm-script.ts'
import { jobName } from '../../../src/sweeps/submit/k8s.ts'

const REQUEST = {
  name: 'a',
  cwd: '/p',
  log: '/p/%A_%a.out',
  command: ['node', 'main.js'],
  extra: [],
}

describe('the script of an array of workers', () => {
  it('reads times as Slurm does', () => {
    const times: readonly (readonly [string, number])[] = [
      ['90', 5400],
      ['1:30', 90],
      ['4:00:00', 14_400],
      ['1-12', 129_600],
      ['1-12:30', 131_400],
      ['2-00:00:05', 172_805],
      ['UNLIMITED', Infinity],
    ]
    for (const [text, seconds] of times) assert.equal(secondsOf(text), seconds, text)
    for (const text of ['', '4h', '1:2:3:4', '-1', '1-', '1.5']) {
      assert.throws(() => secondsOf(text), /USAGE --time takes a time as Slurm writes it/, text)
    }
  })

  it('asks for a signal 90 seconds before the end, or a quarter of a short limit', () => {
    const limits = ['UNLIMITED', '1:00:00', '6', '4', '1', '0:20']
    assert.deepEqual(limits.map(noticeFor), [90, 90, 90, 60, 15, 10])
    assert.match(slurmScript({ ...REQUEST, time: '1' }), /^#SBATCH --signal=B:USR2@15$/m)
  })

  it('cuts arrays at the longest that there may be, and writes how many run at once', () => {
    assert.deepEqual(chunksOf(2500, 1001), [1001, 1001, 498])
    assert.deepEqual([chunksOf(1001, 1001), chunksOf(1, 1001)], [[1001], [1]])
    const texts = [
      arrayText(1, undefined),
      arrayText(8, undefined),
      arrayText(8, 2),
      arrayText(8, 8),
    ]
    assert.deepEqual(texts, ['0', '0-7', '0-7%2', '0-7'])
  })

  it('quotes what a shell would take apart, and takes no second line', () => {
    const words = ["it's", 'a b', '$HOME', '`x`', '--set', 'a.b=[1, "2"]', '', '~']
    const printed = execFileSync('/bin/sh', [
      '-c',
      `printf '%s\\n' ${words.map(shellWord).join(' ')}`,
    ])
    assert.equal(printed.toString(), words.map((word) => `${word}\n`).join(''))
    assert.match(slurmScript({ ...REQUEST, cwd: '/a "b\\' }), /^#SBATCH --chdir="\/a \\"b\\\\"$/m)
    for (const request of [
      { partition: 'a\nb' },
      { extra: ['--nice=1\nrm -rf'] },
      { cwd: 'a\nb' },
    ]) {
      assert.throws(() => slurmScript({ ...REQUEST, ...request }), /USAGE .* one line/)
    }
  })

  it('has names for Kubernetes that are DNS labels', () => {
    const names = ['little', 'Fruits_2.b', '---', 'x'.repeat(80)].map(jobName)
    assert.deepEqual(names.slice(0, 3), ['graft-little', 'graft-fruits-2-b', 'graft'])
    for (const name of names) assert.match(name, /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/)
  })
})
