/* A finished run as a table or as one JSON object. */
#ifndef EZP2P_SIMNET_REPORT_H
#define EZP2P_SIMNET_REPORT_H

#include "run.h"

/* What a run cost the machine; never part of its outcome. */
typedef struct ez_cost {
    uint64_t real_ms;
    uint64_t cpu_ms;     /* of the processors: what a busy machine does not stretch, much */
    uint64_t memory_kib; /* most that was resident */
} ez_cost;

void ez_report_table(ez_buffer *out, const ez_run *run, const ez_cost *cost);
void ez_report_json(ez_buffer *out, const ez_run *run, const ez_cost *cost, const char *scenario,
                    const char *commit);

/* ez_report_json_text: append a string of at most 500 bytes, quoted and escaped. */
void ez_report_json_text(ez_buffer *out, const char *text);

#endif
