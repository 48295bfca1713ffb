/*
 * html_style.h - the style sheet of the HTML reports and the hash under which their Content-Security-Policy lets it
 * pass.
 *
 * Whoever changes the sheet changes the hash: SHA-256 of the text between <style> and </style>, in Base64. A test
 * compares them.
 */
#ifndef NSF_REPORT_HTML_STYLE_H
#define NSF_REPORT_HTML_STYLE_H

#define NSF_HTML_STYLE_HASH "PjsvD7EMlz7+3XOAwCd4sjOtFbosYz3OP0UsvAn/CzA="

#define NSF_HTML_STYLE                                                                                                 \
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5c6670;--line:#d8dee4;--card:#f6f8fa;"               \
    "--bad:#b42318;--warn:#8a5300;--good:#11703a;--bar:#b9c4d0;--mail:#2463c4;--link:#1d5bbf}"                         \
    "@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e4e8ec;--soft:#9aa6b2;--line:#323a44;--card:#1c2229;"  \
    "--bad:#ff8a7a;--warn:#f0b357;--good:#63cf8f;--bar:#47525e;--mail:#6ea8ff;--link:#7db3ff}}"                        \
    "*{box-sizing:border-box}"                                                                                         \
    "body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}"                           \
    "main{max-width:84rem;margin:0 auto;padding:1.5rem 1rem 3rem}"                                                     \
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .5rem}"                \
    "h3{font-size:1rem;margin:1.5rem 0 .4rem}a{color:var(--link)}"                                                     \
    "p{margin:.4rem 0}.soft{color:var(--soft)}"                                                                        \
    "dl{display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:.15rem 1rem;margin:.5rem 0}"                       \
    "dt{font-weight:600}dt.detail{font-weight:400;color:var(--soft);padding-left:.8rem}dd{margin:0}"                   \
    "dd.grave,.bad{color:var(--bad)}.warn{color:var(--warn)}.good{color:var(--good)}"                                  \
    "dd,td,h2,h3{overflow-wrap:anywhere}"                                                                              \
    ".card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;margin:.8rem 0}" \
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.92rem}"               \
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line)}"                \
    "th{color:var(--soft);font-weight:600;white-space:nowrap}"                                                         \
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.a{min-width:12rem}"                   \
    "td.w{min-width:12rem}.nw{white-space:nowrap}"                                                                     \
    ".badge{display:inline-block;border:1px solid currentColor;border-radius:1rem;padding:0 .6rem;font-size:.82rem;"   \
    "font-weight:600;white-space:nowrap}"                                                                              \
    "code{font-family:ui-monospace,monospace;font-size:.92em}"                                                         \
    "svg{display:block;width:100%;height:auto;max-width:60rem}.bar{fill:var(--bar)}.mail{fill:var(--mail)}"            \
    ".axis{fill:var(--soft);font-size:11px}.key{display:inline-block;width:.8rem;height:.8rem;vertical-align:-.1rem}"  \
    ".key.all{background:var(--bar)}.key.of{background:var(--mail)}"                                                   \
    "ul.plain{list-style:none;margin:0;padding:0}"                                                                     \
    "@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}"                                    \
    "@media print{main{max-width:none}section{break-inside:avoid-page}}"

#endif
