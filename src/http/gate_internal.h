/* The gate's policy: whether a request that is well-formed may do what its route does.
 *
 * Two attackers are meant. A web page that the operator happens to look at can make the browser
 * send requests to loopback; and a name it controls can be made to resolve there (DNS rebinding).
 * Both show in Host, Origin and Sec-Fetch-Site. And beyond loopback, anybody can connect: there a
 * token is asked for. Reads pass, only what changes the node is guarded. Pure.
 */
#ifndef EZP2P_HTTP_GATE_INTERNAL_H
#define EZP2P_HTTP_GATE_INTERNAL_H

#include "head_internal.h"

typedef struct ez_gate_policy {
    bool is_loopback;         /* we listen where only this machine can connect */
    const char *token;        /* NULL: nobody may change anything from beyond loopback */
    const char *const *names; /* our own host names, besides "localhost" */
    size_t name_count;
} ez_gate_policy;

/* ez_gate_check_change: may this request change the node? 403 or 401 if not. */
ez_refusal ez_gate_check_change(const ez_gate_policy *policy, const ez_head *head);

/* ez_gate_check_json: does the request say that its body is plain JSON? 415 if not. */
ez_refusal ez_gate_check_json(const ez_head *head);

#endif
