import { markup, trusted, type Html } from './html.ts'
import { STYLE } from './style.ts'

/** A part of a page with a heading, and a place in its table of contents. */
export interface Section {
  /** Letters, digits and hyphens. */
  readonly id: string
  readonly title: string
  readonly body: Html
}

export interface PageBody {
  /** Before everything, where the page is one of many. */
  readonly top?: Html | undefined
  /** The first thing on the page, with its h1. */
  readonly header: Html
  readonly sections: readonly Section[]
  readonly footer: Html
}

export interface PageOptions extends PageBody {
  readonly title: string
  /** One sentence for who sees the page in a list. */
  readonly description: string
  /** CSS of this kind of page, behind that of all pages. */
  readonly style?: string
}

/** A whole page in one file: nothing is fetched and no script runs. */
export function page(options: PageOptions): Html {
  const { title, description, style } = options
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${description}">
<title>${title}</title>
<style>${trusted(STYLE)}${style !== undefined && trusted(style)}</style>
</head>
<body>
${pageBody(options)}
</body>
</html>
`
}

/** What stands in the body: the way past the contents, the contents, the parts. */
export function pageBody({ top, header, sections, footer }: PageBody): Html {
  return markup`<a class="skip" href="#content">To the content</a>
${top}<div class="frame">
${contents(sections)}
<main id="content" tabindex="-1">
${header}
${sections.map(titled)}
<footer>${footer}</footer>
</main>
</div>`
}

function titled({ id, title, body }: Section): Html {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`
}

function contents(sections: readonly Section[]): Html | false {
  if (sections.length < 2) return false
  return markup`<nav aria-label="Contents">
    <ul>
      ${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}
    </ul>
  </nav>`
}
