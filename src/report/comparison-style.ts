import { variablesOf } from './comparison-palette.ts'

/** CSS of pages about more than one run. */
export const COMPARISON_STYLE = `
:root{${variablesOf('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variablesOf('dark')}}}
.side{display:inline-block;min-width:1.5em;padding:0 .3em;border-radius:4px;background:var(--raised);font-weight:600;text-align:center}
.side.a{color:var(--side-a)}
.side.b{color:var(--side-b)}
.judgement{margin:1.2rem 0 0;font-size:1.15rem;max-width:46rem}
.loud{border-left:4px solid var(--bad);padding-left:.8rem;font-weight:600}
.sides{margin-top:1.5rem}
.at{display:block;color:var(--muted);font-size:.8rem;overflow-wrap:anywhere}
h1 .side{margin:0 .2rem .25rem 0}
.scroll+.note{margin-top:.6rem}
td>code{overflow-wrap:anywhere}
.says{margin:.2rem 0 0;display:grid;gap:.2rem}
.says>div{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.45rem;align-items:baseline}
.says dt{font-size:.8rem}
.says dd{margin:0;overflow-wrap:anywhere}
.says small{display:block;color:var(--muted)}
.sign.good{color:var(--good)}
.sign.bad{color:var(--bad)}
.id{white-space:nowrap;color:var(--muted)}
.single{max-width:36rem}
.wide{display:none}
@media (min-width:48rem){.wide{display:block}.narrow{display:none}}
`.trim()
