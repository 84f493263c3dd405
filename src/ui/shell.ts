import { markup, trusted, type Html } from '../report/html.ts'
import { pageBody, type PageOptions } from '../report/page.ts'
import { STYLE } from '../report/style.ts'
import { digestOf } from '../util/digest.ts'
import { INDEX_PATH } from './paths.ts'
import { SCRIPT } from './script.ts'

/** A page of the server, before it is an answer. */
export interface LivePage extends PageOptions {
  /** The way from the list to here: what to call it, and where it is; the last one is this page. */
  readonly trail: readonly (readonly [label: string, path: string])[]
  /** Paths of pages: where one of these changes, so does this one. Without any it stays as it is. */
  readonly pages: readonly string[]
}

/** A page whose text is known, without what is its own at each answer. */
export interface MadePage {
  /** Equal for equal pages. */
  readonly version: string
  readonly text: (nonce: string) => string
  /** Without style and script, for a page that has them already. */
  readonly bare: string
}

export function makePage(page: LivePage): MadePage {
  const body = pageBody({ ...page, top: topOf(page) })
  const version = digestOf(`${page.title}\n${body.text}`).slice(7, 23)
  return {
    version,
    text: (nonce) => whole(page, body, version, nonce).text,
    bare: whole(page, body, version).text,
  }
}

/** Without a nonce neither style nor script. */
function whole(
  { title, description, pages, style: more }: LivePage,
  body: Html,
  version: string,
  nonce?: string,
): Html {
  const style =
    nonce !== undefined &&
    markup`<style nonce="${nonce}">${trusted(STYLE)}
${trusted(OWN_STYLE)}${more !== undefined && trusted(more)}</style>`
  const script =
    nonce !== undefined &&
    pages.length > 0 &&
    markup`<script nonce="${nonce}">${trusted(SCRIPT)}</script>`
  return markup`<!doctype html>
<html lang="en" data-version="${version}" data-pages="${pages.join(' ')}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${description}">
<title>${title}</title>
<link rel="icon" href="data:,">
${style}
</head>
<body>
${body}
${script}
</body>
</html>
`
}

function topOf({ trail, pages }: LivePage): Html {
  const steps = trail.map(([label, path], i) => {
    const isHere = i === trail.length - 1 && markup` aria-current="page"`
    return markup`<li><a href="${path}"${isHere}><bdi>${label}</bdi></a></li>`
  })
  const isList = trail.length === 0 && pages.length > 0 && markup` aria-current="page"`
  return markup`<header class="top">
<nav aria-label="Where this is"><ol><li><a href="${INDEX_PATH}"${isList}>Runs</a></li>${steps}</ol></nav>
${pages.length > 0 && markup`<p id="live" role="status"><noscript>Reload to see what is new.</noscript></p>`}
</header>
`
}

const OWN_STYLE = `
.top{max-width:60rem;margin:0 auto;padding:.7rem 1rem 0;display:flex;flex-wrap:wrap;gap:.1rem 1.5rem;justify-content:space-between;font-size:.9rem;color:var(--muted)}
.top nav{padding:0;position:static}
.top ol{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 0;margin:0;padding:0}
.top nav li{margin:0;overflow-wrap:anywhere}
.top nav li+li::before{content:'/';padding:0 .55rem}
.top a[aria-current]{color:var(--text)}
#live{margin:0}
#live[data-state]::before{content:'';display:inline-block;width:.5rem;height:.5rem;border-radius:50%;margin-right:.45rem;background:var(--good)}
#live[data-state=lost]::before,#live[data-state=gone]::before{background:var(--bad)}
.ask{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:end;margin:0 0 1.1rem;font-size:.9rem}
.ask div{display:grid;gap:.15rem;color:var(--muted)}
.ask .wide{flex:1 1 16rem}
.ask input,.ask select,.ask button{font:inherit;font-size:.95rem;color:var(--text);background:var(--page);border:1px solid var(--muted);border-radius:6px;padding:.35rem .6rem;min-width:0;width:100%}
.ask button{width:auto;cursor:pointer;background:var(--raised)}
.turn{display:flex;gap:1.2rem;margin-top:1rem;font-size:.9rem}
.alert{border-left:3px solid var(--bad);padding:.1rem 0 .1rem .8rem}
.list td,.list th{white-space:nowrap}
.pick{display:block;width:1.1rem;height:1.1rem;margin:0;accent-color:var(--accent)}
.list td:has(.pick){vertical-align:middle}
@media (min-width:72rem){.top{max-width:76rem;padding:.9rem 2rem 0}}
@media print{.top{display:none}}
`.trim()
