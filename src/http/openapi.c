/* The OpenAPI document, written from the route table. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"

#include <stdlib.h>

static const char *method_key(ez_method method)
{
    switch (method) {
    case EZ_METHOD_GET:
        return "get";
    case EZ_METHOD_POST:
        return "post";
    case EZ_METHOD_DELETE:
        return "delete";
    case EZ_METHOD_HEAD:
    case EZ_METHOD_OPTIONS:
    case EZ_METHOD_OTHER:
        break;
    }
    return "head";
}

static void write_parameter(ez_json_writer *writer, const char *in, const char *name, size_t size)
{
    char text[64] = "";
    memcpy(text, name, size < sizeof text ? size : sizeof text - 1);
    ez_json_begin_object(writer, NULL);
    ez_json_text(writer, "in", in);
    ez_json_text(writer, "name", text);
    ez_json_bool(writer, "required", in[0] == 'p');
    ez_json_begin_object(writer, "schema");
    ez_json_text(writer, "type", "string");
    ez_json_end_object(writer);
    ez_json_end_object(writer);
}

static void write_parameters(ez_json_writer *writer, const ez_route *route)
{
    ez_json_begin_list(writer, "parameters");
    const char *open = strchr(route->pattern, '{');
    if (open != NULL) {
        write_parameter(writer, "path", open + 1, strcspn(open + 1, "}"));
    }
    for (const char *at = route->query; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        write_parameter(writer, "query", at, size);
        at += at[size] == ',' ? size + 1 : size;
    }
    ez_json_end_list(writer);
}

/* {"<type>":{"schema":{"type":"object"}}} */
static void write_content(ez_json_writer *writer, const char *type, const char *schema)
{
    ez_json_begin_object(writer, "content");
    ez_json_begin_object(writer, type);
    ez_json_begin_object(writer, "schema");
    ez_json_text(writer, "type", schema);
    ez_json_end_object(writer);
    ez_json_end_object(writer);
    ez_json_end_object(writer);
}

static const char *success_of(const ez_route *route)
{
    switch (route->method) {
    case EZ_METHOD_POST:
        return "201";
    case EZ_METHOD_DELETE:
        return "204";
    case EZ_METHOD_GET:
    case EZ_METHOD_HEAD:
    case EZ_METHOD_OPTIONS:
    case EZ_METHOD_OTHER:
        break;
    }
    return "200";
}

static void write_responses(ez_json_writer *writer, const ez_route *route)
{
    ez_json_begin_object(writer, "responses");
    ez_json_begin_object(writer, success_of(route));
    if (route->method != EZ_METHOD_DELETE) {
        bool is_json = strcmp(route->type, "application/json") == 0;
        write_content(writer, route->type, is_json ? "object" : "string");
    }
    ez_json_text(writer, "description", "done");
    ez_json_end_object(writer);
    ez_json_begin_object(writer, "default");
    write_content(writer, "application/problem+json", "object");
    ez_json_text(writer, "description", "a problem document (RFC 9457)");
    ez_json_end_object(writer);
    ez_json_end_object(writer);
}

static void write_operation(ez_json_writer *writer, const ez_route *route)
{
    ez_json_begin_object(writer, method_key(route->method));
    write_parameters(writer, route);
    if (route->method == EZ_METHOD_POST) {
        ez_json_begin_object(writer, "requestBody");
        write_content(writer, "application/json", "object");
        ez_json_bool(writer, "required", true);
        ez_json_end_object(writer);
    }
    write_responses(writer, route);
    if ((route->flags & EZ_ROUTE_CHANGES) != 0) {
        ez_json_begin_list(writer, "security");
        ez_json_begin_object(writer, NULL);
        ez_json_end_object(writer);
        ez_json_begin_object(writer, NULL);
        ez_json_begin_list(writer, "token");
        ez_json_end_list(writer);
        ez_json_end_object(writer);
        ez_json_end_list(writer);
    }
    ez_json_text(writer, "summary", route->summary);
    ez_json_end_object(writer);
}

static int compare(const void *a, const void *b)
{
    const ez_route *const *left = a;
    const ez_route *const *right = b;
    int order = strcmp((*left)->pattern, (*right)->pattern);
    return order != 0 ? order : strcmp(method_key((*left)->method), method_key((*right)->method));
}

static void write_paths(ez_json_writer *writer)
{
    const ez_route **sorted = ez_alloc(ez_route_count, sizeof *sorted);
    for (size_t i = 0; i < ez_route_count; i++) {
        sorted[i] = &ez_routes[i];
    }
    qsort(sorted, ez_route_count, sizeof *sorted, compare);
    ez_json_begin_object(writer, "paths");
    for (size_t i = 0; i < ez_route_count; i++) {
        bool opens = i == 0 || strcmp(sorted[i - 1]->pattern, sorted[i]->pattern) != 0;
        bool closes =
            i + 1 == ez_route_count || strcmp(sorted[i + 1]->pattern, sorted[i]->pattern) != 0;
        if (opens) {
            ez_json_begin_object(writer, sorted[i]->pattern);
        }
        write_operation(writer, sorted[i]);
        if (closes) {
            ez_json_end_object(writer);
        }
    }
    ez_json_end_object(writer);
    free(sorted);
}

void ez_openapi_build(ez_buffer *out, const char *version)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_begin_object(&writer, "components");
    ez_json_begin_object(&writer, "securitySchemes");
    ez_json_begin_object(&writer, "token");
    ez_json_text(&writer, "description", "asked for when the node listens beyond loopback");
    ez_json_text(&writer, "scheme", "bearer");
    ez_json_text(&writer, "type", "http");
    ez_json_end_object(&writer);
    ez_json_end_object(&writer);
    ez_json_end_object(&writer);
    ez_json_begin_object(&writer, "info");
    ez_json_text(&writer, "title", "ezp2p");
    ez_json_text(&writer, "version", version);
    ez_json_end_object(&writer);
    ez_json_text(&writer, "openapi", "3.0.3");
    write_paths(&writer);
    ez_json_end_object(&writer);
    ez_buffer_add_u8(&writer.out, '\n');
    *out = writer.out;
}
