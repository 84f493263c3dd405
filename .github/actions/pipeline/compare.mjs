import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import {
  baseCommit,
  changedFiles,
  command,
  commentFile,
  git,
  Problem,
  step,
  temporary,
} from './change.mjs'

/**
 * Of each pipeline with new runs among the commits: how the newest differs from the newest that was there before (a run that
 * was itself changed: from what it was). Markdown, to the job summary and to a file for the comment.
 */
await step(() => {
  const runs = (process.env.RUNS ?? 'runs').replace(/\/+$/, '')
  const base = baseCommit()
  const changed = changedFiles(base, [`:(glob)${runs}/*/*/run.json`]).map(dirname)
  const before = runsAt(base, runs)
  const names = [...new Set(changed.map((folder) => basename(dirname(folder))))].sort()
  const parts = names.map((name) => {
    const ours = (folder) => basename(dirname(folder)) === name
    return section(name, changed.filter(ours), before.filter(ours), base)
  })
  const text = parts.length === 0 ? '' : `## Runs\n\n${parts.join('\n\n')}\n`
  const { GITHUB_STEP_SUMMARY: summary } = process.env
  if (summary && text !== '') appendFileSync(summary, text)
  const file = commentFile()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(text === '' ? 'no run was added or changed' : text)
})

function section(name, changed, before, base) {
  const newest = latest(
    changed.map((folder) => [folder, readFileSync(join(folder, 'run.json'), 'utf8')]),
  )
  const title = `### ${code(name)}`
  const earlier = before.includes(newest)
    ? newest
    : latest(before.map((folder) => [folder, git('show', `${base}:./${folder}/run.json`)]))
  if (earlier === undefined) {
    const table = pipeline('compare', '--md', '--', ...changed)
    return `${title}\n\nThe first runs of this name.\n\n${table}`
  }
  const old = placeOf(earlier, base)
  const diff = withoutPlace(
    pipeline('diff', '--md', '--', old, newest).replace(/^(#+) /gm, '#$1 '),
    old.slice(0, -earlier.length),
  )
  if (changed.length === 1) return `${title}\n\n${diff}`
  const table = pipeline('compare', '--md', '--', old, ...changed)
  return `${title}\n\n${changed.length} new runs; the newest against the newest before:\n\n${diff}\n\n${table}`
}

/** A run's folder as it was at the commit: itself where nothing of it was changed, else a copy elsewhere. */
function placeOf(folder, base) {
  const { status } = spawnSync('git', ['diff', '--quiet', base, 'HEAD', '--', folder])
  if (status === 0) return folder
  const place = mkdtempSync(join(temporary(), 'before-'))
  for (const path of listed(base, folder)) {
    const file = join(place, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, git('show', `${base}:./${path}`))
  }
  return join(place, folder)
}

/** Lines of a copied folder are named as those of the folder itself. */
function withoutPlace(text, place) {
  if (place === '') return text
  return text.replaceAll(`${relative('.', place)}/`, '').replaceAll(place, '')
}

function runsAt(base, runs) {
  return listed(base, runs)
    .filter((path) => basename(path) === 'run.json')
    .map(dirname)
    .filter((folder) => dirname(dirname(folder)) === runs)
}

/** Files below the folder, by their place from here. */
function listed(base, folder) {
  return git('ls-tree', '-r', '-z', '--name-only', base, '--', folder)
    .split('\0')
    .filter((path) => path !== '')
}

/** The folder whose run was started last; what is no record counts as none. */
function latest(records) {
  const started = records.flatMap(([folder, text]) => {
    try {
      return [[folder, String(JSON.parse(text).started)]]
    } catch {
      return []
    }
  })
  return started.sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0)).at(-1)?.[0]
}

function pipeline(...args) {
  const [program, ...words] = command()
  const options = { encoding: 'utf8', maxBuffer: 2 ** 28 }
  const { status, stdout, stderr, error } = spawnSync(program, [...words, ...args], options)
  if (error) throw error
  process.stderr.write(stderr)
  if (status !== 0) throw new Problem(`pipeline ${args[0]} ended with ${status}`)
  return stdout.trim()
}

/** A name of a folder as code; what would end the code or the line is taken out. */
function code(name) {
  return `\`${name.replace(/[`\r\n]/g, '')}\``
}
