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
  let source = ''
  for (let i = 0; i < step.length; i += 1) {
    const end = step[i] === '[' ? step.indexOf(']', i + 2) : -1
    if (end > 0) {
      const set = step.slice(i + 1, end).replaceAll('\\', '\\\\')
      source += `[${set.replace(/^[!^]/, '^').replaceAll('[', '\\[')}]`
      i = end
    } else if (step[i] === '*') source += '.*'
    else if (step[i] === '?') source += '.'
    else source += step[i]!.replace(/[.+^${}()|[\]\\]/, '\\$&')
  }
  const pattern = compiled(`^${source}$`)
  return (name) => {
    if (name.startsWith('.') && !step.startsWith('.')) return false
    return pattern ? pattern.test(name) : name === step
  }
}

/** Undefined for a set that is none, such as `[z-a]`. */
function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'su')
  } catch {
    return undefined
  }
}
