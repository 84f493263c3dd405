export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'tiff'

/** What the bytes say without decoding them: the size of the picture, or what is wrong with the file. */
export type PictureCheck =
  | { readonly format: PictureFormat; readonly width: number; readonly height: number }
  | { readonly problem: string }

/** One entry of the table in formats/table.ts. */
export interface FormatReader {
  readonly format: PictureFormat
  /** Lower case, with the dot. */
  readonly extensions: readonly string[]
  /** From the first bytes alone, whatever the file is called. */
  readonly sniff: (bytes: Buffer) => boolean
  /** Walks the file's structure to its end; never reads outside `bytes`, never throws. */
  readonly check: (bytes: Buffer) => PictureCheck
}

export function truncated(detail: string): { readonly problem: string } {
  return { problem: `truncated: ${detail}` }
}

export function sized(format: PictureFormat, width: number, height: number): PictureCheck {
  if (width < 1 || height < 1) return { problem: `a ${format} of ${width} x ${height} pixels` }
  return { format, width, height }
}
