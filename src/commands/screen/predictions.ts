import { predictionCsv } from '../../prediction/files.ts'
import type { Prediction, Ranked } from '../../prediction/predict-pictures.ts'
import { tableText, type Column, type TableFormat } from '../table-text.ts'

const COLUMNS: readonly Column<Prediction>[] = [
  { title: 'image', value: ({ image }) => image },
  { title: 'label', value: ({ top }) => top[0]?.label ?? '' },
  { title: 'probability', short: 'p', right: true, value: ({ top }) => shown(top[0]) },
  {
    title: 'then',
    value: ({ top }) =>
      top
        .slice(1)
        .map((one) => `${one.label} ${shown(one)}`)
        .join(', '),
  },
]

/** A row for each picture; CSV, which other programs read, has one for each label. */
export function predictionTable(
  predictions: readonly Prediction[],
  format: TableFormat,
  width?: number,
): string {
  if (format === 'csv') return predictionCsv(predictions)
  const isLong = predictions.some(({ top }) => top.length > 1)
  return tableText(isLong ? COLUMNS : COLUMNS.slice(0, -1), predictions, format, width)
}

function shown(ranked: Ranked | undefined): string {
  return ranked === undefined ? '' : ranked.probability.toFixed(4)
}
