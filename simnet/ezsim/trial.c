#include "trial.h"

#include "ezp2p/base/text.h"
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- in the child ---------------------------------------------------------------------------- */

static void keep_failures(ez_trial_result *result, const ez_run *run)
{
    const size_t most = sizeof(result->failure) - 1;
    const size_t size = run->failures.size < most ? run->failures.size : most;
    memcpy(result->failure, run->failures.data, size);
}

static void carry_out(ez_trial_result *result, const ez_scenario *scenario)
{
    ez_run *const run = ez_run_new(scenario, scenario->seed, true);
    ez_world_report_to(run->world, &result->progress);
    for (size_t i = 0; i < scenario->action_count; i++) {
        result->actions[scenario->actions[i].kind]++;
    }
    while (ez_run_step(run, EZ_TIME_NEVER / 2)) {
    }
    ez_run_settle(run);
    ez_run_check(run);
    result->digest = ez_world_digest(run->world);
    result->blocks = run->blocks.born;
    result->txs = run->txs_submitted;
    result->good = run->failure_count == 0;
    if (!result->good) {
        keep_failures(result, run);
    }
    ez_run_free(run);
}

static void be_child(const ez_trial *trial, const char *name, const ez_buffer *text, uint64_t seed)
{
    ez_scenario scenario;
    ez_scenario_error error;
    dup2(fileno(trial->errors), STDERR_FILENO);
    alarm(EZ_TRIAL_SECONDS_MAX);
    if (ez_scenario_parse(&scenario, &error, name, (const char *)text->data, text->size) != EZ_OK) {
        snprintf(trial->result->failure, sizeof(trial->result->failure), "%s\n", error.text);
        _exit(0);
    }
    scenario.seed = seed == 0 ? scenario.seed : seed;
    trial->result->seed = scenario.seed;
    carry_out(trial->result, &scenario);
    ez_scenario_clear(&scenario);
    exit(0); /* runs what the sanitizers do at the end */
}

/* ---- in the parent --------------------------------------------------------------------------- */

bool ez_trial_start(ez_trial *out, const char *name, const ez_buffer *text, uint64_t seed)
{
    *out = (ez_trial){.errors = tmpfile()};
    if (out->errors == NULL) {
        return false;
    }
    out->result =
        mmap(NULL, sizeof(*out->result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (out->result == MAP_FAILED) {
        fclose(out->errors);
        return false;
    }
    fflush(NULL); /* or the child writes it once more */
    out->pid = fork();
    if (out->pid == 0) {
        be_child(out, name, text, seed);
    }
    if (out->pid < 0) {
        munmap(out->result, sizeof(*out->result));
        fclose(out->errors);
    }
    return out->pid > 0;
}

/* What it said before it died: the first line, which names the assertion or the sanitizer's find.
 */
static void first_words(const ez_trial *trial, char *out, size_t size)
{
    char line[300] = "";
    rewind(trial->errors);
    while (fgets(line, sizeof(line), trial->errors) != NULL &&
           strspn(line, "=\n") == strlen(line)) {
        /* the sanitizers begin with a ruler */
    }
    line[strcspn(line, "\n")] = '\0';
    ez_text_escape(out, size, line, strlen(line));
}

static void describe_death(const ez_trial *trial, ez_trial_result *out, int status)
{
    char words[300];
    const char *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it exited early";
    first_words(trial, words, sizeof(words));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        how = "no end in sight";
    }
    snprintf(out->failure, sizeof(out->failure),
             "at %" PRIu64 ".%03" PRIu64 " s, step %" PRIu64 ": %s%s%.200s\n",
             out->progress.time / 1000, out->progress.time % 1000, out->progress.steps, how,
             words[0] == '\0' ? "" : "; ", words);
}

void ez_trial_end(ez_trial *trial, ez_trial_result *out, int status)
{
    *out = *trial->result;
    out->failure[sizeof(out->failure) - 1] = '\0';
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        out->good = false;
        describe_death(trial, out, status);
    }
    munmap(trial->result, sizeof(*trial->result));
    fclose(trial->errors);
}

bool ez_trial_run(ez_trial_result *out, const char *name, const ez_buffer *text, uint64_t seed)
{
    ez_trial trial;
    int status = 0;
    if (!ez_trial_start(&trial, name, text, seed)) {
        return false;
    }
    while (waitpid(trial.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ez_trial_end(&trial, out, status);
    return true;
}
