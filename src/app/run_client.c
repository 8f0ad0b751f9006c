/* Sub-commands that ask a running node over REST and print its answer as it came.
 *
 * The node is the one whose data directory is named (its endpoints.json says where it listens), or
 * the one at --http. The token in the directory is shown to that node only, never to an address
 * that was typed in. */
#include "commands_internal.h"
#include "data_dir_internal.h"

#include "ezp2p/chain/types.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (8 * 1048576)
#define ANSWER_SECONDS   60 /* mining a block may take a while */

static const struct command {
    const char *name;
    const char *method;
    const char *path;
    size_t operand_count;
} commands[] = {
    {"status", "GET", "/v1/status", 0},
    {"peers", "GET", "/v1/peers", 0},
    {"mine", "GET", "/mine", 0},
    {"send", "POST", "/transactions/new", 3},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

bool ez_client_knows(const char *command)
{
    return find_command(command) != NULL;
}

static ez_exit_code fail(ez_exit_code code, const char *what, const char *reason)
{
    fprintf(stderr, "ezp2p: %s: %s\n", what, reason);
    return code;
}

/* ---- whom to ask ------------------------------------------------------------------------- */

struct target {
    ez_endpoint endpoint;
    char token[EZ_TOKEN_TEXT_BYTES]; /* "": none to show */
};

static void read_token(struct target *out, const char *data_dir)
{
    ez_buffer path = {0};
    ez_buffer_printf(&path, "%s/http-token", data_dir);
    ez_buffer_add_u8(&path, 0);
    FILE *file = fopen((const char *)path.data, "re");
    size_t size = file != NULL ? fread(out->token, 1, sizeof out->token - 1, file) : 0;
    out->token[size] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    if (strspn(out->token, "0123456789abcdef") != EZ_TOKEN_TEXT_BYTES - 1) {
        out->token[0] = '\0';
    }
    ez_buffer_clear(&path);
}

static bool find_target(struct target *out, const ez_options *options)
{
    memset(out, 0, sizeof *out);
    if (options->http_given) {
        out->endpoint = options->http;
        return options->http_on;
    }
    ez_buffer path = {0};
    ez_buffer_printf(&path, "%s/endpoints.json", options->data_dir);
    ez_buffer_add_u8(&path, 0);
    json_t *endpoints = json_load_file((const char *)path.data, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(endpoints, "http"));
    bool is_found = text != NULL && ez_endpoint_parse(&out->endpoint, text);
    if (is_found) {
        read_token(out, options->data_dir);
    }
    json_decref(endpoints);
    ez_buffer_clear(&path);
    return is_found;
}

static int connect_to(const ez_endpoint *endpoint)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    memcpy(&v6.sin6_addr, endpoint->ip, sizeof endpoint->ip);
    memcpy(&v4.sin_addr, endpoint->ip + 12, sizeof v4.sin_addr);
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int failed = is_v4 ? connect(fd, (const struct sockaddr *)&v4, sizeof v4)
                       : connect(fd, (const struct sockaddr *)&v6, sizeof v6);
    if (failed) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- question and answer ----------------------------------------------------------------- */

/* HTTP/1.0: the answer ends where the connection does, and is never chunked. */
static void build_request(ez_buffer *out, const struct command *command,
                          const struct target *target, const char *body)
{
    ez_buffer_printf(out, "%s %s HTTP/1.0\r\nHost: %s\r\n", command->method, command->path,
                     ez_endpoint_text(&target->endpoint).text);
    if (target->token[0] != '\0') {
        ez_buffer_printf(out, "Authorization: Bearer %s\r\n", target->token);
    }
    if (body != NULL) {
        ez_buffer_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                         strlen(body));
    }
    ez_buffer_printf(out, "\r\n%s", body != NULL ? body : "");
}

static bool exchange(int fd, const ez_buffer *request, ez_buffer *answer)
{
    for (size_t sent = 0; sent < request->size;) {
        ssize_t put = send(fd, request->data + sent, request->size - sent, MSG_NOSIGNAL);
        if (put < 0) {
            return false;
        }
        sent += (size_t)put;
    }
    while (answer->size < ANSWER_BYTES_MAX) {
        ssize_t got = recv(fd, ez_buffer_reserve(answer, 16384), 16384, 0);
        if (got <= 0) {
            ez_buffer_add_u8(answer, 0);
            return got == 0;
        }
        answer->size += (size_t)got;
    }
    errno = EMSGSIZE;
    return false;
}

static ez_exit_code tell(const ez_buffer *answer)
{
    const char *text = (const char *)answer->data, *end = strstr(text, "\r\n\r\n");
    int code = 0;
    if (end == NULL || sscanf(text, "HTTP/1.%*1d %3d", &code) != 1) {
        return fail(EZ_EXIT_FAILURE, "answer", "this is no HTTP server");
    }
    bool is_good = code >= 200 && code < 300;
    fputs(end + 4, is_good ? stdout : stderr);
    return is_good && fflush(stdout) == 0 ? EZ_EXIT_OK : EZ_EXIT_FAILURE;
}

/* ---- send -------------------------------------------------------------------------------- */

/* SENDER RECIPIENT AMOUNT as the original's JSON; NULL when they cannot be that. */
static char *entry_body(const char *const operands[3])
{
    const char *amount = operands[2];
    errno = 0;
    unsigned long long number = strtoull(amount, NULL, 10);
    if (amount[0] == '\0' || strspn(amount, "0123456789") != strlen(amount) || errno != 0 ||
        number > EZ_AMOUNT_MAX) {
        return NULL;
    }
    json_t *entry = json_pack("{s:s, s:s, s:I}", "sender", operands[0], "recipient", operands[1],
                              "amount", (json_int_t)number);
    char *body = json_dumps(entry, JSON_COMPACT);
    json_decref(entry);
    return body;
}

static ez_exit_code ask(const struct command *command, const struct target *target,
                        const char *body)
{
    ez_buffer request = {0}, answer = {0};
    int fd = connect_to(&target->endpoint);
    build_request(&request, command, target, body);
    ez_exit_code code =
        fd >= 0 && exchange(fd, &request, &answer)
            ? tell(&answer)
            : fail(EZ_EXIT_FAILURE, ez_endpoint_text(&target->endpoint).text, strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    ez_buffer_clear(&request);
    ez_buffer_clear(&answer);
    return code;
}

ez_exit_code ez_run_client(const ez_options *options)
{
    const struct command *command = find_command(options->command);
    struct target target;
    char *body = NULL;
    if (options->operand_count != command->operand_count) {
        return fail(EZ_EXIT_USAGE, command->name,
                    command->operand_count == 0 ? "takes options only"
                                                : "takes SENDER RECIPIENT AMOUNT");
    }
    if (command->operand_count > 0) {
        body = entry_body(options->operands);
        if (body == NULL) {
            return fail(EZ_EXIT_USAGE, command->name,
                        "names are UTF-8, the amount a whole number up to 2^53 - 1");
        }
    }
    ez_exit_code code =
        find_target(&target, options)
            ? ask(command, &target, body)
            : fail(EZ_EXIT_FAILURE, options->data_dir,
                   "no node runs there that serves REST; name one with --http or --data-dir");
    free(body);
    return code;
}
