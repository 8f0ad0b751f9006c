/* The page at /: what the node is doing, live, and the routes it has. One document, nothing from
 * elsewhere; its policy allows exactly this script and this style, by their hashes. */
#include "http_internal.h"

#include "ezp2p/crypto/sha256.h"

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1c2733;background:#fff}"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #e3e8ee;"
    "vertical-align:top}"
    "code,td.h{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}"
    ".dim{color:#6b7885}"
    "@media(prefers-color-scheme:dark){body{color:#d7dee6;background:#12181f}"
    "td,th{border-color:#2a333d}a{color:#7db7ff}}";

static const char script[] =
    "'use strict';\n"
    "const $=id=>document.getElementById(id);\n"
    "function row(cells){const r=document.createElement('tr');for(const c of cells){"
    "const d=document.createElement('td');d.textContent=c;if(/^[0-9a-f]{64}$/.test(c))"
    "d.className='h';r.append(d)}return r}\n"
    "function when(us){return new Date(us/1000).toLocaleString()}\n"
    "async function get(path){const a=await fetch(path);if(!a.ok)throw new Error(a.status);"
    "return a.json()}\n"
    "async function status(){const s=await get('/v1/status');"
    "$('status').replaceChildren(row(['node',s.node]),row(['network',s.network]),"
    "row(['height',s.tip.height]),row(['tip',s.tip.hash]),"
    "row(['peers',s.peers.inbound+' in, '+s.peers.outbound+' out']),"
    "row(['pool',s.mempool.count+' transactions, '+s.mempool.bytes+' bytes']),"
    "row(['syncing',s.syncing?'yes':'no']),row(['up',s.uptime_s+' s']),"
    "row(['version',s.version]))}\n"
    "async function blocks(){const b=await get('/v1/blocks?limit=10');"
    "$('blocks').replaceChildren(...b.blocks.reverse().map(x=>row([x.height,x.hash,"
    "when(x.timestamp)])))}\n"
    "let due=false;\n"
    "function soon(){if(due)return;due=true;setTimeout(async()=>{due=false;"
    "try{await status();await blocks();$('state').textContent='live'}"
    "catch(e){$('state').textContent='the node does not answer'}},250)}\n"
    "function note(kind,text){const l=$('events');l.prepend(row([new Date()"
    ".toLocaleTimeString(),kind,text]));while(l.rows.length>12)l.deleteRow(-1)}\n"
    "const source=new EventSource('/v1/events');\n"
    "source.onopen=soon;\n"
    "source.onerror=()=>{$('state').textContent='reconnecting'};\n"
    "for(const kind of ['block','reorg','transaction','peer'])"
    "source.addEventListener(kind,e=>{const d=JSON.parse(e.data);"
    "note(kind,kind==='block'?d.height+' '+d.hash:kind==='reorg'?d.depth+' blocks replaced, now '"
    "+d.height:kind==='transaction'?d.id:d.address+' '+d.state);soon()});\n"
    "setInterval(soon,5000);soon();\n";

static const char opening[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<title>ezp2p node</title><link rel=\"icon\" href=\"data:,\"><style>";
static const char middle[] =
    "</style></head><body><h1>ezp2p node <span class=\"dim\" id=\"state\">connecting</span></h1>"
    "<h2>Status</h2><table><tbody id=\"status\"></tbody></table>"
    "<h2>Latest blocks</h2><table><tbody id=\"blocks\"></tbody></table>"
    "<h2>Events</h2><table><tbody id=\"events\"></tbody></table>"
    "<h2>Routes</h2><table><tbody>\n";

static void add_hash(ez_buffer *out, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ez_hash hash;
    ez_sha256(&hash, data, size);
    ez_buffer_add_text(out, "'sha256-");
    for (size_t i = 0; i < EZ_HASH_BYTES; i += 3) { /* base64: 32 bytes end two into a group */
        unsigned group = (unsigned)hash.bytes[i] << 16 | (unsigned)hash.bytes[i + 1] << 8;
        bool whole = i + 2 < EZ_HASH_BYTES;
        group |= whole ? hash.bytes[i + 2] : 0;
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63], digits[group >> 6 & 63],
                        whole ? digits[group & 63] : '='};
        ez_buffer_add(out, four, sizeof four);
    }
    ez_buffer_add_text(out, "'");
}

static void add_route(ez_buffer *page, const ez_route *route)
{
    const char *method = route->method == EZ_METHOD_GET    ? "GET"
                         : route->method == EZ_METHOD_POST ? "POST"
                                                           : "DELETE";
    bool is_link = route->method == EZ_METHOD_GET && strchr(route->pattern, '{') == NULL &&
                   (route->flags & EZ_ROUTE_CHANGES) == 0;
    ez_buffer_printf(page, "<tr><td>%s</td><td><code>", method);
    if (is_link) {
        ez_buffer_printf(page, "<a href=\"%s\">%s</a>", route->pattern, route->pattern);
    } else {
        ez_buffer_add_text(page, route->pattern);
    }
    ez_buffer_printf(page, "</code></td><td>%s</td></tr>\n", route->summary);
}

void ez_page_build(ez_buffer *page, ez_buffer *policy)
{
    ez_buffer_add_text(page, opening);
    ez_buffer_add_text(page, style);
    ez_buffer_add_text(page, middle);
    for (size_t i = 0; i < ez_route_count; i++) {
        add_route(page, &ez_routes[i]);
    }
    ez_buffer_add_text(page, "</tbody></table><script>");
    ez_buffer_add_text(page, script);
    ez_buffer_add_text(page, "</script></body></html>\n");
    ez_buffer_add_text(policy,
                       "default-src 'none'; img-src data:; connect-src 'self'; script-src ");
    add_hash(policy, script, sizeof script - 1);
    ez_buffer_add_text(policy, "; style-src ");
    add_hash(policy, style, sizeof style - 1);
    ez_buffer_add_text(policy, "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    ez_buffer_add_u8(policy, '\0'); /* read as a string */
}
