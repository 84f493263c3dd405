import { existsSync, readFileSync } from 'node:fs'
import { commentFile, escaped, Problem, step } from './change.mjs'

/**
 * One comment on the pull request, made the first time and changed afterwards (GitHub's REST API, issue comments). It is told
 * by a mark at its beginning, and only a bot's comment is taken for it: a person's that begins with the mark is left alone.
 */
const MARK = '<!-- graft: pipeline compare -->'
/** GitHub takes 65,536 characters. */
const MOST = 65_000

await step(async () => {
  const file = commentFile()
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const number = pullRequest()
  const earlier = await find(number)
  if (text === '' && earlier === undefined) return
  const body = `${MARK}\n${text === '' ? 'No run is added or changed by this pull request any more.' : cut(text)}`
  if (earlier?.body === body) return
  const { status, problem } =
    earlier === undefined
      ? await call('POST', `issues/${number}/comments`, { body })
      : await call('PATCH', `issues/comments/${earlier.id}`, { body })
  if (problem === undefined)
    console.log(earlier === undefined ? 'commented' : 'the comment is up to date')
  // From a fork the token may only read: what there is to say stands in the summary.
  else if (status === 403)
    console.log(`::warning::${escaped(`no comment: ${problem} (the job summary has it)`)}`)
  else throw new Problem(problem)
})

function pullRequest() {
  const { GITHUB_EVENT_PATH: path } = process.env
  const event = path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  const number = event.pull_request?.number
  if (!Number.isSafeInteger(number))
    throw new Problem('there is no pull request to comment on: run it on pull_request')
  return number
}

async function find(number) {
  for (let page = 1; ; page += 1) {
    const { problem, json } = await call(
      'GET',
      `issues/${number}/comments?per_page=100&page=${page}`,
    )
    if (problem !== undefined) throw new Problem(problem)
    const found = json.find(({ body, user }) => body?.startsWith(MARK) && user?.type === 'Bot')
    if (found || json.length < 100) return found
  }
}

async function call(method, path, body) {
  const {
    GITHUB_API_URL: api = 'https://api.github.com',
    GITHUB_REPOSITORY: repository,
    GITHUB_TOKEN: token,
  } = process.env
  if (!token) throw new Problem('there is no token to comment with')
  const response = await fetch(`${api}/repos/${repository}/${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-github-api-version': '2022-11-28',
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  const { status } = response
  if (response.ok) return { status, json: JSON.parse(text) }
  return {
    status,
    problem: `GitHub answered ${status} to ${method} ${path.replace(/\?.*/, '')}: ${text.slice(0, 300)}`,
  }
}

/** As many whole lines as fit; what was folded is closed. */
function cut(text) {
  if (text.length <= MOST) return text
  const kept = text.slice(0, text.lastIndexOf('\n', MOST))
  const open = kept.split('<details>').length - kept.split('</details>').length
  return `${kept}\n${'\n</details>'.repeat(Math.max(0, open))}\n\nThe rest stands in the job summary.`
}
