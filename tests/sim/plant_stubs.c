/* What a node has around it that is not simulated: other doors, telemetry, systemd, libuv. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "node/api/http/capture.h"
#include "node/forwarder.h"
#include "node/logger.h"
#include "node/notify.h"
#include "node/partnership.h"
#include "node/rebuild.h"
#include "tests/sim/plant.h"

/* --- libuv and libc, under other names for the files of node/ (CMakeLists.txt) -----------------
 */

uint64_t sim_uv_now(const uv_loop_t *loop);
uint64_t sim_uv_hrtime(void);
int sim_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t wait_ms, uint64_t repeat_ms);
int sim_clock_gettime(clockid_t clock, struct timespec *ret_time);
ssize_t sim_getrandom(void *data, size_t size, unsigned flags);

uint64_t sim_uv_now(const uv_loop_t *loop)
{
    (void)loop;
    return plant_current()->sim->now_ms;
}

uint64_t sim_uv_hrtime(void)
{
    return plant_current()->sim->now_ms * 1000000;
}

int sim_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t wait_ms, uint64_t repeat_ms)
{
    struct weft_node *node =
        (struct weft_node *)((uintptr_t)timer - offsetof(struct weft_node, timer));
    (void)cb, (void)repeat_ms;
    plant_wake(plant_of(node), wait_ms);
    return 0;
}

int sim_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work, uv_after_work_cb after)
{
    struct weft_node *node =
        (struct weft_node *)((uintptr_t)loop - offsetof(struct weft_node, loop));
    struct plant_job *job = malloc(sizeof(*job));
    if (job == NULL) {
        abort();
    }
    *job = (struct plant_job){NULL, request, work, after};
    plant_queue(plant_of(node), job);
    return 0;
}

/* The wall clock of the node whose turn it is; NOD-2 holds whatever it says. */
int sim_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    struct plant *p = plant_current();
    int64_t now_ns = INT64_C(1700000000000000000) + (int64_t)p->sim->now_ms * 1000000 +
                     (p->acting != NULL ? p->acting->clock_ns : 0);
    (void)clock;
    *ret_time = (struct timespec){now_ns / 1000000000, now_ns % 1000000000};
    return 0;
}

ssize_t sim_getrandom(void *data, size_t size, unsigned flags)
{
    uint8_t *bytes = data;
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)sim_random(plant_current()->sim, 256);
    }
    return (ssize_t)size;
}

/* --- node/node.c ------------------------------------------------------------------------------ */

void weft_node_wake(struct weft_node *node)
{
    plant_wake(plant_of(node), 0);
}

void weft_node_fail(
    struct weft_node *node, const char *event, enum weft_err err, const struct weft_msg *msg)
{
    struct plant *p = plant_current();
    (void)event;
    p->acting = plant_of(node);
    p->failed_err = err;
    p->failed_msg = *msg;
    longjmp(p->failed, 1);
}

const char *weft_node_leader_address(struct weft_node *node)
{
    struct weft_replica_status status;
    weft_replica_status(node->replica, &status);
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    for (uint32_t i = 0; i < conf->count; i++) {
        if (conf->members[i].id == status.leader_id) {
            return conf->members[i].client_address;
        }
    }
    return "";
}

enum weft_err weft_node_propose(
    struct weft_node *node, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    if (node->phase != WEFT_NODE_RUNNING || !node->is_leader) {
        return WEFT_ENOTLEADER;
    }
    return weft_proposer_add(&node->proposer, item, waiter);
}

void weft_node_close_parts(struct weft_node *node)
{
    (void)node;
    abort(); /* Nodes are crashed, never asked to stop. */
}

enum weft_err weft_node_status(
    struct weft_node *node, struct weft_arena *arena, struct weft_status *ret_status)
{
    (void)node, (void)arena, (void)ret_status;
    return WEFT_EVERSION;
}

/* --- the log, systemd --------------------------------------------------------------------------
 */

void weft_log_write(enum weft_log_level level, const char *event,
    const struct weft_log_field *fields, size_t field_count)
{
    FILE *trace = plant_current()->sim->options.trace;
    if (trace == NULL || level == WEFT_LOG_DEBUG) {
        return;
    }
    (void)fprintf(trace, "%6" PRIu64 "     %s", plant_current()->sim->now_ms, event);
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].type == WEFT_LOG_TEXT) {
            (void)fprintf(trace, " %s=%s", fields[i].key, fields[i].text);
        } else {
            (void)fprintf(trace, " %s=%" PRIu64, fields[i].key, fields[i].number);
        }
    }
    (void)fprintf(trace, "\n");
}

void weft_notify_ready(const char *status)
{
    (void)status;
}

void weft_notify_status(const char *status)
{
    (void)status;
}

void weft_rebuild_watch_lineage(struct weft_node *node)
{
    (void)node;
}

/* --- other doors and parts ---------------------------------------------------------------------
 */

void weft_peers_update(struct weft_peers *p, const struct weft_configuration *configuration)
{
    (void)p, (void)configuration; /* network.c knows all nodes. */
}

void weft_http_turn(struct weft_http *http, uint64_t applied_index)
{
    (void)http, (void)applied_index;
}

void weft_http_refused(struct weft_http *http, const struct weft_waiter *waiter)
{
    (void)http, (void)waiter;
}

uint64_t weft_http_deadline(const struct weft_http *http)
{
    (void)http;
    return UINT64_MAX;
}

void weft_http_answer(struct weft_http *http, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    (void)http, (void)waiter, (void)message;
}

void weft_http_answer_bytes(
    struct weft_http *http, const struct weft_waiter *waiter, struct weft_bytes bytes)
{
    (void)http, (void)waiter, (void)bytes;
}

void weft_http_answer_json(struct weft_http *http, const struct weft_waiter *waiter, uint64_t index,
    struct weft_buffer *json)
{
    (void)http, (void)waiter, (void)index, (void)json;
}

bool weft_http_is_awaited(struct weft_http *h, const struct weft_waiter *waiter)
{
    (void)h, (void)waiter;
    return false;
}

struct weft_http_captures *weft_http_captures(struct weft_http *http)
{
    (void)http;
    return NULL;
}

void weft_http_captures_answer(struct weft_http_captures *captures,
    const struct weft_waiter *waiter, const struct weft_client_message *message)
{
    (void)captures, (void)waiter, (void)message;
}

/* What nodes tell the audit log: without the real clocks there is nothing to tell. */
void weft_notices_turn(struct weft_node *node, int64_t wall_ns, uint64_t now_ms)
{
    (void)node, (void)wall_ns, (void)now_ms;
}

void weft_notices_answer(struct weft_node *node, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    (void)node, (void)waiter, (void)message;
}

void weft_forwarder_turn(struct weft_forwarder *f, uint64_t now_ms)
{
    (void)f, (void)now_ms;
}

void weft_telemetry_put(
    struct weft_telemetry *t, const struct weft_block *block, const struct weft_waiter *waiter)
{
    (void)t, (void)block, (void)waiter;
}

void weft_telemetry_get(
    struct weft_telemetry *t, const struct weft_block_get *get, const struct weft_waiter *waiter)
{
    (void)t, (void)get, (void)waiter;
}

void weft_membership_request(struct weft_membership *m, const struct weft_member_request *request,
    const struct weft_identity *identity, const struct weft_waiter *waiter, uint64_t now_ms)
{
    (void)m, (void)request, (void)identity, (void)waiter, (void)now_ms;
}

void weft_membership_turn(struct weft_membership *m, uint64_t now_ms)
{
    (void)m, (void)now_ms; /* nemesis.c asks the replica itself. */
}

uint64_t weft_membership_deadline(const struct weft_membership *m)
{
    (void)m;
    return UINT64_MAX;
}

void weft_checkpoints_turn(struct weft_checkpoints *c, uint64_t now_ms)
{
    (void)c, (void)now_ms; /* plant_checkpoint.c has its own events. */
}

uint64_t weft_checkpoints_deadline(const struct weft_checkpoints *c)
{
    (void)c;
    return UINT64_MAX;
}

void weft_checkpoints_request(struct weft_checkpoints *c,
    const struct weft_checkpoint_request *request, const struct weft_waiter *waiter)
{
    (void)c, (void)request, (void)waiter;
}

void weft_checkpoints_file(
    struct weft_checkpoints *c, const struct weft_fetch *fetch, const struct weft_waiter *waiter)
{
    (void)c, (void)fetch, (void)waiter;
}

/* Sites of plants are ungoverned: a note is refused before it would be asked. */
uint64_t weft_warrants_share(const char *bringer)
{
    (void)bringer;
    return 0;
}

enum weft_err weft_warrants_ask(struct weft_warrants *w,
    const struct weft_warrants_question *question, struct weft_warrants_answer *ret_answer)
{
    (void)w, (void)question, (void)ret_answer;
    return WEFT_EUNAVAILABLE;
}

bool weft_warrants_penalize(
    struct weft_warrants *w, const struct weft_waiter *waiter, uint64_t now_ms)
{
    (void)w, (void)waiter, (void)now_ms;
    return false;
}

enum weft_err weft_warrants_note_id(
    struct weft_warrants *w, const struct weft_request_id *id, int64_t until_ns, int64_t now_ns)
{
    (void)w, (void)id, (void)until_ns, (void)now_ns;
    return WEFT_EUNAVAILABLE;
}

enum weft_err weft_warrants_tell(const char *door, const char *bringer, enum weft_err err,
    const struct weft_msg *why, struct weft_msg *ret_detail)
{
    (void)door, (void)bringer, (void)why;
    return weft_fail(ret_detail, err, "not authorized");
}

void weft_node_place_question(struct weft_node *node, struct weft_warrants_question *question)
{
    (void)node, (void)question;
}

/* Nobody signs here: node->audit_sign is NULL. */
void weft_audit_sign_turn(struct weft_audit_sign *sign, struct weft_state *state,
    const struct weft_configuration *configuration, uint64_t leader_id, uint64_t now_ms)
{
    (void)sign, (void)state, (void)configuration, (void)leader_id, (void)now_ms;
}

uint64_t weft_audit_sign_deadline(const struct weft_audit_sign *sign)
{
    (void)sign;
    return UINT64_MAX;
}

void weft_audit_sign_hurry(struct weft_audit_sign *sign, uint64_t leaf)
{
    (void)sign, (void)leaf;
}

uint64_t weft_audit_sign_note_size(const struct weft_audit_sign *sign)
{
    (void)sign;
    return 0;
}

struct weft_bytes weft_audit_sign_note(const struct weft_audit_sign *sign)
{
    (void)sign;
    return (struct weft_bytes){NULL, 0};
}

/* --- node/partnership.c, node/partners.c: a plant by itself -------------------------------------
 */

void weft_partnership_turn(struct weft_node *node, uint64_t now_ms, int64_t now_ns)
{
    (void)node, (void)now_ms, (void)now_ns;
}

uint64_t weft_partnership_deadline(const struct weft_node *node)
{
    (void)node;
    return UINT64_MAX;
}

enum weft_err weft_partnership_note(
    struct weft_node *node, const struct weft_query *query, struct weft_text *ret_note)
{
    (void)node, (void)query;
    *ret_note = (struct weft_text){NULL, 0};
    return WEFT_ENOTLEADER;
}

enum weft_err weft_partnership_carry(struct weft_node *node, struct weft_text principal,
    const struct weft_carry *carried, const struct weft_waiter *waiter, struct weft_msg *msg)
{
    (void)node, (void)principal, (void)carried, (void)waiter;
    return weft_fail(msg, WEFT_ENOTFOUND, "no such agreement");
}

void weft_partners_done(
    struct weft_partners *p, const struct weft_waiter *waiter, enum weft_err err)
{
    (void)p, (void)waiter, (void)err;
    abort(); /* Nothing is proposed for partners. */
}

enum weft_err weft_partners_ask(struct weft_partners *p, const struct weft_agreement *a,
    bool is_question, struct weft_bytes body)
{
    (void)p, (void)a, (void)is_question, (void)body;
    return WEFT_EUNAVAILABLE;
}

enum weft_err weft_partners_sign_answer(
    const struct weft_partners *p, struct weft_text text, struct weft_buffer *out)
{
    (void)p, (void)text, (void)out;
    return WEFT_ESTATE;
}

bool weft_partners_is_answer_signed(
    const struct weft_agreement *a, struct weft_text text, struct weft_text line)
{
    (void)a, (void)text, (void)line;
    return false;
}
