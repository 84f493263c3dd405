import type { ImageFormat } from '../sniff.ts'

export type PictureFormat = ImageFormat

/** What the bytes say without decoding them: the size of the picture, or what is wrong with the file. */
export type PictureCheck =
  | { readonly format: PictureFormat; readonly width: number; readonly height: number }
  | { readonly problem: string }

/** One entry of the table in formats/table.ts. */
export interface FormatReader {
  readonly format: PictureFormat
  /** Lower case, with the dot. */
  readonly extensions: readonly string[]
  /** Of bytes that begin as the format does: walks their structure to its end; never reads outside `bytes`, never throws. */
  readonly check: (bytes: Buffer) => PictureCheck
}

export function truncated(detail: string): { readonly problem: string } {
  return { problem: `truncated: ${detail}` }
}

export function sized(format: PictureFormat, width: number, height: number): PictureCheck {
  if (width < 1 || height < 1) return { problem: `a ${format} of ${width} x ${height} pixels` }
  return { format, width, height }
}
