import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CommandRun } from '../../src/commands/command.ts'
import { storeGc, storeLs, storeVerify } from '../../src/commands/store.ts'
import { tableText } from '../../src/commands/table-text.ts'
import { storeRoot } from '../../src/graph/store-root.ts'
import { exitCode } from '../../src/util/diagnostic.ts'
import { parseBytes } from '../../src/util/text.ts'
import { flipByte, leftovers, rejection, Rig, stage } from '../graph/rig.ts'

describe('pipeline store', () => {
  let rig: Rig
  beforeEach(() => void (rig = new Rig()))
  afterEach(() => rig.dispose())

  it('ls lists what is there, the newest use first, in each format', async () => {
    await rig.run([stage('first', { size: 5000 })])
    await rig.run([stage('second', { text: 'b', size: 7000 })])
    const store = rig.root
    const text = await storeLs({ store })
    assert.match(text, /^what +stage +size +last used +digest +in use\n/)
    assert.match(text, /artifact +second +7\.\d kB .*\nartifact +first +5\.\d kB /)
    assert.match(text, /\n\n1[23]\.\d kB of at most [\d.]+ GB in .+store\n$/)
    const { bytes, items } = JSON.parse(await storeLs({ store, json: true }))
    assert.ok(bytes > 12_000)
    assert.deepEqual(
      items
        .filter((i: { what: string }) => i.what === 'artifact')
        .map((i: { stage: string }) => i.stage),
      ['second', 'first'],
    )
    assert.match(
      await storeLs({ store, md: true }),
      /^\| what \| stage \| size \|.*\n\| --- \| --- \| --: \|/,
    )
    assert.match(
      await storeLs({ store, csv: true }),
      /^what,stage,size,last used,digest,in use\nartifact,second,7\d{3},\d{4}-/,
    )
  })

  it('ls lists what a kind keeps by itself', async () => {
    await rig.run([stage('first')])
    const folder = join(rig.root, 'state/train/abcdef0123456789')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'checkpoint'), Buffer.alloc(3000))
    const text = await storeLs({ store: rig.root })
    assert.match(text, /^kept +train +3\.0 kB .* abcdef012345 *$/m)
    const { items } = JSON.parse(await storeLs({ store: rig.root, json: true }))
    const [kept] = items.filter((item: { what: string }) => item.what === 'kept')
    assert.equal(`${kept.kind} ${kept.bytes}`, 'train 3000')
  })

  it('ls of a store that is not there yet makes nothing', async () => {
    assert.equal(await storeLs({ store: rig.root }), `nothing in ${rig.root}\n`)
    assert.equal(JSON.parse(await storeLs({ store: rig.root, json: true })).items.length, 0)
  })

  it('gc says what went and what stays', async () => {
    await rig.run([stage('a', { size: 5000 }), stage('b', { text: 'b', size: 7000 })])
    assert.match(
      await storeGc({ store: rig.root, maxSize: '8 kB' }),
      /^removed 1 entry, \d\.\d kB; \d\.\d kB left\n$/,
    )
    const report = JSON.parse(await storeGc({ store: rig.root, maxSize: '0', json: true }))
    assert.equal(report.removed.length, 1)
    assert.deepEqual(leftovers(rig.root), [])
  })

  it('works as a command, and says what does not belong together', async () => {
    await rig.run([stage('a')])
    const { COMMANDS } = await import('../../src/commands/table.ts')
    const loaded = await COMMANDS.find((c) => c.name === 'store')!.load()
    const run = loaded.run as CommandRun
    let text = ''
    const stdout = { write: (chunk: string) => void (text += chunk) } as never
    const context = { stdout, env: { GRAFT_STORE: rig.root }, cwd: '/' } as never
    await run(['ls'], {}, context)
    assert.match(text, /^what +stage/)
    await run(['gc'], { maxSize: '0' }, context)
    assert.match(text, /removed 1 entry, .+; 0 B left\n$/)
    await run(['verify'], {}, context)
    assert.match(text, /checked 0 artifacts, 0 B: all whole\n$/)
    const error = await rejection(run(['ls'], { allWork: true }, context) as Promise<void>)
    assert.match(error.message, /^USAGE --all-work is about gc$/)
  })

  it('gc refuses a size it does not understand', async () => {
    const error = await rejection(storeGc({ store: rig.root, maxSize: 'much' }))
    assert.match(error.message, /^USAGE --max-size takes a number of bytes, got "much"$/)
    assert.equal(exitCode(error as never), 2)
  })

  it('verify finds every flipped bit and names it', async () => {
    const stages = [stage('a')]
    const artifacts = await rig.execute(stages)
    const whole = await storeVerify({ store: rig.root })
    assert.match(whole.text, /^checked 1 artifact, \d+ B: all whole\n$/)
    assert.equal(whole.found, undefined)
    const { path } = artifacts.get('a')!
    await flipByte(join(path, 'text'))
    const { text, found } = await storeVerify({ store: rig.root, json: true })
    assert.equal(JSON.parse(text).damaged[0].damage, 'text has other bytes than were written')
    assert.equal(exitCode(found!), 1)
    assert.match(
      found!.message,
      /^STORE_DAMAGED artifact [0-9a-f]{12} was damaged \(text has other bytes/,
    )
    assert.equal((await storeVerify({ store: rig.root })).found, undefined)
    assert.deepEqual(await rig.run(stages), ['a'])
    assert.equal(dirname(path), dirname((await rig.execute(stages)).get('a')!.path))
  })
})

describe('the place of the store', () => {
  it('is the flag, GRAFT_STORE, or in the cache folder', () => {
    const env = { GRAFT_STORE: '/g', XDG_CACHE_HOME: '/x' }
    assert.equal(storeRoot(env, '/f'), '/f')
    assert.equal(storeRoot(env), '/g')
    assert.equal(storeRoot({ ...env, GRAFT_STORE: '' }), '/x/graft/store')
    assert.equal(storeRoot({ XDG_CACHE_HOME: 'relative' }), join(homedir(), '.cache/graft/store'))
    assert.equal(storeRoot({}, 'here', '/there'), '/there/here')
  })
})

describe('sizes and tables', () => {
  it('reads bytes as people write them', () => {
    assert.deepEqual(
      ['20GB', '1.5 GiB', '0', ' 7 kB ', '12b', '3 apples', '-1', '', '1e3'].map(parseBytes),
      [20e9, 1.5 * 2 ** 30, 0, 7000, 12, undefined, undefined, undefined, undefined],
    )
  })

  it('quotes what a format would mistake', () => {
    const columns = [
      { title: 'a,b', value: (x: string) => x },
      { title: 'n', right: true, value: () => '1' },
    ]
    assert.equal(tableText(columns, ['x"y', 'long one'], 'csv'), '"a,b",n\n"x""y",1\nlong one,1\n')
    assert.equal(tableText(columns, ['p|q'], 'md'), '| a,b | n |\n| --- | --: |\n| p\\|q | 1 |\n')
    assert.equal(tableText(columns, ['x', '猫猫猫'], 'text'), 'a,b     n\nx       1\n猫猫猫  1\n')
  })
})
