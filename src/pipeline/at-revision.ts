import { execFile } from 'node:child_process'
import { basename, dirname, join, relative } from 'node:path'
import { failure, PipelineError, type Position } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import { MAX_BYTES, type ReadText } from './compose.ts'

/** A file as git has it at a revision; what it extends is read at the same one. */
export interface FileAtRevision {
  /** Where it stands, or would, in the work tree: its paths are seen from there. */
  readonly file: string
  readonly read: ReadText
  /** How a file of the work tree is called in messages: `HEAD~3:pipelines/a.yaml`. */
  readonly nameOf: (file: string) => string
}

/**
 * Finds `HEAD~3:pipelines/a.yaml`, the path as git reads it: from the top of the repository, or with `./` from here. Throws
 * TOOL_MISSING without git, USAGE outside of a repository or for an unknown revision; `read` throws FILE_NOT_FOUND.
 */
export async function fileAtRevision(reference: string, cwd: string): Promise<FileAtRevision> {
  const colon = reference.indexOf(':')
  const [revision, path] = [reference.slice(0, colon), reference.slice(colon + 1)]
  const [top = '', prefix = ''] = lines(
    await git(cwd, ['rev-parse', '--show-toplevel', '--show-prefix'], (said) =>
      failure('USAGE', `${reference} is looked for in git, and git finds no repository here`, {
        hint: said,
      }),
    ),
  )
  const verify = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
  const commit = await git(cwd, verify, () =>
    failure('USAGE', `git knows no revision "${revision}"`, { hint: '`git log` lists them' }),
  )
  const nameOf = (file: string): string => {
    const inside = relative(top, file).split('\\').join('/')
    return inside.startsWith('..') ? file : `${revision}:${inside}`
  }
  const read: ReadText = (file, at) =>
    readBlob({ top, commit: commit.trim(), revision, prefix }, file, at)
  return { file: join(top, /^\.\.?\//.test(path) ? join(prefix, path) : path), read, nameOf }
}

interface Tree {
  readonly top: string
  readonly commit: string
  /** As it was named. */
  readonly revision: string
  /** Of the current directory, below `top`: empty, or with a slash at its end. */
  readonly prefix: string
}

async function readBlob(tree: Tree, file: string, at: Position | undefined): Promise<string> {
  const { top, commit, revision, prefix } = tree
  const path = relative(top, file).split('\\').join('/')
  if (path.startsWith('..')) {
    throw failure(
      'FILE_NOT_FOUND',
      `${file} is outside of the repository, so ${revision} has no such file`,
      { at },
    )
  }
  const size = await git(top, ['cat-file', '-s', `${commit}:${path}`], () => undefined)
  const kind = await git(top, ['cat-file', '-t', `${commit}:${path}`], () => undefined)
  if (size === undefined || kind?.trim() !== 'blob') {
    const state =
      kind?.trim() === 'tree' ? `is a folder at ${revision}` : `is not there at ${revision}`
    const hint = await nearby(tree, path, prefix)
    throw failure('FILE_NOT_FOUND', `the file ${path} ${state}`, { at, hint })
  }
  if (Number(size) > MAX_BYTES) {
    throw failure(
      'FILE_TOO_LARGE',
      `${revision}:${path} has ${size.trim()} bytes; a pipeline file has at most ${MAX_BYTES}`,
      { at },
    )
  }
  return git(top, ['cat-file', 'blob', `${commit}:${path}`], (said) => new Error(said))
}

/** The same path seen from here, or a file of nearly the same name in the same folder. */
async function nearby(
  { top, commit }: Tree,
  path: string,
  prefix: string,
): Promise<string | undefined> {
  const here = `${commit}:${prefix}${path}`
  if (prefix !== '' && (await git(top, ['cat-file', '-e', here], () => undefined)) !== undefined) {
    return `git reads paths from the top of the repository: write ./${path} for the one here`
  }
  const folder = dirname(path) === '.' ? commit : `${commit}:${dirname(path)}`
  const names = await git(top, ['ls-tree', '-z', '--name-only', folder], () => undefined)
  const files = (names ?? '').split('\u0000').filter((name) => /\.(ya?ml|json)$/.test(name))
  return didYouMean(basename(path), files)
}

/** The output of git; where it fails, what `failed` makes of its first line: an error is thrown. Never by a shell. */
async function git(
  cwd: string,
  args: readonly string[],
  failed: (said: string) => Error,
): Promise<string>
async function git(
  cwd: string,
  args: readonly string[],
  failed: (said: string) => undefined,
): Promise<string | undefined>
async function git(
  cwd: string,
  args: readonly string[],
  failed: (said: string) => Error | undefined,
): Promise<string | undefined> {
  const options = { cwd, maxBuffer: 4 * MAX_BYTES, timeout: 30_000, encoding: 'utf8' } as const
  return new Promise((resolve, reject) => {
    execFile('git', args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      if (error.code === 'ENOENT') return reject(noGit(error))
      const made = failed(stderr.split('\n')[0]!.replace(/^fatal: /, ''))
      if (made) reject(made)
      else resolve(undefined)
    })
  })
}

function noGit(cause: Error): PipelineError {
  const hint = 'install git, or name a file or a run'
  return failure('TOOL_MISSING', 'a file at a revision is read by git, which is not here', {
    hint,
    cause,
  })
}

function lines(text: string): string[] {
  return text.split('\n')
}
