import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileAtRevision } from '../../src/pipeline/at-revision.ts'
import { compose } from '../../src/pipeline/compose.ts'
import { find, placeOf } from '../../src/pipeline/tree.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

let root: string
before(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'graft-git-')))
  mkdirSync(join(root, 'repository/pipelines'), { recursive: true })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
      cwd: join(root, 'repository'),
      stdio: 'pipe',
    })
  const write = (path: string, text: string) => writeFileSync(join(root, 'repository', path), text)
  git('init', '--quiet')
  write('base.yaml', 'seed: 1\ntraining: {epochs: 5}\n')
  write('pipelines/a.yaml', 'extends: ../base.yaml\nname: a\n')
  write('pipelines/large.yaml', `# ${'x'.repeat(1 << 20)}\n`)
  git('add', '.')
  git('commit', '--quiet', '-m', 'one')
  write('base.yaml', 'seed: 2\n')
  write('pipelines/a.yaml', 'extends: ../base.yaml\nname: b\n')
  git('commit', '--quiet', '-a', '-m', 'two')
  rmSync(join(root, 'repository/base.yaml'))
  writeFileSync(join(root, 'out.yaml'), 'seed: 3\n')
  write('pipelines/out.yaml', 'extends: ../../out.yaml\n')
  write('pipelines/folder.yaml', 'extends: ../pipelines\n')
  git('add', 'pipelines')
  git('commit', '--quiet', '-m', 'three')
})
after(() => rmSync(root, { recursive: true }))

const here = (...folders: string[]) => join(root, 'repository', ...folders)

async function problem(reference: string, cwd = here()): Promise<string> {
  try {
    const { file, read } = await fileAtRevision(reference, cwd)
    await compose(file, {}, read)
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error))
    const [{ code, message, hint = '' } = { code: '', message: '' }] = error.diagnostics
    return `${code} ${message}; ${hint}`
  }
  return assert.fail('no problem')
}

test('a file is read as it was, with what it extends as that was', async () => {
  const { file, read, nameOf } = await fileAtRevision('HEAD~2:pipelines/a.yaml', here())
  assert.equal(file, here('pipelines/a.yaml'))
  const { root: tree, text } = await compose(file, {}, read)
  assert.equal(text, 'extends: ../base.yaml\nname: a\n')
  const value = (...path: string[]) => {
    const node = find(tree, path)
    assert.equal(node?.kind, 'scalar')
    return node.value
  }
  assert.deepEqual([value('name'), value('seed'), value('training', 'epochs')], ['a', 1, 5])
  const at = placeOf(tree, ['training', 'epochs'])!
  assert.equal(`${nameOf(at.file)}:${at.line}`, 'HEAD~2:base.yaml:2')
  assert.equal(nameOf(join(root, 'out.yaml')), join(root, 'out.yaml'))
})

test('a path with ./ or ../ is seen from the current folder, another from the top', async () => {
  for (const reference of ['HEAD:./a.yaml', 'HEAD:../pipelines/a.yaml', 'HEAD:pipelines/a.yaml']) {
    const { file, read } = await fileAtRevision(reference, here('pipelines'))
    assert.match(await read(file, undefined), /name: b/)
  }
  assert.match(
    await problem('HEAD:a.yaml', here('pipelines')),
    /^FILE_NOT_FOUND the file a\.yaml is not there at HEAD; .*write \.\/a\.yaml for the one here/,
  )
})

test('what is wrong is told: revision, file, size, place', async () => {
  assert.match(await problem('HEAD~7:pipelines/a.yaml'), /^USAGE git knows no revision "HEAD~7"/)
  assert.match(await problem('--all:pipelines/a.yaml'), /^USAGE git knows no revision "--all"/)
  assert.match(
    await problem('HEAD:pipelines/aa.yaml'),
    /^FILE_NOT_FOUND the file pipelines\/aa\.yaml is not there at HEAD; did you mean "a\.yaml"/,
  )
  assert.match(
    await problem('HEAD:pipelines/large.yaml'),
    /^FILE_TOO_LARGE HEAD:pipelines\/large\.yaml has 1048/,
  )
  assert.match(
    await problem('HEAD:pipelines/folder.yaml'),
    /^FILE_NOT_FOUND the file pipelines is a folder at HEAD/,
  )
  assert.match(
    await problem('HEAD:pipelines/out.yaml'),
    /^FILE_NOT_FOUND .*out\.yaml is outside of the repository/,
  )
  assert.match(
    await problem('HEAD:a.yaml', root),
    /^USAGE HEAD:a\.yaml is looked for in git, and git finds no repository here/,
  )
})
