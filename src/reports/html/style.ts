/**
 * The style of the report. `footer` stands at the foot of each printed page: the inside of a CSS string, escaped.
 * Colour tokens with their contrast on page and surface: text is at least 5.6 : 1, fills at least 3 : 1, light and dark.
 */
export function style(footer: string): string {
  return `${TOKENS}${BASE}${TABLES}${PARTS}${NARROW}${print(footer)}`;
}

const TOKENS = `
:root{color-scheme:light dark;
--page:light-dark(#fff,#14171b);--surface:light-dark(#f6f7f8,#1d2126);--text:light-dark(#1b1f24,#e6e9ec);--grey:light-dark(#59616b,#a2abb5);
--line:light-dark(#e1e4e8,#2c3238);--may:light-dark(#3f4fc4,#a3aeff);--may-fill:light-dark(#5866d8,#7d8bf0);
--can:light-dark(#8a5800,#eeb54a);--can-fill:light-dark(#b87c0c,#d99a1c);--does:light-dark(#0b6e63,#56cdbf);--does-fill:light-dark(#159a8b,#2aa897);
--bad:light-dark(#b3261e,#ff8f85);--hatch:light-dark(#8b949e,#6f7983);
--mono:ui-monospace,"SF Mono","Cascadia Mono","Segoe UI Mono","Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,monospace}
:root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}
`;

const BASE = `
*{box-sizing:border-box}
html{scroll-padding-top:16px;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;display:grid;grid-template-columns:176px minmax(0,1fr)}
main{padding:24px 32px 64px;max-width:1304px;min-width:0}
h1,h2,h3,h4,p,ul,ol,dl,dd,figure{margin:0;padding:0}
h1{font-size:24px;line-height:1.25}h1 span{font-weight:400;color:var(--grey)}
h2{font-size:18px;font-weight:600;margin-bottom:4px}
h3{font-size:14px;font-weight:600;margin:32px 0 8px}
h4{font-size:14px;font-weight:600}
main>section{margin-top:48px}#summary{margin-top:32px}
a{color:var(--may);text-underline-offset:2px;text-decoration-thickness:1px}
code{font-family:var(--mono);font-size:.93em;unicode-bidi:isolate;overflow-wrap:anywhere}
.js main code{cursor:copy}.js main a code,.js summary code{cursor:inherit}
ul,ol{list-style:none}
.hide{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.symbols{position:absolute}
.skip{position:absolute;left:-9999px}.skip:focus{left:16px;top:8px;background:var(--page);padding:8px;z-index:2}
:focus-visible{outline:2px solid var(--may-fill);outline-offset:2px;border-radius:2px}
time{white-space:nowrap}
.note{font-size:13px;color:var(--grey)}.crumb{font-size:13px;color:var(--grey);margin-bottom:4px}
.lead{color:var(--grey);max-width:84ch;margin-bottom:12px;text-wrap:pretty}
.empty{color:var(--grey);padding:12px 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
.none{color:var(--grey)}.bad{color:var(--bad);font-weight:600;white-space:nowrap}.warn{color:var(--can);font-weight:600}.good{color:var(--does);font-weight:600;white-space:nowrap}
.unknown{white-space:nowrap;color:var(--grey);padding:1px 5px;margin-left:-5px;background:repeating-linear-gradient(135deg,transparent 0 4px,color-mix(in srgb,var(--hatch) 28%,transparent) 4px 5px);-webkit-box-decoration-break:clone;box-decoration-break:clone}
.may-text{color:var(--may)}.does-text{color:var(--does)}
.sev{font-weight:600;white-space:nowrap;color:var(--grey)}.sev.critical,.sev.high{color:var(--bad)}.sev.medium{color:var(--can)}
.v{font-weight:600;font-size:13px;white-space:nowrap}.v.DEVIATES{color:var(--bad)}.v.CONFORMS{color:var(--does)}.v.UNDETERMINED{color:var(--grey)}
nav.contents{position:sticky;top:0;height:100vh;overflow:auto;padding:24px 16px;border-right:1px solid var(--line);display:flex;flex-direction:column;gap:2px}
nav.contents a{color:var(--grey);text-decoration:none;padding:5px 8px;border-radius:4px;font-size:13px}
nav.contents a:hover,nav.contents a.here{background:var(--surface);color:var(--text)}
nav.contents a.brand{color:var(--text);font-weight:700;font-size:14px;margin-bottom:12px}
nav.contents a.sub{padding-left:20px;font-size:12px;line-height:1.3}
button{font:inherit;color:var(--text);background:none;border:1px solid var(--line);border-radius:4px;padding:3px 10px;cursor:pointer}
button:hover{background:var(--surface)}button:disabled{color:var(--grey);cursor:default}
#theme{margin:16px 8px 0;align-self:flex-start;font-size:13px}
#toast{position:fixed;bottom:16px;right:16px;padding:6px 12px;border-radius:4px;background:var(--text);color:var(--page);font-size:13px;max-width:60vw;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}#toast:empty{display:none}
`;

const TABLES = `
table{border-collapse:collapse;width:100%;font-size:13px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;vertical-align:top;padding:7px 12px 7px 0;font-weight:400;overflow-wrap:break-word}
th:last-child,td:last-child{padding-right:0}
thead th{font-size:12px;color:var(--grey);border-bottom:1px solid var(--line);vertical-align:bottom;white-space:nowrap}
thead button{border:0;padding:0;border-radius:0;font-size:12px;color:inherit;white-space:nowrap}thead button:hover{background:none;color:var(--text);text-decoration:underline}
thead [aria-sort] button{color:var(--text);font-weight:600}
thead.again th{height:0;padding-top:0;padding-bottom:0;border:0;line-height:0;visibility:hidden}
tbody tr:first-child>*{border-bottom:1px solid var(--line)}
td:empty::before{content:"–";color:var(--grey)}td.count,th.count{text-align:right;white-space:nowrap}
.data{margin-top:8px}.data table{table-layout:fixed}
.part{content-visibility:auto;contain-intrinsic-size:auto 9000px}
.endpoints thead .endpoint{width:18%}.endpoints thead .can{width:100px}.endpoints thead .verdict{width:146px}.endpoints thead .since,.endpoints thead .review{width:90px}.endpoints thead .count{width:92px}
.findings thead .severity{width:104px}.findings thead .about{width:22%}.findings thead .rule{width:15%}.findings thead .since{width:104px}
.register thead .entry{width:16%}.register thead .may{width:11%}.register thead .review,.register thead .expires{width:100px}.register thead .count{width:72px}
td.can{font-size:12px}.findings td.about{padding-top:4px}.findings .about a{display:inline-block;padding:3px 0}td.may span{font-weight:400}th.endpoint code,th.entry b{font-weight:600}
.says{font-size:14px}.remedy{margin:2px 0}.command{background:var(--surface);padding:1px 4px;border-radius:3px}
.copy{display:none;border:0;padding:0 2px 0 6px;font-size:12px;color:var(--may)}.js .copy{display:inline}
details>summary{cursor:pointer;list-style-position:outside;margin-left:14px}summary::marker{color:var(--grey);font-size:11px}
tr.detail{display:none}tr.detail>td{padding:12px 0 24px 14px;border-bottom:1px solid var(--line)}
tbody:has(details[open]) tr.detail,tbody:target tr.detail,tbody.here tr.detail{display:table-row}
tbody:has(details[open])>tr:first-child>*{border-bottom:0}
tbody:target>tr:first-child,tbody.here>tr:first-child{background:var(--surface);box-shadow:-3px 0 var(--may-fill)}
.tools{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;margin-bottom:8px}.tools[hidden],.pager[hidden]{display:none}
input[type=search]{font:inherit;color:var(--text);background:var(--page);border:1px solid var(--hatch);border-radius:4px;padding:4px 8px;width:240px;max-width:100%}
input::placeholder{color:var(--grey);opacity:1}
.chips{display:flex;flex-wrap:wrap;gap:6px}
.chip{font-size:12px;padding:2px 8px;white-space:nowrap}.chip .n{color:var(--grey)}.chip[aria-pressed=true]{border-color:var(--may-fill);box-shadow:inset 0 0 0 1px var(--may-fill);background:var(--surface)}
.status{font-size:13px;color:var(--grey);margin-bottom:4px}
.pager{display:flex;gap:8px;align-items:center;font-size:13px;margin-top:12px;color:var(--grey)}
.exceptions td:nth-child(3){width:38%}.hosts th[scope=row]{width:22%}
`;

const PARTS = `
.facts,.truths dl,.control dl,.two,.wide-labels{display:grid;grid-template-columns:84px minmax(0,1fr);gap:4px 12px;font-size:13px}
dt{color:var(--grey)}dd{min-width:0;overflow-wrap:anywhere}dd .bad{white-space:normal}
.facts{margin-top:12px}.statement,.signatures{display:none}
.wide-labels{grid-template-columns:minmax(132px,max-content) minmax(0,1fr);align-items:baseline}.wide-labels dd a{display:inline-block;min-width:24px;padding:3px 0}
.state{font-size:20px;line-height:1.35;margin-bottom:4px}.state a{color:inherit;text-decoration-color:var(--hatch)}
.truths{display:grid;grid-template-columns:minmax(0,1fr) 104px minmax(0,1fr) 104px minmax(0,1.12fr);margin-top:4px}
.big-truths{margin-top:28px}.big-truths dl{grid-template-columns:minmax(36px,max-content) minmax(0,1fr)}.big-truths dt a{display:inline-block;min-width:24px;padding:2px 0}.big-truths :is(dd,dt:not(:has(a))){padding:2px 0}
.truths>div{border-top:3px solid;padding-top:6px;color:var(--text)}
.truths .may{border-color:var(--may-fill)}.truths .can{border-color:var(--can-fill)}.truths .does{border-color:var(--does-fill)}
.truths h3{margin:0;display:flex;justify-content:space-between;font-size:14px}
.may h3 b,.may .big{color:var(--may)}.can h3 b,.can .big{color:var(--can)}.does h3 b,.does .big{color:var(--does)}
.truths .big.none,.may.off .big,.may.off h3 b{color:var(--grey)}.truths .may.off{border-color:var(--hatch)}
.big{font-size:20px;font-weight:600;line-height:1.5;min-height:30px;overflow-wrap:anywhere}.big-truths .big{font-size:28px;line-height:1.5;min-height:42px}
.big sup{font-size:.6em;line-height:0}.big a{color:inherit;text-decoration:none}.big a:hover{text-decoration:underline}.big span{font-size:13px;font-weight:400;color:var(--grey)}
.big .unknown{font-size:20px;font-weight:600}
.truths .big .unknown{margin-left:0}
svg.reach{display:block;width:100%;height:24px;overflow:visible;margin-bottom:10px}.tick{font-size:11px;fill:var(--grey)}rect.track{fill:var(--surface)}
.may svg.reach{color:var(--may-fill)}.truths .off svg.reach{color:var(--hatch)}.can svg.reach{color:var(--can-fill)}.does svg.reach{color:var(--does-fill)}
svg.plain{height:6px;margin-bottom:14px}
div.track{height:6px;background:var(--surface);margin-bottom:28px}
.hatch{height:6px;margin-bottom:28px;background:repeating-linear-gradient(135deg,var(--hatch) 0 2px,transparent 2px 5px)}
.big-truths .hatch{margin-bottom:14px}
.gutter{border-top:1px dashed var(--hatch);margin:1px 12px 0;padding-top:34px;text-align:center;font-size:12px;color:var(--grey);line-height:1.35}
.gutter b{display:block;color:var(--bad);font-size:14px;font-weight:600}.big-truths .gutter b{font-size:20px}.gutter b a{color:inherit;text-decoration:none}.gutter b a:hover{text-decoration:underline}.gutter .q{color:var(--grey)}.gutter .ok{color:var(--does)}
.outcome{margin-top:12px;font-size:13px}.outcome p{margin-top:6px}
.plain li{padding:3px 0}.plain li+li{border-top:1px solid var(--line)}
.stack svg{display:block;width:100%}.stack figcaption{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:8px;font-size:13px}
.key{color:var(--text);text-decoration:none;white-space:nowrap}.key:hover{text-decoration:underline}.key svg{display:inline-block;width:10px;margin-right:2px}
.DEVIATES,.c-findings{fill:var(--bad)}.CONFORMS,.does-fill{fill:var(--does-fill)}.c-evidence{fill:var(--grey)}.UNDETERMINED,.c-stale{fill:url(#hatch)}.c-manual{fill:var(--line)}
.hatch-ground{fill:var(--page)}.hatch-line{fill:var(--hatch)}
.s-critical,.s-high{fill:var(--bad)}.s-medium{fill:var(--can-fill)}.s-low,.s-info{fill:var(--hatch)}
.halves{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 40px}
.bars>div{display:grid;grid-template-columns:88px minmax(0,1fr) 64px;align-items:center;gap:8px;padding:3px 0;font-size:13px}
.traffic{margin:18px 0 6px;max-width:960px}.traffic figure{margin:8px 0}svg.quarters{display:block;width:100%;max-width:620px;height:34px}
.bars svg{display:block;width:100%;height:12px}.num{text-align:right}
.bars+.note{margin-top:6px}
.rules-first li{display:grid;grid-template-columns:88px minmax(0,1fr) max-content;gap:12px;padding:8px 0;border-top:1px solid var(--line)}.rules-first li:last-child{border-bottom:1px solid var(--line)}
.events li{display:grid;grid-template-columns:148px minmax(0,1fr);gap:12px;padding:4px 0;font-size:13px}.events li>span:first-child{color:var(--grey);white-space:nowrap}.events li>span{min-width:0;overflow-wrap:anywhere}
.framework{margin-top:32px}.framework>h3{font-size:16px;margin:0 0 2px}.framework .stack,.framework-line+.stack{margin:8px 0 12px}
.outside-note{margin-top:12px}
.matrix{display:flex;flex-wrap:wrap;gap:0 14px;font-size:13px;padding:4px 0}.matrix a{display:inline-block;min-width:24px;padding:3px 0;text-decoration:none;white-space:nowrap}.matrix a:hover{text-decoration:underline}
a.c-findings,b.c-findings{color:var(--bad)}a.c-evidence,b.c-evidence{color:var(--text)}a.c-stale,b.c-stale,a.c-manual,b.c-manual{color:var(--grey)}
.control{padding:16px 0;border-top:1px solid var(--line)}.matrix+.control{margin-top:16px}.control h4{margin-bottom:6px}.control h4 span{font-weight:400}.control h4 em{font-style:normal;font-weight:400;font-size:12px;color:var(--grey);border:1px solid var(--line);border-radius:4px;padding:1px 6px;margin-left:6px;white-space:nowrap}
.control dl{align-items:baseline}.control:target{box-shadow:-12px 0 var(--page),-15px 0 var(--may-fill)}
.problems{margin:12px 0 20px}.problems h3{margin-top:0}
.two{grid-template-columns:84px minmax(0,1fr) 84px minmax(0,1fr)}
.rule-list,.method{display:grid;grid-template-columns:112px minmax(0,84ch);font-size:13px}.rule-list>*,.method>*{padding:10px 0;border-top:1px solid var(--line)}
`;

/** Narrow rows hold every cell: those of weight first, then the others on further lines, each with its label. */
const NARROW = `
@media screen and (max-width:1240px){
.data table,.data thead,.data tbody,.data tbody>tr.detail>td{display:block}
.data thead{display:none}.js .data thead{display:block}.js .data thead.again{display:none}
.data thead tr{display:flex;flex-wrap:wrap;gap:0 14px;padding:0;border-bottom:1px solid var(--line)}.data thead tr::before{content:"Sort by";font-size:12px;line-height:25px;color:var(--grey)}
.data thead th{width:auto!important;padding:0;border:0}.data thead button{padding:4px 0}.data tbody>tr:first-child>td:not(.finding) a{display:inline-block;padding:3px 0}
.data tbody>tr:first-child{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 20px;padding:8px 0;border-bottom:1px solid var(--line)}
.data tbody>tr:first-child>*{border:0;padding:0;order:3;text-align:left}
.data tbody>tr:first-child>td:empty,.data tr:first-child br{display:none}
.data tbody>tr:first-child>td::before{color:var(--grey);font-size:12px;margin-right:5px}
.data tbody:has(details[open]) tr.detail,.data tbody:target tr.detail,.data tbody.here tr.detail{display:block}
.data tbody>tr:first-child>:is(.endpoint,.entry){flex:1 1 calc(100% - 320px);order:0}
.data tbody>tr:first-child>:is(.verdict,.approval){order:1;flex:0 0 124px}.endpoints tbody>tr:first-child>.count{order:2;flex:0 0 144px;text-align:right}.endpoints td.count::before{content:"findings"}.data td .unknown{margin-left:0}
.findings tbody>tr:first-child>.severity{flex:1;order:0}.findings tbody>tr:first-child>.finding{flex:1 1 100%}
.endpoints td.service::before{content:"service"}.data td.owner::before{content:"owner"}.data td.may::before{content:"may"}.endpoints td.can::before{content:"can"}.endpoints td.does::before{content:"does"}.endpoints td.since::before{content:"open since"}.data td.review::before{content:"review due"}
.findings td.about::before{content:"about"}.findings td.rule::before{content:"rule"}.findings td.since::before{content:"first seen"}
.register td.ports::before{content:"ports"}.register td.hosts::before{content:"hosts"}.register td.expires::before{content:"expires"}.register td.count::before{content:"endpoints"}
td.can{font-size:13px}
}
@media screen and (max-width:1100px){
tr.detail .truths{display:block}tr.detail .truths>div{margin-top:12px}tr.detail .gutter{border:0;margin:0;padding:6px 0;text-align:left}.gutter:empty{display:none}tr.detail .gutter b{display:inline;font-size:14px}
.two{grid-template-columns:84px minmax(0,1fr)}
}
@media screen and (max-width:760px){
body{display:block}main{padding:16px 16px 48px}
.truths{display:block}.truths>div{margin-top:12px}.gutter{border:0;margin:0;padding:6px 0;text-align:left}.big-truths .gutter b{display:inline;font-size:14px}
nav.contents{position:static;height:auto;flex-flow:row wrap;padding:12px 8px;border-right:0;border-bottom:1px solid var(--line);gap:0}nav.contents a{white-space:nowrap;padding:6px 8px}nav.contents a.sub{display:none}nav.contents a.brand{width:100%;margin:0}#theme{position:absolute;top:10px;right:16px;margin:0}
.halves{display:block}.state{font-size:18px}
.data tbody>tr:first-child>:is(.endpoint,.entry){flex:1 1 100%}.data tbody>tr:first-child>:is(.verdict,.approval,.count){flex:0 1 auto}
.rules-first li{grid-template-columns:84px minmax(0,1fr);gap:2px 8px}.rules-first li>a{grid-column:2}
.events li{grid-template-columns:minmax(0,1fr);gap:0}
.plain-table,.plain-table tbody,.plain-table tr,.plain-table th,.plain-table td{display:block;padding:0}.plain-table thead{display:none}.plain-table tbody{padding:8px 0;border-bottom:1px solid var(--line)}.plain-table tbody tr>*{border:0;width:auto!important;text-align:left!important}
.rule-list,.method{display:block}.rule-list dd,.method dd{border:0;padding-top:0}.control h4 em{margin-left:0;display:inline-block}
.wide-labels{grid-template-columns:minmax(0,1fr);gap:0}.wide-labels dd{margin-bottom:4px}
input[type=search]{width:100%}
}
`;

/** A4, cover first, one control of the baseline to a page, heads of tables on each page, no row cut in two. */
function print(footer: string): string {
  return `
@page{size:A4;margin:16mm 16mm 20mm;@bottom-left{content:"${footer}";font:8pt system-ui,sans-serif;color:#59616b}@bottom-right{content:counter(page) " of " counter(pages);font:8pt system-ui,sans-serif;color:#59616b}}
@page :first{@bottom-left{content:""}@bottom-right{content:""}}
@page wide{size:A4 landscape}
@media print{
:root,:root[data-theme]{color-scheme:light}
body{display:block;font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{padding:0;max-width:none}
nav.contents,.tools,.pager,.copy,.skip,#toast,thead.again{display:none!important}
a{color:inherit;text-decoration:none}
.cover{height:250mm;display:flex;flex-direction:column;break-after:page}.cover h1{font-size:28pt;margin-top:40mm}.cover h1 span{display:block;font-size:16pt;margin-top:2mm}
.cover .facts{margin-top:16mm;font-size:11pt;grid-template-columns:30mm minmax(0,1fr);gap:3mm 4mm}.statement{display:block;margin-top:10mm;font-size:11pt}
.signatures{display:grid;grid-template-columns:1fr 60mm;gap:12mm 10mm;margin-top:auto}.signatures dt,.signatures dd{border-top:1px solid #59616b;padding-top:1mm;color:#59616b;font-size:9pt}
main>section{margin-top:0;break-before:page}#summary{break-before:auto}.wide{page:wide}
h2,h3,h4{break-after:avoid}h3{margin-top:5mm}.truths h3{margin-top:0}.state{font-size:14pt}.big-truths{margin-top:5mm}.rules-first li{padding:1.2mm 0}.events li{font-size:8.5pt;padding:.6mm 0;grid-template-columns:36mm minmax(0,1fr);gap:2mm}.note{font-size:8.5pt}td .note{white-space:normal}.bars>div{padding:1px 0}.stack,.framework-line{break-inside:avoid}.framework-line{break-after:avoid}.data table{font-size:8.5pt}table{font-size:9pt}.says{font-size:9.5pt}
thead{display:table-header-group}tbody,tr,li,.bars>div,.rule-list>*{break-inside:avoid}
.part{content-visibility:visible}
.print-detail tr.detail{display:table-row}tr.detail>td{padding:0 0 2mm}tbody>tr:first-child>*{padding-top:1.2mm;padding-bottom:1mm}
tr.detail .truths{grid-template-columns:minmax(0,1fr) 16mm minmax(0,.62fr) 16mm minmax(0,1.62fr);line-height:1.25}tr.detail .gutter{padding-top:5mm;font-size:7.5pt}tr.detail svg.reach{height:6px;margin-bottom:1.5mm;overflow:hidden}tr.detail :is(.hatch,div.track){margin-bottom:1.5mm}tr.detail h3{font-size:8.5pt}
.endpoints thead .endpoint{width:17%}.endpoints thead .can{width:20mm}.endpoints thead .verdict{width:31mm}.endpoints thead :is(.since,.review){width:20mm}.endpoints thead .count{width:21mm}.findings thead .severity{width:20mm}.findings thead .since{width:22mm}.register thead :is(.review,.expires){width:24mm}.register thead .count{width:17mm}
tr.detail .wide-labels{grid-template-columns:minmax(30mm,max-content) minmax(0,1fr)}.gutter{margin:1px 1mm 0;overflow-wrap:normal}.gutter b{font-size:9pt}.big-truths{grid-template-columns:minmax(0,1fr) 22mm minmax(0,1.2fr) 22mm minmax(0,1.1fr)}.big-truths dl{font-size:8.5pt;gap:1px 2mm;grid-template-columns:minmax(7mm,max-content) minmax(0,1fr)}tr.detail .big,tr.detail .big .unknown{font-size:11pt;min-height:0}tr.detail dl,.outcome{font-size:7.5pt;line-height:1.25;gap:0 3mm}tr.detail dl{grid-template-columns:15mm minmax(0,1fr)}tr.detail .two{grid-template-columns:18mm minmax(0,1fr) 18mm minmax(0,1fr)}.outcome{margin-top:1mm}.outcome p{margin-top:.6mm}.outcome .note{font-size:7.5pt}.outcome .remedy{margin:0}.plain li{padding:1px 0}svg.reach{margin-bottom:1mm}div.track,.hatch{margin-bottom:6mm}
td .v{font-size:8pt}thead button{display:none}thead th::before{content:attr(data-title)}.print-detail tbody>tr:first-child>*{border-bottom:0}
.data:not(.print-detail) tr.detail{display:none}
summary{list-style:none;margin-left:0!important}summary::marker{content:""}
.here>tr:first-child,tbody:target>tr:first-child{background:none!important;box-shadow:none!important}
.framework{break-before:page;margin-top:0}.framework:first-of-type{break-before:auto}
.control{break-before:page;break-inside:avoid-page;border:0}.control.outside{break-before:auto;break-inside:avoid;border-top:1px solid var(--line)}
.control:not(.outside)::after{content:"Assessor: determination, notes, date";display:block;margin-top:8mm;padding:1mm 0 12mm;border-top:1px solid #59616b;font-size:9pt;color:#59616b}
.control dl{font-size:10pt;grid-template-columns:26mm minmax(0,1fr);gap:3mm 4mm}.control h4{font-size:14pt;margin-bottom:4mm}.control.outside dl{font-size:9pt;gap:1mm 4mm}.control.outside h4{font-size:10.5pt}
#rules,#events,#method{break-before:page}
}
`;
}
