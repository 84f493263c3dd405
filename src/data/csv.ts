import { failure } from '../util/diagnostic.ts'

export interface CsvRecord {
  readonly fields: readonly string[]
  /** 1-based line on which the record begins. */
  readonly line: number
}

/**
 * RFC 4180: commas, double quotes (doubled inside a quoted field), records ended by LF or CRLF. A byte order
 * mark and empty lines are passed over. Throws BAD_TABLE with a position for a quote out of place or not closed.
 */
export function parseCsv(text: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = []
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let lineStart = position
  let line = 1
  const at = (index: number) => ({ file, line, col: index - lineStart + 1 })
  const quoted = (): string => {
    const opened = at(position)
    let value = ''
    for (;;) {
      const close = text.indexOf('"', position + 1)
      if (close < 0) {
        throw failure('BAD_TABLE', 'a quoted field is not closed', {
          at: opened,
          hint: 'end it with ", and write a " inside it as ""',
        })
      }
      const part = text.slice(position + 1, close)
      for (let nl = part.indexOf('\n'); nl >= 0; nl = part.indexOf('\n', nl + 1)) {
        line += 1
        lineStart = position + 2 + nl
      }
      value += part
      position = close + 1
      if (text[position] !== '"') return value
      value += '"'
    }
  }
  while (position < text.length) {
    const fields: string[] = []
    const started = line
    for (;;) {
      if (text[position] === '"') {
        fields.push(quoted())
        if (!/^(,|\r?\n|\r?$)/.test(text.slice(position, position + 2))) {
          throw failure('BAD_TABLE', 'something follows a quoted field', {
            at: at(position),
            hint: 'put the whole field into quotes, and write a " inside it as ""',
          })
        }
      } else {
        const end = endOfField(text, position)
        const value = text.slice(position, end)
        if (value.includes('"')) {
          throw failure('BAD_TABLE', 'a quote inside a field that is not quoted', {
            at: at(position + value.indexOf('"')),
            hint: 'put the whole field into quotes, and write a " inside it as ""',
          })
        }
        fields.push(value)
        position = end
      }
      if (text[position] !== ',') break
      position += 1
    }
    if (text[position] === '\r') position += 1
    position += 1
    if (fields.length > 1 || fields[0] !== '') records.push({ fields, line: started })
    line += 1
    lineStart = position
  }
  return records
}

function endOfField(text: string, start: number): number {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end += 1
  return text[end] !== ',' && text[end - 1] === '\r' && end > start ? end - 1 : end
}
