#include "swarm.h"

#include "draw.h"
#include "program.h"
#include "shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct swarm_slot {
    ez_trial trial;
    uint64_t seed;
    const char *file;
} swarm_slot;

typedef struct swarm_state {
    ez_swarm *swarm;
    swarm_slot slots[EZ_SWARM_JOBS_MAX]; /* the first `running` are in use */
    uint32_t running;
    uint64_t begun, start_ms, shown_ms;
} swarm_state;

/* ---- scenarios ------------------------------------------------------------------------------- */

static bool read_file(ez_buffer *out, const char *path)
{
    FILE *const file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    uint8_t *const room = ez_buffer_reserve(out, EZ_SCENARIO_BYTES_MAX + 1);
    out->size += fread(room, 1, EZ_SCENARIO_BYTES_MAX + 1, file);
    const bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

bool ez_swarm_scenario(ez_buffer *out, const char *file, uint64_t seed)
{
    if (file != NULL) {
        return read_file(out, file);
    }
    ez_draw_scenario(out, seed);
    return true;
}

/* ---- trials ---------------------------------------------------------------------------------- */

static uint64_t total_of(const ez_swarm *swarm)
{
    return swarm->seeds * (swarm->file_count == 0 ? 1 : swarm->file_count);
}

static bool begin(swarm_state *state)
{
    const ez_swarm *const swarm = state->swarm;
    swarm_slot *const slot = &state->slots[state->running];
    const uint64_t number = state->begun;
    ez_buffer text = {0};
    slot->seed = swarm->first + (swarm->file_count == 0 ? number : number / swarm->file_count);
    slot->file = swarm->file_count == 0 ? NULL : swarm->files[number % swarm->file_count];
    const bool good =
        ez_swarm_scenario(&text, slot->file, slot->seed) &&
        ez_trial_start(&slot->trial, slot->file == NULL ? "drawn" : slot->file, &text, slot->seed);
    ez_buffer_clear(&text);
    state->running += good;
    state->begun += good;
    return good;
}

static void count(ez_swarm *swarm, const swarm_slot *slot, const ez_trial_result *result)
{
    swarm->done++;
    swarm->virtual_ms += result->progress.time;
    swarm->steps += result->progress.steps;
    swarm->blocks += result->blocks;
    swarm->txs += result->txs;
    swarm->digest += result->digest;
    for (size_t i = 0; i < EZ_ACTION_KINDS; i++) {
        swarm->actions[i] += result->actions[i];
    }
    if (result->good) {
        return;
    }
    swarm->failed++;
    if (swarm->failure_count < EZ_SWARM_FAILURES_MAX) {
        ez_swarm_failure *const failure = &swarm->failures[swarm->failure_count++];
        *failure = (ez_swarm_failure){.seed = slot->seed, .file = slot->file};
        memcpy(failure->failure, result->failure, sizeof(failure->failure));
    }
}

/* Wait for any one to end. */
static void end_one(swarm_state *state)
{
    int status = 0;
    ez_trial_result result;
    const pid_t pid = waitpid(-1, &status, 0);
    for (uint32_t i = 0; pid > 0 && i < state->running; i++) {
        if (state->slots[i].trial.pid == pid) {
            ez_trial_end(&state->slots[i].trial, &result, status);
            count(state->swarm, &state->slots[i], &result);
            state->slots[i] = state->slots[--state->running];
            return;
        }
    }
}

static void show_progress(swarm_state *state)
{
    const ez_swarm *const swarm = state->swarm;
    const uint64_t now_ms = ez_program_ms();
    if (swarm->progress && now_ms >= state->shown_ms + 1000) {
        state->shown_ms = now_ms;
        fprintf(stderr,
                "ezsim: %" PRIu64 " of %" PRIu64 " runs, %.1f network-hours, %" PRIu64 " failed\n",
                swarm->done, total_of(swarm), (double)swarm->virtual_ms / 3600000, swarm->failed);
    }
}

bool ez_swarm_run(ez_swarm *swarm)
{
    swarm_state state = {.swarm = swarm, .start_ms = ez_program_ms()};
    bool good = true;
    for (;;) {
        const bool is_late =
            swarm->ms_max != 0 && ez_program_ms() - state.start_ms >= swarm->ms_max;
        if (good && !is_late && state.begun < total_of(swarm) && state.running < swarm->jobs) {
            good = begin(&state);
        } else if (state.running > 0) {
            end_one(&state);
            show_progress(&state);
        } else {
            return good;
        }
    }
}

/* ---- shrinking ------------------------------------------------------------------------------- */

typedef struct failure_kind {
    uint64_t seed;
    char text[512]; /* the first line without when, and without numbers */
} failure_kind;

static void kind_of(char *out, size_t size, const char *failure)
{
    size_t used = 0;
    const char *at = strstr(failure, ": ");
    for (at = at == NULL ? failure : at; *at != '\0' && *at != '\n' && used + 1 < size; at++) {
        if ((*at < '0' || *at > '9') && (*at < 'a' || *at > 'f')) {
            out[used++] = *at;
        }
    }
    out[used] = '\0';
}

static bool fails_alike(void *self, const ez_buffer *text)
{
    const failure_kind *const kind = self;
    ez_trial_result result;
    char other[sizeof(kind->text)];
    if (!ez_trial_run(&result, "shrunk", text, kind->seed) || result.good) {
        return false;
    }
    kind_of(other, sizeof(other), result.failure);
    return strcmp(kind->text, other) == 0;
}

/* The file says what it is for; its seed key makes it fail by itself. */
static bool write_shrunk(const ez_swarm_failure *failure, const ez_buffer *text)
{
    FILE *const file = fopen(failure->shrunk, "we");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "# Fails, as of commit %.40s:\n# %.150s\n\n", ez_program_commit(),
            failure->failure);
    fwrite(text->data, 1, text->size, file);
    return fclose(file) == 0;
}

bool ez_swarm_shrink(ez_swarm_failure *failure, const char *dir, uint32_t tries_max)
{
    failure_kind kind = {.seed = failure->seed};
    ez_buffer text = {0};
    kind_of(kind.text, sizeof(kind.text), failure->failure);
    if (failure->file != NULL) {
        ez_buffer_printf(&text, "seed = %" PRIu64 "\n", failure->seed);
    }
    bool good = ez_swarm_scenario(&text, failure->file, failure->seed);
    good = good && fails_alike(&kind, &text);
    if (good) {
        ez_trial_result last;
        failure->tries = ez_shrink(&text, &kind, fails_alike, tries_max);
        if (ez_trial_run(&last, "shrunk", &text, kind.seed)) {
            memcpy(failure->failure, last.failure, sizeof(failure->failure));
        }
        failure->failure[strcspn(failure->failure, "\n")] = '\0';
        snprintf(failure->shrunk, sizeof(failure->shrunk), "%.200s/swarm-%" PRIu64 ".sim", dir,
                 failure->seed);
        good = write_shrunk(failure, &text);
    }
    ez_buffer_clear(&text);
    return good;
}
