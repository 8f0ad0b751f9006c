/* ezsim run: one scenario, by one seed, and how it went. */
#include "ezp2p/base/text.h"
#include "program.h"
#include "recording.h"
#include "run.h"
#include "series.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct run_options {
    const char *path;
    const char *data;               /* folder for the tables; NULL: none wanted */
    uint64_t seed;                  /* UINT64_MAX: as in the file */
    uint32_t nodes;                 /* 0: as in the file */
    const ez_relay_strategy *relay; /* NULL: as in the file */
    bool json, progress, share_checks;
    size_t record_node; /* 0: none */
    const char *record;
} run_options;

static const char help[] =
    "Usage: ezsim run FILE [--seed N] [--nodes N] [--relay NAME] [--data DIR] [--json]\n"
    "                      [--record NODE:OUT] [--progress] [--no-sig-cache]\n"
    "\n"
    "Runs the scenario in FILE (see docs/simulator.md) over a virtual network and checks it.\n"
    "  --seed N         of everything random; the same seed gives the same run\n"
    "                   (default: the file's, or 1)\n"
    "  --nodes N        instead of the file's number\n"
    "  --data DIR       write down there how it went over time, for simnet/plot.sh\n"
    "  --relay NAME     of all nodes, instead of the file's: tree, inv, flood or fanout\n"
    "  --record NODE:OUT  write down what this node takes in, for ezsim replay; its second life\n"
    "                   goes to OUT.2, and so on\n"
    "  --json           the report as one JSON object\n"
    "  --progress       say on standard error how far it is\n"
    "  --no-sig-cache   let every node verify every signature itself\n"
    "  --help           this text\n";

static bool parse_record(run_options *out, const char *text)
{
    char number[8];
    uint64_t node;
    const char *colon = strchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof number || colon[1] == '\0') {
        return false;
    }
    (void)snprintf(number, sizeof number, "%.*s", (int)(colon - text), text);
    if (!ez_program_number(&node, number, 1, EZ_SCENARIO_NODES_MAX)) {
        return false;
    }
    out->record_node = node;
    out->record = colon + 1;
    return true;
}

static bool parse_relay(run_options *out, const char *name)
{
    char shown[64];
    out->relay = ez_relay_find(name, strlen(name));
    if (out->relay == NULL) {
        ez_text_escape(shown, sizeof(shown), name, strlen(name));
        fprintf(stderr, "ezsim: no such relay strategy: `%s`\n", shown);
    }
    return out->relay != NULL;
}

static bool parse_options(run_options *out, int argc, char **argv)
{
    static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                          {"nodes", required_argument, NULL, 'n'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"no-sig-cache", no_argument, NULL, 'c'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"relay", required_argument, NULL, 'r'},
                                          {"record", required_argument, NULL, 'w'},
                                          {NULL, 0, NULL, 0}};
    uint64_t nodes = 0;
    bool good = true;
    *out = (run_options){.seed = UINT64_MAX, .share_checks = true};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 's':
            good &= ez_program_number(&out->seed, optarg, 0, UINT64_MAX - 1);
            break;
        case 'n':
            good &= ez_program_number(&nodes, optarg, 1, EZ_SCENARIO_NODES_MAX);
            break;
        case 'r':
            good &= parse_relay(out, optarg);
            break;
        case 'w':
            good &= parse_record(out, optarg);
            break;
        case 'j':
            out->json = true;
            break;
        case 'p':
            out->progress = true;
            break;
        case 'd':
            out->data = optarg;
            break;
        case 'c':
            out->share_checks = false;
            break;
        default:
            return false;
        }
    }
    out->nodes = (uint32_t)nodes;
    if (!good || argc - optind != 1) {
        return false;
    }
    out->path = argv[optind];
    return true;
}

/* A line each second at most, and never when nobody asked. */
static void show_progress(const run_options *options, const ez_run *run, uint64_t start_ms,
                          uint64_t *shown_ms)
{
    const ez_cost cost = ez_program_cost(start_ms);
    if (options->progress && cost.real_ms >= *shown_ms + 1000) {
        *shown_ms = cost.real_ms;
        fprintf(stderr, "ezsim: %.1f of %.0f s, %" PRIu64 " events, %" PRIu64 " MiB\n",
                (double)ez_world_now(run->world).mono / 1000,
                (double)run->scenario->duration_ms / 1000, ez_world_steps(run->world),
                cost.memory_kib / 1024);
    }
}

static void report(const run_options *options, const ez_run *run, const ez_cost *cost)
{
    ez_buffer text = {0};
    if (options->json) {
        ez_report_json(&text, run, cost, options->path, ez_program_commit());
    } else {
        ez_report_table(&text, run, cost);
    }
    ez_program_print(stdout, &text);
    if (run->failure_count > 0) {
        fprintf(stderr, "ezsim: FAILED with --seed %" PRIu64 ", commit %s:\n%.*s", run->seed,
                ez_program_commit(), (int)run->failures.size, (const char *)run->failures.data);
    }
}

static bool write_data(const run_options *options, const ez_run *run)
{
    if (options->data != NULL && ez_series_write(run->series, run, options->data) != EZ_OK) {
        fprintf(stderr, "ezsim: cannot write to %s: %s\n", options->data, strerror(errno));
        return false;
    }
    return true;
}

static void say_time(const void *self)
{
    const ez_run *const run = self;
    fprintf(stderr,
            "ezsim: that was at %.3f s of virtual time, event %" PRIu64 ", --seed %" PRIu64 "\n",
            (double)ez_world_now(run->world).mono / 1000, ez_world_steps(run->world), run->seed);
}

static int run_scenario(const run_options *options, const ez_scenario *scenario)
{
    const uint64_t start_ms = ez_program_ms();
    uint64_t shown_ms = 0;
    fprintf(stderr, "ezsim: %s, %u nodes, --seed %" PRIu64 ", commit %s\n", options->path,
            scenario->nodes, scenario->seed, ez_program_commit());
    ez_file_recording recording;
    ez_file_recording_init(&recording, options->record_node, options->record);
    ez_run *const run = ez_run_new_recorded(scenario, scenario->seed, options->share_checks,
                                            options->record == NULL ? NULL : &recording.recording);
    ez_program_on_abort(say_time, run);
    run->series = options->data == NULL ? NULL : ez_series_new();
    while (ez_run_step(run, 1000)) {
        show_progress(options, run, start_ms, &shown_ms);
    }
    ez_run_settle(run);
    ez_run_check(run);
    const ez_cost cost = ez_program_cost(start_ms);
    report(options, run, &cost);
    bool good = write_data(options, run) && run->failure_count == 0;
    ez_program_on_abort(NULL, NULL);
    ez_series_free(run->series);
    ez_run_free(run);
    if (ez_file_recording_close(&recording) != EZ_OK) {
        fprintf(stderr, "ezsim: cannot record to %s: %s\n", options->record, strerror(errno));
        good = false;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int ez_command_run(int argc, char **argv)
{
    run_options options;
    ez_scenario scenario;
    ez_scenario_error error;
    if (ez_program_wants_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_options(&options, argc, argv)) {
        fputs(help, stderr);
        return EZSIM_EXIT_USAGE;
    }
    if (ez_scenario_load(&scenario, &error, options.path) != EZ_OK) {
        fprintf(stderr, "ezsim: %s\n", error.text);
        return EZSIM_EXIT_USAGE;
    }
    scenario.nodes = options.nodes == 0 ? scenario.nodes : options.nodes;
    scenario.seed = options.seed == UINT64_MAX ? scenario.seed : options.seed;
    if (options.relay != NULL) {
        scenario.relays[0] = options.relay;
        scenario.relay_count = 1;
    }
    const int code = run_scenario(&options, &scenario);
    ez_scenario_clear(&scenario);
    return code;
}
