#include "head_internal.h"

#include "ezp2p/base/limits.h"

static const char *const field_names[EZ_FIELDS] = {
    [EZ_FIELD_AUTHORIZATION] = "authorization",
    [EZ_FIELD_CONTENT_ENCODING] = "content-encoding",
    [EZ_FIELD_CONTENT_LENGTH] = "content-length",
    [EZ_FIELD_CONTENT_TYPE] = "content-type",
    [EZ_FIELD_EXPECT] = "expect",
    [EZ_FIELD_HOST] = "host",
    [EZ_FIELD_LAST_EVENT_ID] = "last-event-id",
    [EZ_FIELD_ORIGIN] = "origin",
    [EZ_FIELD_SEC_FETCH_SITE] = "sec-fetch-site",
    [EZ_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
};

static ez_refusal malformed(const char *detail)
{
    return EZ_REFUSED(400, "request-malformed", detail);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_token_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(ez_span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_char(text.data[i])) {
            return false;
        }
    }
    return text.size > 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

ez_head_extent ez_head_find_end(const char *data, size_t size, size_t *scanned, size_t *end)
{
    for (size_t i = *scanned; i < size; i++) {
        bool after_cr = i > 0 && data[i - 1] == '\r';
        if (after_cr != (data[i] == '\n') ||
            (is_control(data[i]) && data[i] != '\r' && data[i] != '\n' && data[i] != '\t')) {
            return EZ_HEAD_BAD;
        }
        if (data[i] == '\n' && i >= 3 && memcmp(data + i - 3, "\r\n\r\n", 4) == 0) {
            *end = i + 1;
            return EZ_HEAD_WHOLE;
        }
    }
    *scanned = size;
    return EZ_HEAD_MORE;
}

/* The next line without its CR LF; false at the end of the head. */
static bool next_line(ez_span *line, ez_span *rest)
{
    const char *newline = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    if (newline == NULL) {
        return false;
    }
    size_t size = (size_t)(newline - rest->data);
    *line = (ez_span){rest->data, size > 0 ? size - 1 : 0};
    *rest = (ez_span){newline + 1, rest->size - size - 1};
    return true;
}

/* Cut `text` at the first `separator`: the piece before it, and what is behind it in *text. */
static bool cut(ez_span *piece, ez_span *text, char separator)
{
    const char *at = text->size > 0 ? memchr(text->data, separator, text->size) : NULL;
    if (at == NULL) {
        return false;
    }
    size_t size = (size_t)(at - text->data);
    *piece = (ez_span){text->data, size};
    *text = (ez_span){at + 1, text->size - size - 1};
    return true;
}

static ez_span trim(ez_span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* Methods are case-sensitive: "get" is another method, and one that nothing has. */
static ez_method method_of(ez_span text)
{
    static const struct {
        const char *name;
        ez_method method;
    } methods[] = {{"GET", EZ_METHOD_GET},
                   {"HEAD", EZ_METHOD_HEAD},
                   {"POST", EZ_METHOD_POST},
                   {"DELETE", EZ_METHOD_DELETE},
                   {"OPTIONS", EZ_METHOD_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text.size == strlen(methods[i].name) &&
            memcmp(text.data, methods[i].name, text.size) == 0) {
            return methods[i].method;
        }
    }
    return EZ_METHOD_OTHER;
}

static bool is_host_text(ez_span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_alnum(text.data[i]) && strchr("-._:[]", text.data[i]) == NULL) {
            return false;
        }
    }
    return text.size <= 300;
}

/* "/path?query", "http://host/path?query" or "*". */
static ez_refusal parse_target(ez_head *out, ez_span target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] < 0x21 || target.data[i] > 0x7e || target.data[i] == '#') {
            return malformed("the request target holds a character that must be percent-encoded");
        }
    }
    if (ez_span_starts(target, "http://")) {
        ez_span rest = {target.data + 7, target.size - 7};
        size_t size = 0;
        while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?') {
            size++;
        }
        out->host = (ez_span){rest.data, size};
        if (size == 0 || !is_host_text(out->host)) {
            return malformed("the host in the request target is not a host");
        }
        target = (ez_span){rest.data + size, rest.size - size};
    } else if (target.size == 1 && target.data[0] == '*' && out->method == EZ_METHOD_OPTIONS) {
        out->path = target;
        return EZ_NOT_REFUSED;
    } else if (target.size == 0 || target.data[0] != '/') {
        return malformed("the request target must start with a slash");
    }
    ez_span path = target;
    if (cut(&path, &target, '?')) {
        out->query = target;
    }
    out->path = path.size > 0 ? path : (ez_span){"/", 1};
    return EZ_NOT_REFUSED;
}

static ez_refusal parse_request_line(ez_head *out, ez_span line)
{
    ez_span method, target;
    if (!cut(&method, &line, ' ') || !is_token(method)) {
        return malformed("the request line must start with a method and one space");
    }
    out->method = method_of(method);
    if (!cut(&target, &line, ' ')) {
        return malformed("the request line must be: method, space, target, space, HTTP/1.1");
    }
    if (line.size != 8 || memcmp(line.data, "HTTP/", 5) != 0 || line.data[6] != '.' ||
        line.data[5] < '0' || line.data[5] > '9' || line.data[7] < '0' || line.data[7] > '9') {
        return malformed("the request line must end with HTTP/1.1 or HTTP/1.0");
    }
    if (line.data[5] != '1' || line.data[7] > '1') {
        return EZ_REFUSED(505, "http-version", "this server speaks HTTP/1.1 and HTTP/1.0");
    }
    out->minor = line.data[7] - '0';
    return parse_target(out, target);
}

/* A comma-separated list of options; only two of them mean something here. */
static void read_connection(ez_span list, bool *close, bool *keep_alive)
{
    while (list.size > 0) {
        ez_span option;
        if (!cut(&option, &list, ',')) {
            option = list;
            list.size = 0;
        }
        option = trim(option);
        *close |= ez_span_is(option, "close");
        *keep_alive |= ez_span_is(option, "keep-alive");
    }
}

typedef struct connection_options {
    bool close;
    bool keep_alive;
} connection_options;

static ez_refusal parse_field(ez_head *out, connection_options *options, ez_span line)
{
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return malformed("header lines must not be folded");
    }
    ez_span name;
    if (!cut(&name, &line, ':') || !is_token(name)) {
        return malformed("a header line must be a name, a colon right behind it, and a value");
    }
    for (size_t i = 0; i < line.size; i++) {
        if (is_control(line.data[i]) && line.data[i] != '\t') {
            return malformed("a header value holds a control character");
        }
    }
    ez_span value = trim(line);
    if (ez_span_is(name, "connection")) {
        read_connection(value, &options->close, &options->keep_alive);
        return EZ_NOT_REFUSED;
    }
    for (int i = 0; i < EZ_FIELDS; i++) {
        if (!ez_span_is(name, field_names[i])) {
            continue;
        }
        if (out->fields[i].data != NULL) {
            return malformed("a header that may stand only once stands twice");
        }
        out->fields[i] = value;
    }
    return EZ_NOT_REFUSED;
}

static bool parse_length(uint64_t *out, ez_span text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return text.size > 0 && text.size <= 18; /* 18 digits cannot overflow */
}

/* How long the body is: the question that smuggling is about. */
static ez_refusal parse_framing(ez_head *out)
{
    ez_span length = out->fields[EZ_FIELD_CONTENT_LENGTH];
    ez_span coding = out->fields[EZ_FIELD_TRANSFER_ENCODING];
    if (coding.data != NULL) {
        if (length.data != NULL) {
            return malformed("Content-Length and Transfer-Encoding exclude each other");
        }
        if (out->minor == 0) {
            return malformed("Transfer-Encoding needs HTTP/1.1");
        }
        if (!ez_span_is(coding, "chunked")) {
            return malformed("the only Transfer-Encoding known here is: chunked");
        }
        out->chunked = true;
    }
    if (length.data != NULL && !parse_length(&out->content_length, length)) {
        return malformed("Content-Length must be a number of bytes");
    }
    if (out->content_length > EZ_HTTP_BODY_BYTES_MAX) {
        return EZ_REFUSED(413, "body-too-large", "a request body is at most 1048576 bytes");
    }
    return EZ_NOT_REFUSED;
}

static ez_refusal parse_meaning(ez_head *out, const connection_options *options)
{
    ez_span host = out->fields[EZ_FIELD_HOST];
    if (host.data == NULL && out->minor == 1) {
        return malformed("an HTTP/1.1 request needs a Host header");
    }
    if (host.data != NULL && !is_host_text(host)) {
        return malformed("the Host header is not a host");
    }
    if (out->host.data == NULL) {
        out->host = host;
    }
    out->keep_alive = !options->close && (out->minor == 1 || options->keep_alive);
    ez_span expect = out->fields[EZ_FIELD_EXPECT];
    if (expect.data != NULL && !ez_span_is(expect, "100-continue")) {
        return EZ_REFUSED(417, "expectation", "the only expectation met here is 100-continue");
    }
    out->wants_100 = expect.data != NULL && out->minor == 1;
    return parse_framing(out);
}

ez_refusal ez_head_parse(ez_head *out, const char *data, size_t size)
{
    *out = (ez_head){.method = EZ_METHOD_OTHER, .minor = 1};
    ez_span rest = {data, size}, line = {NULL, 0};
    size_t scanned = 0, end = 0;
    if (ez_head_find_end(data, size, &scanned, &end) != EZ_HEAD_WHOLE || end != size) {
        return malformed("lines end with CR LF and hold no control characters");
    }
    if (!next_line(&line, &rest)) {
        return malformed("there is no request line");
    }
    ez_refusal refusal = parse_request_line(out, line);
    connection_options options = {false, false};
    for (size_t count = 0; refusal.status == 0 && next_line(&line, &rest) && line.size > 0;
         count++) {
        if (count == EZ_HTTP_FIELDS_MAX) {
            return EZ_REFUSED(431, "headers-too-large", "a request has at most 100 header fields");
        }
        refusal = parse_field(out, &options, line);
    }
    return refusal.status != 0 ? refusal : parse_meaning(out, &options);
}
