#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/json.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"

/* What nodes say of themselves, by `weft session` at their client door: one question, one answer.
 */

enum {
    PATH_BYTES = 640
};

#define STATUS_LINE "{\"op\":\"status\"}\n"

/* The command line of a session: texts that its argv needs. */
struct session {
    char weft[PATH_BYTES], timeout[32];
    const char *argv[9];
};

static void prepare(
    struct session *s, const struct jep_plant *plant, unsigned node, unsigned timeout_ms)
{
    const struct jep_part *p = &plant->parts[node];
    (void)snprintf(s->weft, sizeof(s->weft), "%s/weft", plant->bin);
    (void)snprintf(s->timeout, sizeof(s->timeout), "%ums", timeout_ms);
    const char *const argv[] = {s->weft, "session", "--endpoint", p->client, "--identity",
        plant->identity[p->info.cluster], "--timeout", s->timeout, NULL};
    memcpy(s->argv, argv, sizeof(argv));
}

struct question {
    struct jep_capture capture;
    bool is_asked;
};

static void ask(
    const struct jep_plant *plant, unsigned node, unsigned timeout_ms, struct question *q)
{
    struct session s;
    struct jep_message ignored;
    prepare(&s, plant, node, timeout_ms);
    q->is_asked = jep_capture_start(&q->capture, s.argv, jep_layout_env, STATUS_LINE, &ignored);
}

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static void read_members(const struct jep_edn *members, struct jep_node_status *ret_status)
{
    for (uint32_t i = 0; members != NULL && i < members->count; i++) {
        const struct jep_edn *member = &members->items[i];
        ret_status->members++;
        ret_status->voters += strcmp(jep_json_text(member, "role"), "voter") == 0;
        if ((uint64_t)jep_json_int(member, "id", 0) == ret_status->id) {
            copy_text(ret_status->role, sizeof(ret_status->role), jep_json_text(member, "role"));
        }
    }
}

static bool read_answer(const struct jep_text *line, struct jep_node_status *ret_status)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn answer;
    struct jep_message ignored;
    memset(ret_status, 0, sizeof(*ret_status));
    const struct jep_edn *ok = NULL;
    if (line->size > 0 && jep_json_parse(arena, line->bytes, line->size, &answer, &ignored)) {
        ok = jep_json_get(&answer, "ok");
    }
    if (ok != NULL) {
        const struct jep_edn *gauges = jep_json_get(ok, "gauges");
        copy_text(ret_status->state, sizeof(ret_status->state), jep_json_text(ok, "state"));
        ret_status->term = (uint64_t)jep_json_int(ok, "term", 0);
        ret_status->id = (uint64_t)jep_json_int(ok, "node_id", 0);
        ret_status->leader_id = (uint64_t)jep_json_int(ok, "leader_id", 0);
        ret_status->commit_index = (uint64_t)jep_json_int(ok, "commit_index", 0);
        ret_status->applied_index = (uint64_t)jep_json_int(ok, "applied_index", 0);
        ret_status->first_log_index = (uint64_t)jep_json_int(ok, "first_log_index", 0);
        ret_status->last_log_index = (uint64_t)jep_json_int(ok, "last_log_index", 0);
        ret_status->checkpoint_index = (uint64_t)jep_json_int(ok, "checkpoint_index", 0);
        ret_status->checkpoints_installed =
            (uint64_t)jep_json_int(gauges, "checkpoints_installed_total", 0);
        ret_status->elections = (uint64_t)jep_json_int(gauges, "elections_total", 0);
        read_members(jep_json_get(ok, "members"), ret_status);
    }
    jep_arena_destroy(arena);
    return ok != NULL;
}

static bool answer(struct question *q, int64_t deadline_ns, struct jep_node_status *ret_status)
{
    if (!q->is_asked) {
        return false;
    }
    int code = jep_capture_finish(&q->capture, deadline_ns);
    bool is_answered = code == 0 && read_answer(&q->capture.stdout_text, ret_status);
    jep_capture_free(&q->capture);
    q->is_asked = false;
    return is_answered;
}

/* Some more than the command's own, which says why. */
static int64_t deadline_of(unsigned timeout_ms)
{
    return jep_now_ns() + ((int64_t)timeout_ms + 1000) * 1000000;
}

bool jep_node_status(const struct jep_plant *plant, unsigned node, unsigned timeout_ms,
    struct jep_node_status *ret_status)
{
    struct question q = {0};
    if (jep_node_state(plant, node) != JEP_NODE_UP) {
        return false;
    }
    ask(plant, node, timeout_ms, &q);
    return answer(&q, deadline_of(timeout_ms), ret_status);
}

unsigned jep_plant_statuses(const struct jep_plant *plant, unsigned cluster, unsigned timeout_ms,
    struct jep_node_status ret_statuses[JEP_NODES_MAX], bool ret_is_known[JEP_NODES_MAX])
{
    struct question questions[JEP_NODES_MAX] = {0};
    unsigned known = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if (plant->parts[i].info.cluster == cluster && jep_node_state(plant, i) == JEP_NODE_UP) {
            ask(plant, i, timeout_ms, &questions[i]);
        }
    }
    int64_t deadline = deadline_of(timeout_ms);
    for (unsigned i = 0; i < plant->count; i++) {
        ret_is_known[i] = answer(&questions[i], deadline, &ret_statuses[i]);
        known += ret_is_known[i];
    }
    return known;
}

int jep_plant_leader(const struct jep_plant *plant, unsigned cluster, unsigned timeout_ms)
{
    struct jep_node_status statuses[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    int leader = -1;
    (void)jep_plant_statuses(plant, cluster, timeout_ms, statuses, is_known);
    for (unsigned i = 0; i < plant->count; i++) {
        if (is_known[i] && strcmp(statuses[i].state, "leader") == 0 &&
            (leader < 0 || statuses[i].term > statuses[leader].term)) {
            leader = (int)i;
        }
    }
    return leader;
}

bool jep_part_session(const struct jep_plant *plant, unsigned node, unsigned timeout_ms,
    struct jep_capture *capture, int *ret_feed)
{
    struct session s;
    struct jep_message ignored;
    prepare(&s, plant, node, timeout_ms);
    if (!jep_capture_open(capture, s.argv, jep_layout_env, ret_feed, &ignored)) {
        return false;
    }
    bool is_asked = write(*ret_feed, STATUS_LINE, strlen(STATUS_LINE)) > 0;
    if (is_asked && jep_capture_lines(capture, 1, deadline_of(timeout_ms))) {
        return true;
    }
    (void)close(*ret_feed);
    (void)jep_capture_finish(capture, jep_now_ns());
    jep_capture_free(capture);
    return false;
}
