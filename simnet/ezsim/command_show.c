/* ezsim show: a scenario as it was understood, for other programs. */
#include "program.h"
#include "scenario.h"

#include <inttypes.h>
#include <stdlib.h>

static const char help[] =
    "Usage: ezsim show FILE\n"
    "\n"
    "Prints what a scenario (see docs/simulator.md) asks for, as one JSON object: sizes, mining,\n"
    "traffic, and the timeline with `every` written out. simnet/run.sh reads it.\n"
    "  --help   this text\n";

static void print_action(ez_buffer *out, const ez_action *action)
{
    ez_buffer_printf(out, "{\"at_ms\":%" PRIu64 ",\"action\":\"%s\",\"amount\":%" PRIu32,
                     action->at, ez_action_word(action->kind), action->amount);
    ez_buffer_printf(out, ",\"percent\":%s,\"skew_us\":%" PRId64 ",\"commit_ms\":%" PRIu64,
                     action->is_percent ? "true" : "false", action->skew_us, action->commit_ms);
    for (uint32_t i = 0; i < action->named_count; i++) {
        ez_buffer_printf(out, "%s%u", i == 0 ? ",\"nodes\":[" : ",", (unsigned)action->named[i]);
    }
    ez_buffer_add_text(out, action->named_count > 0 ? "]}" : "}");
}

static void print_scenario(ez_buffer *out, const ez_scenario *scenario)
{
    ez_buffer_printf(out, "{\"nodes\":%" PRIu32 ",\"duration_ms\":%" PRIu64, scenario->nodes,
                     scenario->duration_ms);
    ez_buffer_printf(out, ",\"settle_ms\":%" PRIu64 ",\"warmup_ms\":%" PRIu64, scenario->settle_ms,
                     scenario->warmup_ms);
    ez_buffer_printf(out, ",\"topology\":\"%s\",\"links\":%" PRIu32,
                     ez_topology_word(scenario->topology), scenario->links);
    ez_buffer_printf(out, ",\"block_interval_ms\":%" PRIu64 ",\"shares\":[",
                     scenario->block_interval_ms);
    for (size_t i = 0; i < scenario->share_count; i++) {
        ez_buffer_printf(out, "%s%" PRIu32, i == 0 ? "" : ",", scenario->shares[i]);
    }
    ez_buffer_printf(out, "],\"tx_per_1000_s\":%" PRIu64 ",\"height_min\":%" PRIu64,
                     scenario->tx_per_1000_s, scenario->bounds.height_min);
    ez_buffer_printf(out, ",\"adversary\":%s,\"relays\":[",
                     scenario->adversary.count == 0 ? "false" : "true");
    for (size_t i = 0; i < scenario->relay_count; i++) {
        ez_buffer_printf(out, "%s\"%s\"", i == 0 ? "" : ",", scenario->relays[i]->name);
    }
    ez_buffer_add_text(out, "],\"actions\":[");
    for (size_t i = 0; i < scenario->action_count; i++) {
        ez_buffer_add_text(out, i == 0 ? "" : ",");
        print_action(out, &scenario->actions[i]);
    }
    ez_buffer_add_text(out, "]}\n");
}

int ez_command_show(int argc, char **argv)
{
    ez_scenario scenario;
    ez_scenario_error error;
    ez_buffer text = {0};
    if (ez_program_wants_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (argc != 2 || argv[1][0] == '-') {
        fputs(help, stderr);
        return EZSIM_EXIT_USAGE;
    }
    if (ez_scenario_load(&scenario, &error, argv[1]) != EZ_OK) {
        fprintf(stderr, "ezsim: %s\n", error.text);
        return EZSIM_EXIT_USAGE;
    }
    print_scenario(&text, &scenario);
    ez_program_print(stdout, &text);
    ez_scenario_clear(&scenario);
    return EXIT_SUCCESS;
}
