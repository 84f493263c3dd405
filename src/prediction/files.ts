import type { Prediction } from './predict-pictures.ts'

/** Files with predictions, of an artifact and of a run. */
export const PREDICTION_FILES = { lines: 'predictions.jsonl', table: 'predictions.csv' } as const

/** A JSON object a line, one for each picture. */
export function predictionLines(predictions: readonly Prediction[]): string {
  return predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join('')
}

/** CSV (RFC 4180) with a row for each label of each picture. */
export function predictionCsv(predictions: readonly Prediction[]): string {
  const rows = predictions.flatMap(({ image, top }) =>
    top.map(({ label, index, probability }, i) => {
      return [quoted(image), i + 1, quoted(label), index, probability].join(',')
    }),
  )
  return ['image,rank,label,index,probability', ...rows, ''].join('\n')
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
