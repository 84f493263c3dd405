import type { RunDiff } from '../../runs/diff/diff.ts'
import type { Side } from '../../runs/diff/side.ts'
import { visible } from '../../util/text.ts'
import { wrap } from '../../util/width.ts'
import { blocksOf, type DiffStyle } from './diff-tables.ts'
import { code, escaped } from './markdown.ts'

/** For people: the verdict, then a table for each thing that differs. */
export function diffText(diff: RunDiff, style: DiffStyle, width: number): string {
  const lines = (text: string) => wrap(visible(text), Math.min(width, 100))
  const blocks = blocksOf(diff, style, { format: 'text', width })
  const parts = blocks.map(({ title, text }) => `${title}\n${text}`)
  return [
    `A  ${sideText(diff.a)}\nB  ${sideText(diff.b)}\n`,
    `${lines(diff.verdict).join('\n')}\n`,
    ...parts,
    ...(diff.notes.length > 0 ? [`${diff.notes.flatMap(lines).join('\n')}\n`] : []),
  ].join('\n')
}

/** For a pull request: lists of pictures are folded. */
export function diffMarkdown(diff: RunDiff, style: DiffStyle): string {
  const blocks = blocksOf(diff, style, { format: 'md', width: Infinity })
  const parts = blocks.map(({ title, text, isLong }) =>
    isLong
      ? `<details><summary>${title}</summary>\n\n${text}\n</details>\n`
      : `### ${title}\n\n${text}`,
  )
  return [
    `**${escaped(diff.verdict)}**\n`,
    `A: ${code(sideText(diff.a))}, B: ${code(sideText(diff.b))}\n`,
    ...parts,
    ...diff.notes.map((note) => `${escaped(note)}\n`),
  ].join('\n')
}

function sideText({ title, record }: Side): string {
  return visible(record && record.status !== 'done' ? `${title} (${record.status})` : title)
}
