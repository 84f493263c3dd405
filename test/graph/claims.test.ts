import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { livingOwner, openClaims, ownName, type Claims } from '../../src/graph/claims.ts'
import { HEARTBEAT_MS, isAlive, ownerText, parseOwner, self } from '../../src/graph/owner.ts'

describe('claims', () => {
  let root: string
  let claims: Claims
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'graft-claims.'))
    for (const mode of ['run', 'use', 'evict'])
      mkdirSync(join(root, 'claims', mode), { recursive: true })
    claims = openClaims(root)
  })
  afterEach(() => {
    claims.close()
    rmSync(root, { recursive: true })
  })
  const plant = (mode: string, owner: string, agoMs = 0) => {
    const path = join(root, 'claims', mode, `key.${owner}.0a`)
    writeFileSync(path, '')
    const when = new Date(Date.now() - agoMs)
    utimesSync(path, when, when)
    return path
  }

  it('let one compute, and say who', () => {
    const mine = claims.tryRun('key')
    assert.ok('release' in mine)
    assert.deepEqual(claims.tryRun('key'), self())
    assert.ok('release' in claims.tryRun('key2'))
    mine.release()
    assert.ok('release' in claims.tryRun('key'))
  })

  it('let many use, and evict only what nobody uses', async () => {
    const one = await claims.use('key')
    const two = await claims.use('key')
    assert.equal(claims.tryEvict('key'), undefined)
    one.release()
    assert.equal(claims.tryEvict('key'), undefined)
    two.release()
    const eviction = claims.tryEvict('key')
    assert.ok(eviction)
    let used = false
    const waiting = claims.use('key').then(() => (used = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(used, false, 'it waits for the eviction')
    eviction.release()
    await waiting
  })

  it('of dead processes count for nothing and are swept', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e5)'])
    const { machine } = self()
    const { readFileSync } = await import('node:fs')
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    plant('run', `${machine}.${child.pid}.${stat[19]}`)
    assert.equal((claims.tryRun('key') as { pid: number }).pid, child.pid)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('exit', resolve))
    claims.sweep()
    assert.deepEqual(readdirSync(join(root, 'claims/run')), [])
  })

  it('of a process that only has the pid of the dead one count for nothing', () => {
    const { machine, pid } = self()
    plant('run', `${machine}.${pid}.1`)
    plant('run', `${machine}.1.999999999999`)
    assert.ok('release' in claims.tryRun('key'))
  })

  it('of another machine count while they are touched', () => {
    const owner = '0badcafe.1.1'
    plant('run', owner, HEARTBEAT_MS)
    assert.equal((claims.tryRun('key') as { machine: string }).machine, '0badcafe')
    plant('run', owner, 20 * HEARTBEAT_MS)
    assert.ok('release' in claims.tryRun('key'))
  })

  it('are dropped on close', async () => {
    await claims.use('key')
    claims.tryRun('key')
    claims.close()
    assert.deepEqual(readdirSync(join(root, 'claims/use')), [])
    assert.deepEqual(readdirSync(join(root, 'claims/run')), [])
  })

  it('name their owner', () => {
    assert.deepEqual(parseOwner(ownerText(self()).split('.')), self())
    assert.equal(parseOwner(['a', 'b', 'c']), undefined)
    assert.deepEqual(livingOwner(join('/some.where/tmp', ownName())), self())
    assert.equal(livingOwner('/tmp/no-owner'), undefined)
    assert.ok(isAlive(self(), () => 0))
  })
})
