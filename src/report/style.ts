import { variables } from './palette.ts'

/** All of a page's CSS: narrow first, then wide, dark, and on paper. */
export const STYLE = `
:root{color-scheme:light dark;${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans',sans-serif;overflow-wrap:break-word}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
main:focus{outline:none}
.skip{position:absolute;left:-100vw;top:0;padding:.5rem 1rem;background:var(--page);z-index:2}
.skip:focus{left:0}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.frame{max-width:60rem;margin:0 auto;padding:0 1rem 3rem}
h1,h2,h3{line-height:1.25;text-wrap:balance;margin:0}
h1{font-size:1.5rem;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.25rem;letter-spacing:-.005em;margin-bottom:.9rem}
h3{font-size:1rem;margin:1.5rem 0 .6rem}
p{margin:0 0 .8rem;max-width:44rem}
.muted,figcaption small,.note{color:var(--muted)}
.note{font-size:.9rem}
code,pre,kbd{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;font-size:.86em}
bdi,td,th,dd{unicode-bidi:isolate}
.facts dd{overflow-wrap:anywhere}
section{padding-top:2.75rem}
nav{padding-top:1rem;font-size:.9rem}
nav ul{list-style:none;margin:0;padding:0 0 .35rem;display:flex;gap:1.1rem;overflow-x:auto;white-space:nowrap;scrollbar-width:thin}
nav a{color:var(--muted);text-decoration:none;display:inline-block;padding:.15rem 0}
nav a:hover{color:var(--text);text-decoration:underline}
header{padding-top:1.75rem}
.status{font-size:.85rem;color:var(--muted);margin:.35rem 0 0;display:flex;flex-wrap:wrap;gap:.1rem .9rem}
.status b{font-weight:600}
.done{color:var(--good)}.failed{color:var(--bad)}.interrupted,.running{color:var(--warn)}
.verdict{margin:1.5rem 0 0;display:flex;flex-wrap:wrap;gap:.35rem 1.25rem;align-items:center}
.verdict strong{font-size:3.25rem;font-weight:600;line-height:1.1;letter-spacing:-.03em;font-variant-numeric:tabular-nums;white-space:nowrap}
.verdict p{margin:0;font-size:1.1rem;flex:1 1 16rem}
.verdict small{display:block;color:var(--muted);font-size:.9rem}
.remark{margin:1.1rem 0 0}
.tags{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem;margin:.6rem 0 0;padding:0;font-size:.82rem}
.tags li{background:var(--raised);border-radius:4px;padding:.05rem .5rem;color:var(--muted)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,8rem),1fr));gap:.9rem 1.5rem;margin:1.5rem 0 0}
.facts dt{font-size:.8rem;color:var(--muted)}
.facts dd{margin:0;font-variant-numeric:tabular-nums}
.repeat{margin:1.5rem 0 0}
.repeat>p{margin:0 0 .3rem;font-size:.8rem;color:var(--muted)}
.command{display:block;background:var(--raised);border-radius:6px;padding:.6rem .8rem;overflow-x:auto;white-space:pre;user-select:all}
pre{background:var(--raised);border-radius:6px;padding:.8rem;overflow-x:auto;margin:.5rem 0;line-height:1.45;tab-size:2}
pre b{font-weight:400;color:var(--accent)}
.findings{margin:0;padding-left:1.15rem;max-width:46rem}
.findings li{margin:.3rem 0}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:.85rem;padding-bottom:.4rem}
th,td{padding:.32rem 1.1rem .32rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:500;color:var(--muted);font-size:.85rem;white-space:nowrap}
tbody th{font-weight:500}
.right{text-align:right;white-space:nowrap}
figure{margin:0;min-width:0}
figcaption{font-weight:500;margin-bottom:.35rem}
figcaption small{display:block;font-weight:400;font-size:.85rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:2rem}
.chart{display:block;width:100%;height:auto;font:11.5px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans',sans-serif;overflow:visible}
.chart text{white-space:pre}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;margin:0 0 .35rem;padding:0;font-size:.85rem;color:var(--muted)}
.stroke{display:inline-block;width:1.5rem;border-top:2.5px solid;vertical-align:middle;margin-right:.45rem}
.stroke.dashed{border-top-style:dashed}
ul.told{list-style:none;margin:0;padding:0;max-width:46rem}
.told li{border-left:3px solid var(--warn);padding:.1rem 0 .1rem .8rem;margin:0 0 .8rem}
.told code{color:var(--warn);margin-right:.4rem}
.problems li{border-color:var(--bad)}
.problems code{color:var(--bad)}
.told small{display:block;color:var(--muted);font-size:.9rem}
td:has(.bar){vertical-align:middle}
.bar{display:block;width:clamp(3rem,14vw,11rem);height:.55rem;border-radius:2px}
.bar i{display:block;height:100%;border-radius:2px}
fieldset.choice{border:0;margin:.2rem 0 .6rem;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem}
.choice label{cursor:pointer}
.choice input{accent-color:var(--accent);margin:0 .3rem 0 0}
.matrix>.scroll{padding-bottom:.3rem}
@supports selector(:has(*)){
.matrix:has([value=pictures]:checked)>.by-share,.matrix:has([value=share]:checked)>.by-pictures{display:none}
}
.overview{max-width:26rem;border:1px solid var(--line)}
.cards{list-style:none;margin:1rem 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:1.4rem 1.1rem;font-size:.88rem;line-height:1.4}
.card{min-width:0}
.frame-of{background:var(--raised);border-radius:6px;height:8.5rem;display:flex;align-items:center;justify-content:center;overflow:hidden;margin-bottom:.45rem}
.frame-of img{max-width:100%;max-height:100%;width:auto;height:auto;object-fit:contain}
.gone{color:var(--muted);font-size:.8rem}
.card b{font-weight:600}
.share{color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}
.file{color:var(--muted);font-size:.78rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;margin-top:.1rem}
.ranked{display:flex;justify-content:space-between;gap:.6rem}
.ranked>:first-child{min-width:0;overflow-wrap:anywhere}
.card .bar{width:100%;height:.25rem;margin:.1rem 0 .35rem}
.sheet{display:block;max-width:100%;height:auto;border-radius:4px}
.phase h3:first-child{margin-top:0}
.phase+.phase{margin-top:2rem}
.frozen{display:flex;height:.6rem;border-radius:3px;overflow:hidden;max-width:46rem;margin:.2rem 0 .8rem;background:var(--raised)}
.frozen i{flex-basis:0;min-width:0}
.frozen .cold{background:var(--line)}
.frozen .warm{background:var(--accent)}
.lines{margin:0;display:grid;gap:.25rem;font-size:.95rem}
.lines>div{display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.2rem 1rem}
.lines dt{color:var(--muted)}
.lines dd{margin:0;max-width:44rem;overflow-wrap:anywhere}
.more{margin-top:1.2rem}
details{margin-top:.6rem}
summary{cursor:pointer;color:var(--muted);font-size:.9rem;width:fit-content}
summary:hover{color:var(--text)}
details[open]>summary{margin-bottom:.5rem}
footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.85rem;color:var(--muted)}
@media (min-width:72rem){
.frame{max-width:76rem;display:grid;grid-template-columns:11rem minmax(0,1fr);gap:3.5rem;padding:0 2rem 4rem}
nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto;padding:2.35rem 0 2rem}
nav ul{display:block;white-space:normal}
nav li{margin:.1rem 0}
}
@media (max-width:34rem){th,td{padding-right:.7rem}.bars{display:none}.lines>div{grid-template-columns:1fr;gap:0}.lines>div+div{margin-top:.4rem}}
@media print{
@page{margin:15mm}
body{font-size:10.5pt}
.frame{display:block;max-width:none;padding:0}
nav,.skip{display:none}
.scroll,pre,.command{overflow:visible}
pre,.command{white-space:pre-wrap;overflow-wrap:anywhere}
section{padding-top:1.4rem}
h2,h3,figcaption,summary,caption{break-after:avoid}
figure,tr,li,.facts>div,.verdict,.card,table:not(.long){break-inside:avoid}
h2+p,h2+.note{break-after:avoid}
.choice{display:none}
thead{display:table-header-group}
details.printed::details-content{content-visibility:visible;display:block}
details.printed>summary{list-style:none}
details:not(.printed):not([open]){display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`.trim()
