/* ezsim: many nodes in one process, in virtual time. Finds the command. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", ez_command_run, "one scenario, by one seed"},
    {"swarm", ez_command_swarm, "random networks and faults, by the thousand"},
    {"sweep", ez_command_sweep, "an attack at every point of a range"},
    {"show", ez_command_show, "a scenario as it was understood, in JSON"},
    {"replay", ez_command_replay, "the record of a node, step by step"},
};

static void print_help(FILE *file)
{
    fputs("Usage: ezsim COMMAND [options]; see docs/simulator.md\n\n", file);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nEach takes --help.\n"
          "Exit codes: 0 all checks passed, 1 some failed, 2 usage or a bad file.\n",
          file);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    print_help(stderr);
    return EZSIM_EXIT_USAGE;
}
