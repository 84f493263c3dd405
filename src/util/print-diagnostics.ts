import { readFileSync } from 'node:fs'
import pc from 'picocolors'
import type { Diagnostic, Position } from './diagnostic.ts'
import { visible } from './text.ts'

export interface PrintOptions {
  /** Escape sequences for colours: only for a terminal. */
  readonly color: boolean
  /** Lines of a file, for code frames; by default read from the disk. Undefined: no frame. */
  readonly lines?: ((file: string) => readonly string[] | undefined) | undefined
}

/**
 * Diagnostics for people, one after the other with an empty line between: `file:3:1 CODE message`, the lines of the
 * file around it with a mark below the place, and the hint. Ends with a line break where there is anything.
 */
export function diagnosticsText(diagnostics: readonly Diagnostic[], options: PrintOptions): string {
  const lines = options.lines ?? fileLines()
  const colors = pc.createColors(options.color)
  return diagnostics.map((d) => `${one(d, lines, colors).join('\n')}\n`).join('\n')
}

/** Workflow commands of GitHub Actions, which show each diagnostic at its line of the pull request. */
export function annotationsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ severity, code, message, at, hint }) => {
      const place = at ? `file=${property(at.file)},line=${at.line},col=${at.col},` : ''
      const text = hint === undefined ? message : `${message}\n${hint}`
      return `::${severity ?? 'error'} ${place}title=${code}::${escaped(text)}\n`
    })
    .join('')
}

type Colors = ReturnType<typeof pc.createColors>

function one(
  { code, message, at, hint, severity }: Diagnostic,
  lines: (file: string) => readonly string[] | undefined,
  colors: Colors,
): string[] {
  const paint = severity === 'warning' ? colors.yellow : colors.red
  const place = at ? `${visible(at.file)}:${at.line}:${at.col} ` : ''
  const kind = severity === 'warning' ? 'warning: ' : ''
  const head = `${colors.bold(place)}${paint(code)} ${kind}${visible(message)}`
  const frame = at ? codeFrame(at, lines(at.file), colors, paint) : []
  return [
    head,
    ...frame,
    ...(hint === undefined ? [] : [`  ${colors.cyan('hint:')} ${visible(hint)}`]),
  ]
}

/** The line, one before and one after, and carets under the word at the column. */
function codeFrame(
  { line, col }: Position,
  lines: readonly string[] | undefined,
  colors: Colors,
  paint: (text: string) => string,
): string[] {
  if (lines?.[line - 1] === undefined) return []
  const width = String(line + 1).length
  const number = (n: number, mark: string): string =>
    colors.dim(`${mark} ${String(n).padStart(width)} |`)
  const row = (n: number, mark: string): string[] => {
    const text = lines[n - 1]
    if (text === undefined || (n !== line && text.trim() === '')) return []
    return [`${number(n, mark)} ${cut(text)}`.trimEnd()]
  }
  const word =
    /^(?:"[^"]*"|'[^']*'|[^\s,[\]{}:]+)/.exec(lines[line - 1]!.slice(col - 1))?.[0] ?? '^'
  const space = lines[line - 1]!.slice(0, col - 1).replace(/[^\t]/g, ' ')
  const below =
    col > WIDTH
      ? []
      : [
          `${colors.dim(`  ${' '.repeat(width)} |`)} ${space}${paint('^'.repeat(Math.max(1, Math.min(word.length, WIDTH - col))))}`,
        ]
  return [...row(line - 1, ' '), ...row(line, '>'), ...below, ...row(line + 1, ' ')]
}

/** Longer lines are cut: the frame is for orientation. */
const WIDTH = 120

function cut(line: string): string {
  return visible(line.length > WIDTH ? `${line.slice(0, WIDTH - 3)}...` : line)
}

function fileLines(): (file: string) => readonly string[] | undefined {
  const known = new Map<string, readonly string[] | undefined>()
  return (file) => {
    if (!known.has(file)) known.set(file, readLines(file))
    return known.get(file)
  }
}

function readLines(file: string): readonly string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    // A frame is a courtesy: the diagnostic itself says what is wrong.
    return undefined
  }
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
