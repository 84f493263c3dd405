import { execFileSync, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a pull request changed, and the command that looks at it. */

/** A failure that is told as it is, without a stack. */
export class Problem extends Error {}

/** Runs a step; what went wrong becomes an annotation and exit code 1. */
export async function step(run) {
  try {
    process.exitCode = (await run()) ?? 0
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    console.log(`::error::${escaped(error.message)}`)
    process.exitCode = 1
  }
}

/** As text of a workflow command: nothing in it may begin another one. */
export function escaped(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

export function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
}

/** Where the pull request left the base's branch: what others did there since is none of its changes. */
export function baseCommit() {
  const base = process.env.BASE ?? ''
  if (base === '')
    throw new Problem(
      'there is no base to compare with: run it on pull_request, or give the input base',
    )
  if (!/^[0-9A-Za-z][\w./-]*$/.test(base)) throw new Problem(`the base is no commit: ${base}`)
  const { status, stdout } = spawnSync('git', ['merge-base', base, 'HEAD'], { encoding: 'utf8' })
  if (status === 0) return stdout.trim()
  throw new Problem(`${base} is not in this clone: give actions/checkout the input fetch-depth: 0`)
}

/** Files below the current folder that are added or changed since the commit, by git's pathspecs, sorted. */
export function changedFiles(base, pathspecs) {
  const args = [
    'diff',
    '--name-only',
    '-z',
    '--no-renames',
    '--diff-filter=AM',
    '--relative',
    base,
    'HEAD',
  ]
  return git(...args, '--', ...pathspecs)
    .split('\0')
    .filter((name) => name !== '')
    .sort()
}

/** Words of the pipeline command, without a shell between. */
export function command() {
  const given = (process.env.PIPELINE_COMMAND ?? '').split(/\s+/).filter((word) => word !== '')
  if (given.length > 0) return given
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  return [process.execPath, join(root, 'dist/src/main.js')]
}

export function temporary() {
  return process.env.RUNNER_TEMP ?? tmpdir()
}

/** What one step leaves for the next: the Markdown of the comment, empty where there is nothing to say. */
export function commentFile() {
  return join(temporary(), 'pipeline-comment.md')
}
