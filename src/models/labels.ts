import { failure } from '../util/diagnostic.ts'
import { countText, plural } from '../util/text.ts'

/** What networks trained on 1,001 classes call the first of them. */
export const BACKGROUND = 'background'

/**
 * ImageNet's names for a model of so many outputs: 1,000, or 1,001 with a background class before them.
 * Throws WRONG_VALUE for any other number; `model` is what messages call it.
 */
export async function imagenetLabels(outputs: number, model: string): Promise<readonly string[]> {
  const { IMAGENET_CLASSES } = await import('./imagenet-classes.ts')
  const names = IMAGENET_CLASSES.map((line) => line.slice(line.indexOf(' ') + 1))
  if (outputs === names.length + 1) return [BACKGROUND, ...names]
  return checkedLabels(names, outputs, { model, labels: 'ImageNet' })
}

/** One label a line, of the text of a file; white space around them and empty lines at the end do not count. */
export function parseLabels(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split('\n')
  return lines
    .map((line) => line.trim())
    .slice(0, lines.findLastIndex((line) => /\S/.test(line)) + 1)
}

/**
 * The labels, one for each output. One output (of a sigmoid) may stand for two classes. Throws WRONG_VALUE with both
 * numbers where they do not agree.
 */
export function checkedLabels(
  labels: readonly string[],
  outputs: number,
  { model, labels: source }: { readonly model: string; readonly labels: string },
): readonly string[] {
  if (labels.length === outputs || isBinary(labels, outputs)) return labels
  const message = `${source} has ${plural(labels.length, 'label')}, ${model} has ${plural(outputs, 'output')}`
  const background =
    Math.abs(labels.length - outputs) === 1 && outputs > 2
      ? `; a network with a background class has one label more, ${BACKGROUND} before the others`
      : ''
  throw failure('WRONG_VALUE', message, {
    hint: `name a file with ${countText(outputs)} lines, one for each output in its order${background}`,
  })
}

/** One output of a sigmoid stands for two classes: it is the second one's probability. */
export function isBinary(labels: readonly string[], outputs: number): boolean {
  return outputs === 1 && labels.length === 2
}
