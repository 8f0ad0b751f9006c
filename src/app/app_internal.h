/* A running node: every part, joined to the others. */
#ifndef EZP2P_APP_APP_INTERNAL_H
#define EZP2P_APP_APP_INTERNAL_H

#include "ezp2p/http/http.h"
#include "ezp2p/miner/miner.h"
#include "ezp2p/net/driver.h"
#include "ezp2p/node/node.h"
#include "ezp2p/store/store.h"

#include "data_dir_internal.h"
#include "log_sink_internal.h"
#include "options_internal.h"
#include "record_file_internal.h"
#include "resources_internal.h"
#include "signals_internal.h"

struct event;
struct event_base;
struct evdns_base;

/* How often the node may still start itself anew; over all its lives. */
typedef struct ez_restarts {
    uint32_t used;
    ez_time_ms since; /* when `used` was last reduced */
} ez_restarts;

typedef struct ez_app {
    const ez_options *options;
    ez_log_sink *sink;
    const ez_log *log;
    ez_descriptor_plan descriptors;
    ez_data_dir *dir;
    ez_keypair keypair;
    char token[EZ_TOKEN_TEXT_BYTES];
    struct event_base *base;
    ez_signals *signals;
    struct evdns_base *dns;
    ez_store *store;
    ez_verifier *verifier; /* for all threads that check */
    ez_driver *driver;
    ez_miner *miner;
    ez_record_file *record_file; /* NULL: --record was not given */
    ez_recorder *recorder;       /* between the node and all others; NULL likewise */
    struct event *record_full;   /* activated when the file is */
    ez_node *node;
    ez_http *http;

    bool stopping;
    bool restarting;            /* when stopped, begin anew */
    ez_restarts *restarts;      /* borrowed */
    bool is_settled;            /* the core has replied to SHUTDOWN */
    struct event *settle_timer; /* while stopping: looks whether all links are closed */
    ez_time_ms stop_deadline;
} ez_app;

/* ---- wiring.c: how the parts reach each other ---------------------------------------------- */

ez_driver_sinks ez_app_sinks(ez_app *app);
ez_store_config ez_app_store_config(ez_app *app, const char *path);
ez_miner_config ez_app_miner_config(ez_app *app);
ez_http_config ez_app_http_config(ez_app *app);
void ez_app_stored(void *self, uint64_t number); /* for ez_store_start */

/* ---- record.c: --record ---------------------------------------------------------------------- */

/* ez_app_open_record: begin the record, when one is wanted. */
EZ_MUST_USE ez_status ez_app_open_record(ez_app *app);

/* ez_app_new_node: make the core, recorded or not. ez_app_core: its door. */
EZ_MUST_USE ez_status ez_app_new_node(ez_app *app, const ez_node_config *config,
                                      const ez_node_ports *ports);
ez_core ez_app_core(ez_app *app);

/* ez_app_free_node: free the core and close its record; what uses them is gone. */
void ez_app_free_node(ez_app *app);

/* ---- stop.c: winding up ---------------------------------------------------------------------- */

/* ez_app_stop: begin to stop; the loop ends when the core has written what it keeps and the peers
 * have their Goodbye, or after EZ_STOP_GRACE_MS. */
void ez_app_stop(void *app);

/* ez_app_restart: the same, and then begin anew in this process; a signal to stop still counts. */
void ez_app_restart(ez_app *app);

/* ez_app_stopped: the core's reply to SHUTDOWN. */
void ez_app_stopped(ez_app *app);

/* ---- metrics.c ------------------------------------------------------------------------------- */

void ez_app_metrics(void *app, ez_buffer *out);

#endif
