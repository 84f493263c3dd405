/** Text that is HTML already. Only this file makes it, so that whatever else gets into a page is escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What may stand in a template: text is escaped, lists are joined, nothing is written for undefined and false. */
export type Part = Html | string | number | false | undefined | readonly Part[]

/** HTML with everything that is put into it escaped: also in attributes, which have to be in double quotes. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => `${text}${textOf(parts[i - 1])}${string}`))
}

/** Text that is known to be HTML: drawings and styles that were made here. Never what a person has written. */
export function trusted(text: string): Html {
  return new Html(text)
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.text
  if (Array.isArray(part)) return part.map((one: Part) => textOf(one)).join('')
  return escapeHtml(String(part as string | number))
}

/** For text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return wellFormed(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}

/** Without what no page may have, control characters and halves of pairs: each becomes U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(
    /[\p{Surrogate}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/gu,
    '\ufffd',
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
