/* The recorder: stands between a core and everything around it, and writes down all that the core
 * takes in, before the core sees it, and the print of all that it lets out.
 *
 *     ez_recorder *recorder = ez_recorder_new(&sink);
 *     status = ez_recorder_node_new(recorder, &node, &config, &ports, program, now);
 *     ez_core core = ez_recorder_core(recorder, node);     what the driver is given
 *     ez_recorder_end(recorder, EZ_RECORD_END_STOPPED);
 *     ez_node_free(node);
 *     ez_recorder_free(recorder);                          after the node: it is the node's store
 *
 * What is read from the store by queries, between events, is not written: queries change nothing.
 * The secret key never comes near: the signer's answers are recorded.
 *
 * Not thread-safe: it lives on the thread that drives the node.
 */
#ifndef EZP2P_RECORD_RECORDER_H
#define EZP2P_RECORD_RECORDER_H

#include "ezp2p/node/core.h"
#include "ezp2p/record/format.h"

typedef struct ez_recorder ez_recorder;

/* Where the bytes go, in order. */
typedef struct ez_record_sink {
    void *self;
    /* Keep `size` bytes behind those before.
     *   returns  false when they cannot be kept: nothing more will be offered */
    bool (*append)(void *self, const void *data, size_t size);
} ez_record_sink;

/* ez_recorder_new: a recorder that writes one file to `sink` (copied). */
ez_recorder *ez_recorder_new(const ez_record_sink *sink);
void ez_recorder_free(ez_recorder *recorder); /* NULL is fine */

/* ez_recorder_node_new: as ez_node_new, recorded.
 *   program  its name and version, for whoever replays; the commit is added */
EZ_MUST_USE ez_status ez_recorder_node_new(ez_recorder *recorder, ez_node **out,
                                           const ez_node_config *config, const ez_node_ports *ports,
                                           const char *program, ez_now now);

/* ez_recorder_core: the node's door with the recorder in it. The driver takes all effects of an
 * event before it hands in the next, as node.h says. */
ez_core ez_recorder_core(ez_recorder *recorder, ez_node *node);

/* ez_recorder_end: close the record: nothing more is written. */
void ez_recorder_end(ez_recorder *recorder, ez_record_end why);

/* ez_recorder_is_on: false once it ended, or the sink failed. */
bool ez_recorder_is_on(const ez_recorder *recorder);

#endif
