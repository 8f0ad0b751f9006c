/* ezsim replay: the record of a real node, or of a simulated one, run through the core again. */
#include "ezp2p/base/text.h"
#include "ezp2p/record/describe.h"
#include "ezp2p/record/replay.h"
#include "program.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct replay_options {
    const char *path;
    uint64_t from, until, link;
    bool timeline, json;
} replay_options;

typedef struct replay_run {
    replay_options options;
    FILE *file;
    uint64_t start_ms;
    ez_buffer line;
} replay_run;

static const char help[] =
    "Usage: ezsim replay FILE [--timeline] [--from STEP] [--until STEP] [--link ID] [--json]\n"
    "\n"
    "Runs the core through a record (ezp2p --record, ezsim run --record) and compares what comes\n"
    "out of it with what came out when it was recorded. A step is one event and what follows.\n"
    "  --timeline       a line for each event and each effect\n"
    "  --from STEP      show steps from this one on\n"
    "  --until STEP     stop after this step\n"
    "  --link ID        show what concerns this link only\n"
    "  --json           the result, and each line, as a JSON object\n"
    "  --help           this text\n"
    "\n"
    "Exit codes: 0 the same, 1 it differs, 2 usage or a damaged record.\n";

static bool parse_options(replay_options *out, int argc, char **argv)
{
    static const struct option names[] = {
        {"from", required_argument, NULL, 'f'}, {"until", required_argument, NULL, 'u'},
        {"link", required_argument, NULL, 'l'}, {"timeline", no_argument, NULL, 't'},
        {"json", no_argument, NULL, 'j'},       {NULL, 0, NULL, 0}};
    bool good = true;
    *out = (replay_options){.until = UINT64_MAX};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'f':
            good &= ez_program_number(&out->from, optarg, 0, UINT64_MAX);
            break;
        case 'u':
            good &= ez_program_number(&out->until, optarg, 0, UINT64_MAX);
            break;
        case 'l':
            good &= ez_program_number(&out->link, optarg, 1, UINT64_MAX);
            break;
        case 't':
            out->timeline = true;
            break;
        case 'j':
            out->json = true;
            break;
        default:
            return false;
        }
    }
    if (!good || argc - optind != 1) {
        return false;
    }
    out->path = argv[optind];
    return true;
}

/* ---- the timeline -----------------------------------------------------------------------------
 */

static double seconds(const ez_replay *replay)
{
    return (double)(ez_replay_now(replay).mono - ez_replay_began(replay).mono) / 1000;
}

static void put_json_text(ez_buffer *out, const void *text, size_t size)
{
    const uint8_t *bytes = text;
    ez_buffer_add_u8(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            ez_buffer_add_u8(out, '\\');
        }
        if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
            ez_buffer_printf(out, "\\u%04x", bytes[i]);
        } else {
            ez_buffer_add_u8(out, bytes[i]);
        }
    }
    ez_buffer_add_u8(out, '"');
}

static bool is_shown(const replay_run *run, const ez_replay *replay, ez_link_id link)
{
    const replay_options *options = &run->options;
    return options->timeline && ez_replay_number(replay) >= options->from &&
           (options->link == 0 || options->link == link.value);
}

/* One line; what it says is in run->line. */
static void show(replay_run *run, const ez_replay *replay, const char *kind)
{
    ez_buffer line = {0};
    if (run->options.json) {
        ez_buffer_printf(&line, "{\"step\":%" PRIu64 ",\"s\":%.3f,\"kind\":\"%s\",\"text\":",
                         ez_replay_number(replay), seconds(replay), kind);
        put_json_text(&line, run->line.data, run->line.size);
        ez_buffer_add_text(&line, "}\n");
    } else if (strcmp(kind, "event") == 0) {
        ez_buffer_printf(&line, "%8" PRIu64 " %+11.3f  %.*s\n", ez_replay_number(replay),
                         seconds(replay), (int)run->line.size, (const char *)run->line.data);
    } else {
        ez_buffer_printf(&line, "%20s  > %.*s\n", "", (int)run->line.size,
                         (const char *)run->line.data);
    }
    ez_program_print(stdout, &line);
}

static void on_event(void *self, const ez_replay *replay, const ez_event *event)
{
    replay_run *run = self;
    if (is_shown(run, replay, event->link)) {
        run->line.size = 0;
        ez_describe_event(&run->line, event);
        show(run, replay, "event");
    }
}

static void on_effect(void *self, const ez_replay *replay, const ez_effect *effect)
{
    replay_run *run = self;
    if (is_shown(run, replay, effect->link)) {
        run->line.size = 0;
        ez_describe_effect(&run->line, effect);
        show(run, replay, "effect");
    }
}

/* ---- the result -------------------------------------------------------------------------------
 */

static const char *ending_text(const ez_replay *replay)
{
    switch (ez_replay_ending_of(replay)) {
    case EZ_REPLAY_CUT:
        return "the record ends after a whole step: the node was killed, or still runs";
    case EZ_REPLAY_CUT_IN_STEP:
        return "the record ends within this step: the node died in it";
    case EZ_REPLAY_CLOSED:
        break;
    }
    switch (ez_replay_closing(replay)) {
    case EZ_RECORD_END_STOPPED:
        return "the node stopped";
    case EZ_RECORD_END_FULL:
        return "the file was full; the next one goes on from a new start";
    case EZ_RECORD_END_FAILED:
        return "the node could not start";
    case EZ_RECORD_END_GIVEN_UP:
        return "files filled too fast to begin others; the node went on unrecorded";
    }
    return "";
}

static const char *result_text(ez_replay_result result)
{
    switch (result) {
    case EZ_REPLAY_SAME:
    case EZ_REPLAY_OVER:
        return "same";
    case EZ_REPLAY_DIFFERS:
        return "differs";
    case EZ_REPLAY_DAMAGED:
        return "damaged";
    }
    return "";
}

static void report_json(const replay_run *run, const ez_replay *replay, ez_replay_result result)
{
    ez_buffer out = {0};
    const char *why = result == EZ_REPLAY_SAME   ? "as far as asked"
                      : result == EZ_REPLAY_OVER ? ending_text(replay)
                                                 : ez_replay_why(replay);
    ez_buffer_add_text(&out, "{\"record\":");
    put_json_text(&out, run->options.path, strlen(run->options.path));
    ez_buffer_add_text(&out, ",\"program\":");
    put_json_text(&out, ez_replay_program(replay), strlen(ez_replay_program(replay)));
    ez_buffer_add_text(&out, ",\"commit\":");
    put_json_text(&out, ez_replay_commit(replay), strlen(ez_replay_commit(replay)));
    ez_buffer_printf(&out,
                     ",\"result\":\"%s\",\"steps\":%" PRIu64 ",\"effects\":%" PRIu64
                     ",\"seconds\":%.3f,\"digest\":\"%016" PRIx64 "\",\"why\":",
                     result_text(result), ez_replay_number(replay), ez_replay_effects(replay),
                     seconds(replay), ez_replay_digest(replay));
    put_json_text(&out, why, strlen(why));
    ez_buffer_add_text(&out, "}\n");
    ez_program_print(stdout, &out);
}

static void report_text(const replay_run *run, const ez_replay *replay, ez_replay_result result)
{
    uint64_t real_ms = ez_program_ms() - run->start_ms;
    switch (result) {
    case EZ_REPLAY_SAME:
    case EZ_REPLAY_OVER:
        printf("same: %" PRIu64 " steps, %" PRIu64 " effects, %.3f s in %.3f s, digest %016" PRIx64
               "\n",
               ez_replay_number(replay), ez_replay_effects(replay), seconds(replay),
               (double)real_ms / 1000, ez_replay_digest(replay));
        printf("end:  %s\n", result == EZ_REPLAY_SAME ? "as far as asked" : ending_text(replay));
        return;
    case EZ_REPLAY_DIFFERS:
        printf("differs at step %" PRIu64 ", %+.3f s: %s\n", ez_replay_number(replay),
               seconds(replay), ez_replay_why(replay));
        return;
    case EZ_REPLAY_DAMAGED:
        fprintf(stderr, "ezsim: %s: damaged behind step %" PRIu64 ": %s\n", run->options.path,
                ez_replay_number(replay), ez_replay_why(replay));
        return;
    }
}

static int report(const replay_run *run, const ez_replay *replay, ez_replay_result result)
{
    if (run->options.json) {
        report_json(run, replay, result);
    } else {
        report_text(run, replay, result);
    }
    fflush(stdout);
    switch (result) {
    case EZ_REPLAY_SAME:
    case EZ_REPLAY_OVER:
        return EXIT_SUCCESS;
    case EZ_REPLAY_DIFFERS:
        return EXIT_FAILURE;
    case EZ_REPLAY_DAMAGED:
        return EZSIM_EXIT_USAGE;
    }
    return EZSIM_EXIT_USAGE;
}

/* The core waits for an answer that is not there; to go on would be to make one up. */
static void on_stuck(void *self, const ez_replay *replay, ez_replay_result result)
{
    exit(report(self, replay, result));
}

/* ---- the run ----------------------------------------------------------------------------------
 */

static size_t read_file(void *self, void *out, size_t size)
{
    return fread(out, 1, size, self);
}

static void warn_of_commit(const ez_replay *replay)
{
    if (strcmp(ez_replay_commit(replay), ez_program_commit()) != 0) {
        char escaped[160];
        ez_text_escape(escaped, sizeof escaped, ez_replay_commit(replay),
                       strlen(ez_replay_commit(replay)));
        fprintf(stderr,
                "ezsim: recorded by commit %s, this is %s: they may differ for that reason\n",
                escaped, ez_program_commit());
    }
}

static void say_step(const void *self)
{
    const ez_replay *replay = self;
    fprintf(stderr, "ezsim: that was in step %" PRIu64 ", %+.3f s\n", ez_replay_number(replay),
            seconds(replay));
}

static int replay_file(replay_run *run)
{
    const ez_record_source source = {run->file, read_file};
    const ez_replay_watcher watcher = {run, on_event, on_effect, on_stuck};
    ez_replay *replay = ez_replay_new(&source, &watcher);
    ez_program_on_abort(say_step, replay);
    ez_replay_result result = ez_replay_step(replay);
    if (result == EZ_REPLAY_SAME) {
        warn_of_commit(replay);
    }
    while (result == EZ_REPLAY_SAME && ez_replay_number(replay) < run->options.until) {
        result = ez_replay_step(replay);
    }
    int code = report(run, replay, result);
    ez_program_on_abort(NULL, NULL);
    ez_replay_free(replay);
    ez_buffer_clear(&run->line);
    return code;
}

int ez_command_replay(int argc, char **argv)
{
    replay_run run = {.start_ms = ez_program_ms()};
    if (ez_program_wants_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_options(&run.options, argc, argv)) {
        fputs(help, stderr);
        return EZSIM_EXIT_USAGE;
    }
    run.file = fopen(run.options.path, "rb");
    if (run.file == NULL || ez_crypto_init() != EZ_OK) {
        fprintf(stderr, "ezsim: %s: %s\n", run.options.path, strerror(errno));
        return EZSIM_EXIT_USAGE;
    }
    int code = replay_file(&run);
    fclose(run.file);
    return code;
}
