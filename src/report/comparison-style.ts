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
h1 .who{display:flex;gap:.5rem;align-items:baseline;font-size:1.3rem;text-wrap:wrap}
h1 .who+.who{margin-top:.3rem}
.scroll+.note{margin-top:.6rem}
td>code{overflow-wrap:anywhere}
.says{margin:.2rem 0 0;display:grid;gap:.2rem}
.says>div{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.45rem;align-items:baseline}
.says dt{font-size:.8rem}
.says dd{margin:0;overflow-wrap:anywhere}
.says small{display:block;color:var(--muted)}
.sign.good{color:var(--good)}
.sign.bad{color:var(--bad)}
.whole{white-space:nowrap}
.id{white-space:nowrap;color:var(--muted)}
@media print{.id{white-space:normal;font-size:.8em}td,th{padding-right:.7rem}}
.single{max-width:36rem}
.wide{display:none}
@media (min-width:40rem){.wide{display:block}.narrow{display:none}}
`.trim()
