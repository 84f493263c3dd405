import { visible } from '../../util/text.ts'

/** A name or a value, as it is. */
export function code(text: string): string {
  return text.includes('`') ? escaped(text) : `\`${text}\``
}

/** Text in which Markdown's own characters and HTML mean nothing. */
export function escaped(text: string): string {
  return visible(text).replace(/[\\`*_[\]<&]/g, (c) =>
    c === '<' ? '&lt;' : c === '&' ? '&amp;' : `\\${c}`,
  )
}
