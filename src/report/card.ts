import { markup, type Html, type Part } from './html.ts'
import type { Thumbnail } from './thumbnail.ts'

/** A picture with a few lines below it; without the picture, its name takes the place. */
export function card({
  picture,
  name,
  lines,
}: {
  readonly picture: Thumbnail | undefined
  /** The file. */
  readonly name: string
  readonly lines: readonly Part[]
}): Html {
  const file = name.slice(name.lastIndexOf('/') + 1)
  const shown = picture
    ? markup`<img src="${picture.uri}" width="${picture.width}" height="${picture.height}" alt="">`
    : markup`<span class="gone">no picture</span>`
  return markup`<li class="card"><div class="frame-of">${shown}</div>
${lines.map((line) => markup`<div>${line}</div>`)}<div class="file" title="${name}">${file}</div></li>`
}

export function cards(all: readonly Html[]): Html {
  return markup`<ul class="cards">${all}</ul>`
}
