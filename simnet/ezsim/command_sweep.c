/* ezsim sweep: one scenario at every point of its [sweep], and what the attack came to at each. */
#include "program.h"
#include "run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct sweep_options {
    const char *path;
    uint64_t seed;
    uint32_t nodes; /* 0: as in the file */
    ez_time_ms duration_ms;
    bool json, tsv;
} sweep_options;

static const char help[] =
    "Usage: ezsim sweep FILE [--seed N] [--nodes N] [--duration SECONDS]\n"
    "                        [--json | --tsv]\n"
    "\n"
    "Runs the scenario in FILE (see docs/attacks.md) once at each point of its section [sweep] "
    "and\n"
    "prints a line for each. Point n has seed N + n.\n"
    "  --seed N             default 1\n"
    "  --nodes N            instead of the file's number\n"
    "  --duration SECONDS   of virtual time, instead of the file's\n"
    "  --json               the whole report of each point as one JSON object a line\n"
    "  --tsv                a table for plots: columns parted by tabs, shares from 0 to 1\n"
    "  --help               this text\n";

static bool parse_options(sweep_options *out, int argc, char **argv)
{
    static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                          {"nodes", required_argument, NULL, 'n'},
                                          {"duration", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"tsv", no_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    uint64_t nodes = 0, seconds = 0;
    bool good = true;
    *out = (sweep_options){.seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 's':
            good &= ez_program_number(&out->seed, optarg, 0, UINT64_MAX / 2);
            break;
        case 'n':
            good &= ez_program_number(&nodes, optarg, 1, EZ_SCENARIO_NODES_MAX);
            break;
        case 'd':
            good &= ez_program_number(&seconds, optarg, 1, EZ_SCENARIO_MS_MAX / 1000);
            break;
        case 'j':
            out->json = true;
            break;
        case 't':
            out->tsv = true;
            break;
        default:
            return false;
        }
    }
    out->nodes = (uint32_t)nodes;
    out->duration_ms = seconds * 1000;
    if (!good || argc - optind != 1 || (out->json && out->tsv)) {
        return false;
    }
    out->path = argv[optind];
    return true;
}

static void print_head(const ez_scenario *scenario)
{
    for (size_t i = 0; i < scenario->sweep_count; i++) {
        printf("%13s ", scenario->sweep[i].name);
    }
    printf("%8s %9s %7s %9s %7s  %s\n", "trials", "measured", "+-", "expected", "gamma", "checks");
}

static double value_at(const ez_sweep_axis *axis, size_t i)
{
    double value = (double)axis->values[i];
    for (unsigned n = 0; n < axis->places; n++) {
        value /= 10;
    }
    return value;
}

static void print_tsv_head(const ez_scenario *scenario)
{
    for (size_t i = 0; i < scenario->sweep_count; i++) {
        printf("%s\t", scenario->sweep[i].name);
    }
    printf("trials\tmeasured\terror\texpected\tgamma\n");
}

static void print_tsv_row(const ez_scenario *scenario, const size_t at[EZ_SWEEP_AXES_MAX],
                          const ez_run *run)
{
    const ez_outcome outcome = run->figures.outcome;
    for (size_t i = 0; i < scenario->sweep_count; i++) {
        printf("%.*f\t", (int)scenario->sweep[i].places, value_at(&scenario->sweep[i], at[i]));
    }
    printf("%" PRIu64 "\t%.6f\t%.6f\t%.6f\t%.3f\n", outcome.trials, (double)outcome.ppm / 1e6,
           (double)outcome.error_ppm / 1e6, (double)outcome.curve_ppm / 1e6,
           (double)outcome.gamma_milli / 1e3);
}

static void print_percent(int width, uint64_t ppm)
{
    printf("%*" PRIu64 ".%02" PRIu64 "%%", width - 4, (ppm + 50) / 10000, (ppm + 50) / 100 % 100);
}

static void print_row(const ez_scenario *scenario, const size_t at[EZ_SWEEP_AXES_MAX],
                      const ez_run *run)
{
    const ez_outcome outcome = run->figures.outcome;
    for (size_t i = 0; i < scenario->sweep_count; i++) {
        const ez_sweep_axis *const axis = &scenario->sweep[i];
        printf("%13.*f ", (int)axis->places, value_at(axis, at[i]));
    }
    printf("%8" PRIu64 " ", outcome.trials);
    print_percent(9, outcome.ppm);
    printf(" ");
    print_percent(7, outcome.error_ppm);
    printf(" ");
    print_percent(9, outcome.curve_ppm);
    printf("   0.%03" PRIu64 "  %s\n", outcome.gamma_milli,
           run->failure_count == 0 ? "passed" : "FAILED");
}

/* Returns whether every check passed. */
static bool run_point(const sweep_options *options, const ez_scenario *scenario,
                      const size_t at[EZ_SWEEP_AXES_MAX], uint64_t seed)
{
    const uint64_t start_ms = ez_program_ms();
    ez_run *const run = ez_run_new(scenario, seed, true);
    ez_run_step(run, scenario->duration_ms);
    ez_run_settle(run);
    ez_run_check(run);
    const ez_cost cost = ez_program_cost(start_ms);
    if (options->json) {
        ez_buffer text = {0};
        ez_report_json(&text, run, &cost, options->path, ez_program_commit());
        ez_program_print(stdout, &text);
    } else if (options->tsv) {
        print_tsv_row(scenario, at, run);
    } else {
        print_row(scenario, at, run);
    }
    fflush(stdout);
    if (run->failure_count > 0) {
        fprintf(stderr, "ezsim: FAILED with --seed %" PRIu64 ", commit %s:\n%.*s", seed,
                ez_program_commit(), (int)run->failures.size, (const char *)run->failures.data);
    }
    const bool good = run->failure_count == 0;
    ez_run_free(run);
    return good;
}

static int run_sweep(const sweep_options *options, ez_scenario *scenario)
{
    const size_t points = ez_scenario_sweep_points(scenario);
    size_t at[EZ_SWEEP_AXES_MAX] = {0};
    bool good = true;
    fprintf(stderr, "ezsim: %s, %zu points, --seed %" PRIu64 ", commit %s\n", options->path, points,
            options->seed, ez_program_commit());
    if (options->tsv) {
        print_tsv_head(scenario);
    } else if (!options->json) {
        print_head(scenario);
    }
    for (size_t i = 0; i < points; i++) {
        ez_scenario_sweep_set(scenario, at, i);
        good &= run_point(options, scenario, at, options->seed + i);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int ez_command_sweep(int argc, char **argv)
{
    sweep_options options;
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
    scenario.duration_ms = options.duration_ms == 0 ? scenario.duration_ms : options.duration_ms;
    const int code = run_sweep(&options, &scenario);
    ez_scenario_clear(&scenario);
    return code;
}
