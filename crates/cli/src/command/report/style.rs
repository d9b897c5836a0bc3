//! The style sheet: light, dark, narrow, printed. Nothing is fetched.

pub(in crate::command) const CSS: &str = r#"
:root{--paper:#fbfaf7;--card:#fff;--ink:#1d2530;--soft:#5b6675;--line:#e2dfd8;--bar:#2f6f8f;--bar2:#c9783a;--bad:#b3362b;--good:#3c7d4f;--few:#b9b4a8}
@media(prefers-color-scheme:dark){:root{--paper:#14181d;--card:#1c2229;--ink:#e7e5df;--soft:#9aa5b1;--line:#2d353e;--bar:#6fb1d1;--bar2:#e0a06a;--bad:#ef8378;--good:#7cc191;--few:#525c66}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:1.2rem}
h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0 .2rem}
h2{font-size:1.2rem;margin:2.4rem 0 .4rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.3rem 0 .7rem;max-width:46rem}
.soft{color:var(--soft)}
.small{font-size:.85rem}
.phi{display:block;max-width:none;margin:0 0 1rem;padding:.55rem .8rem;border-radius:.5rem;border:1px solid var(--line);border-left:6px solid var(--good);background:var(--card);font-size:.92rem}
.phi.yes{border-left-color:var(--bad);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.7rem;margin:1.1rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
.tile b{display:block;font-size:1.55rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}
.kinds{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.3rem .9rem .9rem}
.kind{display:grid;grid-template-columns:13rem 1fr;gap:.2rem 1.2rem;align-items:end;padding:.65rem 0;border-top:1px solid var(--line)}
.kind:first-child{border-top:0}
.kind b{font-size:1.05rem}
.kind .paid{font-variant-numeric:tabular-nums}
.share{height:5px;background:var(--line);border-radius:3px;margin-top:.3rem;overflow:hidden}
.share i{display:block;height:100%;background:var(--bar2)}
.plot{position:relative;padding-top:1.15rem}
.plot svg{display:block;width:100%;height:58px;border-bottom:1px solid var(--soft)}
.plot em{position:absolute;top:0;right:0;font-style:normal;font-size:.75rem;color:var(--soft);background:var(--card);padding:0 .2rem}
.bar{fill:var(--bar)}
.few{fill:var(--few);opacity:.45}
.axis{position:relative;height:1.3rem;font-size:.75rem;color:var(--soft)}
.axis span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.axis span:first-child{transform:none}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:.82rem}
th,.whole{white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.ok{color:var(--good)}.wrong{color:var(--bad);font-weight:700}.warn{color:var(--bar2)}
details{background:var(--card);border:1px solid var(--line);border-radius:.5rem;margin:.35rem 0;break-inside:avoid}
summary{cursor:pointer;padding:.4rem .7rem;display:grid;grid-template-columns:15rem 8rem 1fr;gap:.7rem;align-items:center;overflow-wrap:anywhere}
summary .n{color:var(--soft);font-size:.88rem}
.strip{display:flex;height:14px;border-radius:3px;overflow:hidden;background:var(--line)}
.strip i{flex:1;background:var(--bar)}
.strip i.h{background:repeating-linear-gradient(45deg,var(--few) 0 2px,transparent 2px 5px)}
.cols{columns:3 15rem;column-gap:1.6rem;padding:.2rem .8rem .7rem;font-size:.84rem}
.col{break-inside:avoid;display:grid;grid-template-columns:1fr 3.6rem;gap:0 .5rem;padding:.12rem 0}
.col span{overflow-wrap:anywhere}
.col .share{grid-column:1/-1;margin:0;height:4px}
.col .share i{background:var(--bar)}
.scroll{overflow-x:auto}
ul{padding-left:1.2rem;max-width:46rem}li{margin:.25rem 0}
footer{margin:2.5rem 0 1rem;color:var(--soft);font-size:.85rem}
@media(max-width:640px){main{padding:.8rem}h1{font-size:1.35rem}.kind{grid-template-columns:1fr}summary{grid-template-columns:1fr auto}summary .strip{grid-column:1/-1}.tile b{font-size:1.25rem}.tiles{grid-template-columns:1fr 1fr}th,td{padding-right:.5rem}table{font-size:.85rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--bar:#2f6f8f;--bar2:#c9783a;--bad:#b3362b;--good:#3c7d4f;--few:#999}@page{margin:12mm}html{font-size:11px}main{max-width:none;padding:0}footer{margin:.8rem 0 0;break-before:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}h2{break-after:avoid}.kind,.tile,tr{break-inside:avoid}details::details-content{content-visibility:visible;height:auto}}
"#;
