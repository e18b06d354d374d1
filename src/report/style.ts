/** The one style sheet of every report. Colours are variables, so that charts follow dark mode and print. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#16191d;--soft:#5c646e;--line:#dfe3e8;--wash:#f6f7f9;--pass:#0b7a4b;--fail:#c0271d;--note:#8a5a00;
--a:#2458c5;--b:#b4460f;--c:#6b3fa0;--d:#0f7c86;--e:#7a6a00;--f:#a3195b;--other:#9aa4b2}
@media (prefers-color-scheme:dark){:root{--paper:#121417;--ink:#e8eaed;--soft:#9aa3ad;--line:#2d3239;--wash:#1a1d21;--pass:#4cc38a;--fail:#ff7b6e;--note:#e0b050;
--a:#85aaff;--b:#f5985f;--c:#c09cf0;--d:#5cc6d0;--e:#d3c24a;--f:#f086b4;--other:#5d6875}}
*{box-sizing:border-box}
h1,h3,p,li,figcaption,caption,.key{overflow-wrap:anywhere}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main,header,footer{max-width:66rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
footer{padding-top:1rem;padding-bottom:3rem;color:var(--soft);font-size:.875rem}
h1{font-size:clamp(1.6rem,1.1rem + 2.2vw,2.5rem);line-height:1.18;letter-spacing:-.018em;font-weight:650;margin:.6rem 0 .9rem;max-width:24em;text-wrap:balance}
h2{font-size:1.25rem;letter-spacing:-.01em;margin:3rem 0 .35rem}
h3{font-size:1rem;margin:1.6rem 0 .35rem}
p{margin:.4rem 0 .9rem;max-width:46em}
.eyebrow{color:var(--soft);font-size:.875rem;margin:0}
.lead{font-size:1.0625rem}
.soft{color:var(--soft);font-weight:400}
.verdict{display:inline-block;font-weight:700;letter-spacing:.06em;font-size:.8125rem;padding:.2em .75em;border:1.5px solid;border-radius:99px;margin-top:1.4rem}a.verdict{text-decoration:none}.verdicts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.4rem 0 1.1rem}.verdicts .verdict{margin:0}
.undecided{color:var(--ink)}.verdict.undecided{border-style:dashed}.pass{color:var(--pass)}.fail{color:var(--fail)}.note{color:var(--note)}
td.fail,td.pass,td.note{font-weight:600}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
pre{background:var(--wash);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem;margin:.4rem 0 1rem;white-space:pre-wrap;overflow-wrap:anywhere}
pre code{font-size:.8125rem}
ul{padding-left:1.2em;margin:.4rem 0 1rem}li{margin:.25rem 0;max-width:46em;overflow-wrap:anywhere}
.findings{border-left:3px solid var(--note);padding:.1rem 0 .1rem 1rem;margin:1.2rem 0}
.reasons{border-left:3px solid var(--fail);padding:.1rem 0 .1rem 1rem;margin:1.2rem 0}
.scroll{overflow-x:auto;margin:.6rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.4}
caption{text-align:left;color:var(--soft);padding:0 0 .5rem;font-size:.875rem}
th,td{text-align:right;padding:.42rem .55rem;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:baseline}
th{font-weight:600}th code,.sub{font-weight:500}thead th{color:var(--soft);font-weight:500;border-bottom-color:var(--soft)}
th:first-child:not(.sub){padding-left:0}th:last-child,td:last-child{padding-right:0}
th[scope=row],.text{text-align:left}
td.wrap,th.wrap{white-space:normal;overflow-wrap:anywhere;min-width:10em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.2rem;margin:.6rem 0 1.2rem;font-size:.9375rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.4rem 2rem;margin:1rem 0 1.4rem}
figure{margin:0;min-width:0}.figures.large{grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr))}
figcaption{font-size:.875rem;color:var(--soft);margin-top:.3rem}figcaption b{color:var(--ink);font-weight:600}
svg{display:block;width:100%;height:auto;overflow:hidden;font:11px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;font-variant-numeric:tabular-nums}
.figures:not(.large) svg{font-size:13px}svg text{fill:var(--soft)}svg .strong{fill:var(--ink)}
.axis{stroke:var(--soft);fill:none}.grid{stroke:var(--line);fill:none}.guide{stroke:var(--soft);stroke-dasharray:3 3;fill:none}
.limit{stroke:var(--ink);stroke-width:1.5;fill:none}
.dots{fill:none;stroke-linecap:round;stroke-width:4.5;stroke-opacity:.7}.curve{fill:none;stroke-width:1.75;stroke-linejoin:round}
.bar{stroke:none;fill-opacity:.85}
.s0{stroke:var(--a)}.s1{stroke:var(--b)}.s2{stroke:var(--c)}.s3{stroke:var(--d)}.s4{stroke:var(--e)}.s5{stroke:var(--f)}
.f0{fill:var(--a)}.f1{fill:var(--b)}.f2{fill:var(--c)}.f3{fill:var(--d)}.f4{fill:var(--e)}.f5{fill:var(--f)}
.cross{stroke:var(--fail);stroke-width:2.5;fill:none}svg .over,svg .fail{fill:var(--fail)}svg .note{fill:var(--note)}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.3rem 0;font-size:.8125rem}.key li{margin:0}
.key svg{display:inline-block;width:1.1rem;height:.7rem;vertical-align:baseline;margin-right:.4rem}
details{margin:.5rem 0 1.2rem}summary{cursor:pointer;color:var(--soft);font-size:.875rem}
button{font:inherit;font-size:.9375rem;color:var(--paper);background:var(--ink);border:0;border-radius:6px;padding:.55rem 1rem;cursor:pointer}
button:hover{opacity:.85}:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.drift{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem 2.5rem;align-items:center;margin:1.6rem 0 1rem}
.big{font-size:clamp(1.9rem,1.4rem + 2vw,2.75rem);line-height:1.1;letter-spacing:-.02em;font-weight:650;margin:0 0 .3rem}.unit{font-size:1rem;font-weight:400;letter-spacing:0;color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem 1.5rem;margin:1.6rem 0;padding:1rem 0;border:solid var(--line);border-width:1px 0}
.tiles div{min-width:0}.tiles dt{font-size:.8125rem}.tiles dd{font-size:1.125rem;font-weight:600}.tiles dd.soft{font-size:.8125rem;font-weight:400}
.checks{list-style:none;padding:0}.checks{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:.3rem 2.5rem}.checks li{margin:0}
.wide{max-width:44rem}.part{border-top:2px solid var(--line);margin-top:3.5rem}.part{padding-top:1.6rem}.part h2{font-size:1.5rem;line-height:1.25;max-width:26em;margin:1rem 0 .5rem}.part h3{font-size:1.125rem;margin:2.4rem 0 .35rem}h4{font-size:1rem;margin:1.6rem 0 .35rem}
.interval{fill:none;stroke-width:2;stroke:var(--ink)}.interval.pass{stroke:var(--pass)}.interval.fail{stroke:var(--fail)}.interval.note{stroke:var(--note)}
.mark{fill:var(--ink)}svg .mark.pass{fill:var(--pass)}.allowed{fill:var(--pass);fill-opacity:.13}
.band{stroke:none;fill-opacity:.3}.band.first{fill:var(--a)}.band.other{fill:var(--other);fill-opacity:.2}
.trace{fill:none;stroke-width:1.4;stroke-linejoin:round}.trace.first{stroke:var(--a)}.trace.modified{stroke:var(--b)}.trace.other{stroke:var(--other);stroke-width:.9}
.bond{stroke:var(--soft);stroke-linecap:round}.atom{stroke:var(--ink);stroke-width:.8}
.live-only,.plot{display:none}.live .live-only{display:revert}.live .plot{display:block}.live .still{display:none}
.run.both .columns{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:1.5rem 2.5rem;align-items:start}
.traces{display:grid;gap:1.1rem}.traces figcaption{margin:0 0 .2rem}.plot{cursor:crosshair}.hover{float:right;color:var(--ink)}
.marker{position:absolute;top:0;bottom:0;left:0;width:0;border-left:1.5px solid var(--ink);pointer-events:none}
.stage{max-width:30rem;position:sticky;top:1rem}.view{position:relative;aspect-ratio:1;max-height:70vh;background:var(--wash);border:1px solid var(--line);border-radius:8px;overflow:hidden;display:flex;align-items:center;cursor:grab}
.view:active{cursor:grabbing}.view.drawn>svg{display:none}
.live .controls{display:flex;gap:.8rem;align-items:center;margin:.7rem 0 .2rem}.controls button{min-width:5.5em}.controls input{flex:1;min-width:0;accent-color:var(--a)}
#readout{font-size:.875rem}button.quiet{color:var(--ink);background:var(--wash);border:1px solid var(--line);padding:.3rem .8rem;font-size:.8125rem}
.u-select{background:var(--a);opacity:.15}.u-cursor-x,.u-cursor-y{border-color:var(--soft)}
@media (max-width:48rem){.run.both .columns{grid-template-columns:minmax(0,1fr)}.stage{position:static;order:-1}.view{max-height:60vh}}
@media (max-width:40rem){header{padding-top:1.5rem}h2{margin-top:2.2rem}dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.5rem}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#ccc;--wash:#fff;--pass:#0b7a4b;--fail:#b0201a;--note:#7a5000;--a:#2458c5;--b:#b4460f;--c:#6b3fa0;--d:#0f7c86;--e:#6a5c00;--f:#a3195b;--other:#9aa4b2}
body{font-size:10pt}header{padding-top:0}main,header,footer{max-width:none;padding-left:0;padding-right:0}.screen,.live .live-only,.live .plot{display:none}.live .still{display:block}.view.drawn>svg{display:block}.view>canvas{display:none}.stage{position:static;order:0}.run.both .columns{grid-template-columns:3fr 2fr}.view{background:none;aspect-ratio:auto}.drift{grid-template-columns:1fr 1fr}figure,tr,pre,.findings,.reasons{break-inside:avoid}h2,h3,h2+p,.key{break-after:avoid}h2{margin-top:1.6rem}
.scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:.25rem .3rem}.figures{grid-template-columns:repeat(3,1fr);gap:1rem}.figures.large{grid-template-columns:1fr 1fr}.figures details,.figures summary{display:none}details::details-content{content-visibility:visible;display:block;height:auto}}
`.trim();
