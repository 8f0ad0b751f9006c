/* ezsim swarm: random networks and faults by the thousand, until something breaks. */
#include "program.h"
#include "swarm.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_USUAL     100
#define SHRINK_TRIES    300
#define SHRUNK_EACH_MAX 5 /* failures that are made smaller; the others are only named */

typedef struct swarm_options {
    const char *dir;
    bool json, shrinks;
} swarm_options;

static const char help[] =
    "Usage: ezsim swarm [--seeds N] [--first SEED] [--jobs N] [--time SECONDS] [--out DIR]\n"
    "                   [--no-shrink] [--progress] [--json] [FILE…]\n"
    "\n"
    "Draws a small network and a mix of faults from each seed, runs it and checks it as `ezsim "
    "run`\n"
    "does; with files, runs these by each seed instead. What fails is made smaller as long as it\n"
    "fails in the same way, and written down as a scenario.\n"
    "  --seeds N        how many (default 100)\n"
    "  --first SEED     from which on (default 1)\n"
    "  --jobs N         processes at once (default: as many as there are processors)\n"
    "  --time SECONDS   begin none after this\n"
    "  --out DIR        where to write what fails, as swarm-SEED.sim (default: here)\n"
    "  --no-shrink      only name what fails\n"
    "  --progress       say on standard error how far it is; usual on a terminal\n"
    "  --json           the result as one JSON object\n"
    "  --help           this text\n";

static uint32_t processors(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > EZ_SWARM_JOBS_MAX ? EZ_SWARM_JOBS_MAX : (uint32_t)count;
}

static bool parse_options(swarm_options *options, ez_swarm *swarm, int argc, char **argv)
{
    static const struct option names[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"time", required_argument, NULL, 't'},
                                          {"out", required_argument, NULL, 'o'},
                                          {"no-shrink", no_argument, NULL, 's'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'J'},
                                          {NULL, 0, NULL, 0}};
    uint64_t jobs = processors(), seconds = 0;
    bool good = true;
    *options = (swarm_options){.dir = ".", .shrinks = true};
    *swarm = (ez_swarm){.seeds = SEEDS_USUAL, .first = 1, .progress = isatty(STDERR_FILENO) == 1};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'n':
            good &= ez_program_number(&swarm->seeds, optarg, 1, 1000000000);
            break;
        case 'f':
            good &= ez_program_number(&swarm->first, optarg, 1, EZ_SCENARIO_SEED_MAX - 1000000000);
            break;
        case 'j':
            good &= ez_program_number(&jobs, optarg, 1, EZ_SWARM_JOBS_MAX);
            break;
        case 't':
            good &= ez_program_number(&seconds, optarg, 1, 1000000000);
            break;
        case 'o':
            options->dir = optarg;
            break;
        case 's':
            options->shrinks = false;
            break;
        case 'p':
            swarm->progress = true;
            break;
        case 'J':
            options->json = true;
            break;
        default:
            return false;
        }
    }
    swarm->jobs = (uint32_t)jobs;
    swarm->ms_max = seconds * 1000;
    swarm->files = (const char *const *)(argv + optind);
    swarm->file_count = (size_t)(argc - optind);
    return good;
}

static bool are_files_good(const ez_swarm *swarm)
{
    for (size_t i = 0; i < swarm->file_count; i++) {
        ez_scenario scenario;
        ez_scenario_error error;
        if (ez_scenario_load(&scenario, &error, swarm->files[i]) != EZ_OK) {
            fprintf(stderr, "ezsim: %s\n", error.text);
            return false;
        }
        ez_scenario_clear(&scenario);
    }
    return true;
}

/* ---- the result ------------------------------------------------------------------------------ */

static void print_table(ez_buffer *out, const ez_swarm *swarm, const ez_cost *cost)
{
    ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", "runs", swarm->done);
    ez_buffer_printf(out, "  %-16s %12.1f  hours\n", "virtual time",
                     (double)swarm->virtual_ms / 3600000);
    ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", "events", swarm->steps);
    ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", "blocks", swarm->blocks);
    ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", "transactions", swarm->txs);
    for (size_t i = 0; i < EZ_ACTION_KINDS; i++) {
        ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", ez_action_word((ez_action_kind)i),
                         swarm->actions[i]);
    }
    ez_buffer_printf(out, "  %-16s %12" PRIu64 "\n", "failed", swarm->failed);
    ez_buffer_printf(out, "  %-16s %12.1f  s\n", "real time", (double)cost->real_ms / 1000);
    ez_buffer_printf(out, "  %-16s %016" PRIx64 "\n", "hash", swarm->digest);
}

static void print_failures_json(ez_buffer *out, const ez_swarm *swarm)
{
    ez_buffer_add_text(out, ",\"failures\":[");
    for (size_t i = 0; i < swarm->failure_count; i++) {
        const ez_swarm_failure *const failure = &swarm->failures[i];
        ez_buffer_printf(out, "%s{\"seed\":%" PRIu64 ",\"file\":", i == 0 ? "" : ",",
                         failure->seed);
        ez_report_json_text(out, failure->file == NULL ? "" : failure->file);
        ez_buffer_add_text(out, ",\"failure\":");
        ez_report_json_text(out, failure->failure);
        ez_buffer_add_text(out, ",\"shrunk\":");
        ez_report_json_text(out, failure->shrunk);
        ez_buffer_add_text(out, "}");
    }
    ez_buffer_add_text(out, "]");
}

static void print_json(ez_buffer *out, const ez_swarm *swarm, const ez_cost *cost)
{
    ez_buffer_add_text(out, "{\"commit\":");
    ez_report_json_text(out, ez_program_commit());
    ez_buffer_printf(out, ",\"runs\":%" PRIu64 ",\"first\":%" PRIu64, swarm->done, swarm->first);
    ez_buffer_printf(out, ",\"virtual_hours\":%.2f,\"events\":%" PRIu64,
                     (double)swarm->virtual_ms / 3600000, swarm->steps);
    ez_buffer_printf(out, ",\"blocks\":%" PRIu64 ",\"tx_submitted\":%" PRIu64 ",\"actions\":{",
                     swarm->blocks, swarm->txs);
    for (size_t i = 0; i < EZ_ACTION_KINDS; i++) {
        ez_buffer_printf(out, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",",
                         ez_action_word((ez_action_kind)i), swarm->actions[i]);
    }
    ez_buffer_printf(out, "},\"failed\":%" PRIu64 ",\"real_ms\":%" PRIu64, swarm->failed,
                     cost->real_ms);
    ez_buffer_printf(out, ",\"hash\":\"%016" PRIx64 "\"", swarm->digest);
    print_failures_json(out, swarm);
    ez_buffer_add_text(out, "}\n");
}

/* Everything that it takes to see it again. */
static void name_failure(const ez_swarm_failure *failure)
{
    fprintf(stderr, "ezsim: seed %" PRIu64 "%s%s FAILED, commit %s:\n%s", failure->seed,
            failure->file == NULL ? "" : " of ", failure->file == NULL ? "" : failure->file,
            ez_program_commit(), failure->failure);
    if (failure->file != NULL) {
        fprintf(stderr, "  again: ezsim run %s --seed %" PRIu64 "\n", failure->file, failure->seed);
    } else {
        fprintf(stderr, "  again: ezsim swarm --first %" PRIu64 " --seeds 1\n", failure->seed);
    }
}

static void shrink_failures(const swarm_options *options, ez_swarm *swarm)
{
    for (size_t i = 0; i < swarm->failure_count; i++) {
        ez_swarm_failure *const failure = &swarm->failures[i];
        name_failure(failure);
        if (!options->shrinks || i >= SHRUNK_EACH_MAX) {
            continue;
        }
        if (ez_swarm_shrink(failure, options->dir, SHRINK_TRIES)) {
            fprintf(stderr, "  smaller, after %" PRIu32 " tries: ezsim run %s\n  %s\n",
                    failure->tries, failure->shrunk, failure->failure);
        } else {
            fprintf(stderr, "  cannot be made smaller: %s\n",
                    failure->shrunk[0] == '\0' ? "it did not fail again" : strerror(errno));
        }
    }
}

int ez_command_swarm(int argc, char **argv)
{
    static ez_swarm swarm;
    swarm_options options;
    ez_buffer text = {0};
    if (ez_program_wants_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_options(&options, &swarm, argc, argv)) {
        fputs(help, stderr);
        return EZSIM_EXIT_USAGE;
    }
    if (!are_files_good(&swarm)) {
        return EZSIM_EXIT_USAGE;
    }
    const uint64_t start_ms = ez_program_ms();
    if (!ez_swarm_run(&swarm)) {
        fprintf(stderr, "ezsim: cannot go on: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    const ez_cost cost = ez_program_cost(start_ms);
    shrink_failures(&options, &swarm);
    (options.json ? print_json : print_table)(&text, &swarm, &cost);
    ez_program_print(stdout, &text);
    return swarm.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
