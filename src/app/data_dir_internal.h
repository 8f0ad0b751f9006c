/* The data directory: who may use it, and the small files in it. chain.db is the store's.
 *
 * One process holds a directory at a time, by a lock that the kernel drops with the process. Small
 * files are written under a temporary name and renamed, so that a crash leaves the old one or the
 * new one. Those that outlive the process are synced before that.
 */
#ifndef EZP2P_APP_DATA_DIR_INTERNAL_H
#define EZP2P_APP_DATA_DIR_INTERNAL_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/crypto/sign.h"

#define EZ_TOKEN_TEXT_BYTES 65 /* 64 hex digits and the terminating zero */

typedef struct ez_data_dir ez_data_dir;

/* ez_data_dir_open: open the directory, made with those above it when it is not there, and take its
 * lock. A stale endpoints.json is removed.
 *   returns  EZ_ERR_IN_USE when another process holds it, else EZ_ERR_IO; *out NULL then, the
 * reason is in the log */
EZ_MUST_USE ez_status ez_data_dir_open(ez_data_dir **out, const char *path, const ez_log *log);
void ez_data_dir_close(ez_data_dir *dir); /* NULL is fine */

/* ez_data_dir_file: the path of a file in the directory; owned by the caller. */
char *ez_data_dir_file(const ez_data_dir *dir, const char *name);

/* ez_data_dir_key: the node's key, made on the first call ever.
 *   returns  EZ_ERR_CORRUPT when the file holds something else */
EZ_MUST_USE ez_status ez_data_dir_key(ez_data_dir *dir, ez_keypair *out);

/* ez_data_dir_token: the bearer token for changes from beyond loopback, made likewise. */
EZ_MUST_USE ez_status ez_data_dir_token(ez_data_dir *dir, char out[EZ_TOKEN_TEXT_BYTES]);

/* ez_data_dir_sync: make the names of files durable that were made since the directory was opened.
 * Call it before anybody is told of the key or the token. */
EZ_MUST_USE ez_status ez_data_dir_sync(ez_data_dir *dir);

typedef struct ez_endpoints {
    bool has_p2p, has_http;
    ez_endpoint p2p, http; /* as bound; an unspecified address is shown as loopback */
    const char *node;
} ez_endpoints;

/* ez_endpoints_text: an endpoint as a program on this machine would dial it. */
ez_endpoint_string ez_endpoints_text(const ez_endpoint *endpoint);

EZ_MUST_USE ez_status ez_data_dir_put_endpoints(ez_data_dir *dir, const ez_endpoints *endpoints);
void ez_data_dir_remove_endpoints(ez_data_dir *dir);

#endif
