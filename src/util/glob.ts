/** Whether a path is a pattern: `photos/*.jpg`, `photos/{cats,dogs}/**`. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}]/.test(text)
}

/** `a{b,c}d` -> `abd`, `acd`; nested ones too. A brace without its partner is itself. */
export function expandBraces(pattern: string): string[] {
  const match = /\{([^{}]*,[^{}]*)\}/.exec(pattern)
  if (!match) return [pattern]
  const [whole, inner] = match as unknown as [string, string]
  const before = pattern.slice(0, match.index)
  const after = pattern.slice(match.index + whole.length)
  return inner.split(',').flatMap((choice) => expandBraces(`${before}${choice}${after}`))
}

/**
 * What one step of a pattern matches: `*` any text, `?` one character, `[a-c]` and `[!a-c]` one of some. As in a shell, a
 * name that begins with a dot is matched only by a pattern that does.
 */
export function stepPattern(step: string): (name: string) => boolean {
  const fits = globPattern(step)
  return (name) => (!name.startsWith('.') || step.startsWith('.')) && fits(name)
}

/** One place of a pattern: any text, or whether one character fits. */
type Token = 'star' | ((character: string) => boolean)

/**
 * The same of a whole text, dots and slashes like any other character. In time proportional to text times pattern,
 * whatever the pattern: a regular expression of many stars may take for ever.
 */
export function globPattern(pattern: string): (text: string) => boolean {
  const tokens = tokensOf([...pattern])
  // A set that is none, such as [z-a].
  if (!tokens) return (text) => text === pattern
  return (text) => matches(tokens, [...text])
}

/** After a star, what follows is tried at each place; only the last star ever needs to take more. */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let [t, c] = [0, 0]
  let [star, from] = [-1, 0]
  while (c < characters.length) {
    const token = tokens[t]
    if (token === 'star') {
      ;[star, from] = [t, c]
      t += 1
    } else if (token?.(characters[c]!)) {
      t += 1
      c += 1
    } else if (star >= 0) {
      from += 1
      ;[t, c] = [star + 1, from]
    } else return false
  }
  while (tokens[t] === 'star') t += 1
  return t === tokens.length
}

/** Undefined where a set has a range from high to low. */
function tokensOf(pattern: readonly string[]): Token[] | undefined {
  const tokens: Token[] = []
  for (let i = 0; i < pattern.length; i += 1) {
    const character = pattern[i]!
    const end = character === '[' ? pattern.indexOf(']', i + 2) : -1
    if (end > 0) {
      const set = setOf(pattern.slice(i + 1, end))
      if (!set) return undefined
      tokens.push(set)
      i = end
    } else if (character === '*') tokens.push('star')
    else if (character === '?') tokens.push(() => true)
    else tokens.push((other) => other === character)
  }
  return tokens
}

function setOf(written: readonly string[]): Token | undefined {
  const isNegated = written[0] === '!' || written[0] === '^'
  const members = isNegated ? written.slice(1) : written
  const ranges: (readonly [number, number])[] = []
  for (let i = 0; i < members.length; i += 1) {
    const isRange = members[i + 1] === '-' && i + 2 < members.length
    const [low, high] = [members[i]!, members[isRange ? i + 2 : i]!].map((c) => c.codePointAt(0)!)
    if (low! > high!) return undefined
    ranges.push([low!, high!])
    if (isRange) i += 2
  }
  return (character) => {
    const point = character.codePointAt(0)!
    return ranges.some(([low, high]) => low <= point && point <= high) !== isNegated
  }
}
