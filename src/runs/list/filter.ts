import { failure, type PipelineError } from '../../util/diagnostic.ts'

/** `accuracy > 0.9 and (tag = x or not status = done)`. */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly op: 'not'; readonly part: Filter }
  /** That there is such a thing, and that it is not false or empty. */
  | { readonly op: 'is'; readonly key: Word }
  | { readonly op: Comparison; readonly key: Word; readonly value: Word }

export const COMPARISONS = ['=', '!=', '>=', '<=', '>', '<', '~', '!~'] as const
export type Comparison = (typeof COMPARISONS)[number]

/** A key or a value as it is written, with its place in the expression. */
export interface Word {
  readonly text: string
  /** 0-based, in UTF-16 units. */
  readonly at: number
}

interface Token extends Word {
  /** A quoted word is never `and`, `or` or `not`. */
  readonly kind: 'word' | 'quoted' | 'operator' | 'bracket' | 'end'
}

/** Brackets and `not` within each other: more is no filter that a person wrote. */
const DEEPEST = 100

/**
 * Reads a filter: comparisons (= != > >= < <=, ~ and !~ with a glob) joined by `and`, `or`, `not` and brackets, of which
 * `not` binds most and `or` least. Throws USAGE with the place of what is wrong.
 */
export function parseFilter(text: string): Filter {
  const tokens = tokensOf(text)
  let next = 0
  let depth = 0
  const peek = () => tokens[next]!
  const take = () => tokens[next++]!
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word

  const joined = (op: 'and' | 'or', part: () => Filter): Filter => {
    const parts = [part()]
    while (isWord(op)) {
      take()
      parts.push(part())
    }
    return parts.length === 1 ? parts[0]! : { op, parts }
  }
  const either = (): Filter => joined('or', () => joined('and', negated))
  const negated = (): Filter => {
    depth += 1
    if (depth > DEEPEST) throw wrong(text, peek().at, 'too many brackets within each other')
    const filter = isWord('not') ? (take(), { op: 'not' as const, part: negated() }) : single()
    depth -= 1
    return filter
  }
  const single = (): Filter => {
    const token = take()
    if (token.text === '(' && token.kind === 'bracket') {
      const inner = either()
      const end = take()
      if (end.kind !== 'bracket' || end.text !== ')') {
        throw expected(text, end, 'and, or or a closing bracket')
      }
      return inner
    }
    const key = word(token, 'a key')
    if (peek().kind !== 'operator') return { op: 'is', key }
    const op = take().text as Comparison
    return { op, key, value: word(take(), 'a value') }
  }
  const word = (token: Token, what: string): Word => {
    const isOne = token.kind === 'quoted' || (token.kind === 'word' && !KEYWORD.test(token.text))
    if (!isOne) throw expected(text, token, what)
    return { text: token.text, at: token.at }
  }

  const filter = either()
  if (peek().kind !== 'end') throw expected(text, peek(), 'and, or or the end')
  return filter
}

const KEYWORD = /^(?:and|or|not)$/i

/** One token: white space before it is skipped. A bare word may hold a `!`, as in `[!a]`, but for one of an operator. */
const TOKEN =
  /\s*(?:(?<bracket>[()])|(?<operator>!=|!~|>=|<=|==|[=<>~])|"(?<double>(?:[^"\\]|\\[^])*)"|'(?<single>(?:[^'\\]|\\[^])*)'|(?<word>(?:[^\s()=<>~!"']|!(?![=~]))+))/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    const rest = text.slice(at)
    const start = at + rest.length - rest.trimStart().length
    if (start === text.length) return [...tokens, { kind: 'end', text: '', at: start }]
    TOKEN.lastIndex = at
    const groups = TOKEN.exec(text)?.groups
    if (!groups) {
      throw wrong(text, start, `a quote that is not closed, got ${text.slice(start, start + 20)}`)
    }
    at = TOKEN.lastIndex
    tokens.push({ ...tokenOf(groups), at: start })
  }
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>): Omit<Token, 'at'> {
  const { bracket, operator, word } = groups
  if (bracket !== undefined) return { kind: 'bracket', text: bracket }
  if (operator !== undefined) return { kind: 'operator', text: operator === '==' ? '=' : operator }
  if (word !== undefined) return { kind: 'word', text: word }
  const quoted = groups['double'] ?? groups['single']!
  return { kind: 'quoted', text: quoted.replace(/\\([^])/g, '$1') }
}

function expected(text: string, token: Token, what: string): PipelineError {
  const got = token.kind === 'end' ? 'the end' : JSON.stringify(token.text)
  return wrong(text, token.at, `${what} is missing, got ${got}`)
}

/** What is wrong at a place of a filter, with the expression and a mark below it. */
export function wrong(text: string, at: number, what: string, hint?: string): PipelineError {
  const line = text.replace(/\s/g, ' ')
  const from = Math.max(0, Math.min(at - 40, line.length - 70))
  const shown = line.slice(from, from + 70)
  const message = `--filter, character ${at + 1}: ${what}\n  ${shown}\n  ${' '.repeat(at - from)}^`
  return failure('USAGE', message, {
    hint: hint ?? 'write it as in --filter "accuracy > 0.9 and optimizer.learningRate = 0.001"',
  })
}
