#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

/* A message on its way: one block with everything it points to. */
struct sim_message {
    uint64_t from;
    struct weft_peer_message message;
    uint8_t bytes[] __attribute__((aligned(8)));
};

const struct weft_peer_message *sim_message(const struct sim_message *message)
{
    return &message->message;
}

uint64_t sim_message_from(const struct sim_message *message)
{
    return message->from;
}

void sim_message_free(struct sim_message *message)
{
    free(message);
}

static size_t round_up(size_t size)
{
    return (size + 7) / 8 * 8;
}

static size_t extra_size(const struct weft_peer_message *m)
{
    size_t size = 0;
    if (m->kind == WEFT_KIND_APPEND_ENTRIES) {
        const struct weft_append_entries *a = &m->append_entries;
        size = a->entry_count * sizeof(a->entries[0]);
        for (uint32_t i = 0; i < a->entry_count; i++) {
            size += round_up(a->entries[i].data.size);
        }
    } else if (m->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        size = round_up(m->install_snapshot.configuration.size) +
               round_up(m->install_snapshot.manifest.size) +
               round_up(m->install_snapshot.address.size);
    }
    return size;
}

static uint8_t *put(uint8_t *at, struct weft_bytes *bytes)
{
    if (bytes->size > 0) {
        memcpy(at, bytes->data, bytes->size);
    }
    bytes->data = at;
    return at + round_up(bytes->size);
}

static struct sim_message *copy(uint64_t from, const struct weft_peer_message *m)
{
    struct sim_message *c = malloc(sizeof(*c) + extra_size(m));
    if (c == NULL) {
        abort();
    }
    c->from = from;
    c->message = *m;
    uint8_t *at = c->bytes;
    if (m->kind == WEFT_KIND_APPEND_ENTRIES && m->append_entries.entry_count > 0) {
        struct weft_append_entries *a = &c->message.append_entries;
        struct weft_peer_entry *entries = (struct weft_peer_entry *)at;
        memcpy(entries, m->append_entries.entries, a->entry_count * sizeof(*entries));
        at += a->entry_count * sizeof(*entries);
        for (uint32_t i = 0; i < a->entry_count; i++) {
            at = put(at, &entries[i].data);
        }
        a->entries = entries;
    } else if (m->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        at = put(at, &c->message.install_snapshot.configuration);
        at = put(at, &c->message.install_snapshot.manifest);
        struct weft_text *address = &c->message.install_snapshot.address;
        struct weft_bytes bytes = {(const uint8_t *)address->data, address->size};
        (void)put(at, &bytes);
        address->data = (const char *)bytes.data;
    }
    return c;
}

static void carry(struct sim *s, uint64_t from, uint64_t to, const struct weft_peer_message *m)
{
    uint64_t *last_ms = &s->network.last_ms[from][to];
    uint64_t delay_ms = sim_random(s, 5);
    if (sim_chance(s, s->network.slow_permille)) {
        delay_ms = sim_random(s, 200); /* Others overtake it. */
        s->counts[SIM_OVERTAKEN]++;
    } else { /* In order, as on a connection. */
        delay_ms = *last_ms > s->now_ms + delay_ms ? *last_ms - s->now_ms : delay_ms;
        *last_ms = s->now_ms + delay_ms;
    }
    struct sim_event event = {.type = SIM_EVENT_DELIVER, .node = to, .message = copy(from, m)};
    sim_plan(s, &event, delay_ms);
}

/* For people only; not part of the trace's hash. */
static void show(struct sim *s, uint64_t from, uint64_t to, const struct weft_peer_message *m)
{
    static const char *const names[] = {
        "vote?", "vote!", "append?", "append!", "offer", "now", "ping", "pong", "read?", "read!"};
    FILE *f = s->options.trace;
    (void)fprintf(f, "%6" PRIu64 "     %" PRIu64 "->%" PRIu64 " %s term %" PRIu64, s->now_ms, from,
        to, names[m->kind - WEFT_KIND_REQUEST_VOTE], m->header.term);
    if (m->kind == WEFT_KIND_APPEND_ENTRIES) {
        (void)fprintf(f, " after %" PRIu64 "^%" PRIu64 " entries %" PRIu32 " commit %" PRIu64,
            m->append_entries.prev_log_index, m->append_entries.prev_log_term,
            m->append_entries.entry_count, m->append_entries.leader_commit);
    } else if (m->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        (void)fprintf(f, " rejected %" PRIu64 " last %" PRIu64, m->append_entries_result.rejected,
            m->append_entries_result.last_log_index);
    } else if (m->kind == WEFT_KIND_REQUEST_VOTE) {
        (void)fprintf(f, " %s for %" PRIu64 " log %" PRIu64 "^%" PRIu64 "%s",
            m->request_vote.pre_vote ? "pre" : "real", m->request_vote.term,
            m->request_vote.last_log_index, m->request_vote.last_log_term,
            m->request_vote.disrupt_leader ? " transfer" : "");
    } else if (m->kind == WEFT_KIND_REQUEST_VOTE_RESULT) {
        (void)fprintf(f, " %s %s", m->request_vote_result.pre_vote ? "pre" : "real",
            m->request_vote_result.vote_granted ? "granted" : "refused");
    } else if (m->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        (void)fprintf(f, " of %" PRIu64, m->install_snapshot.last_index);
    }
    (void)fprintf(f, "\n");
}

void sim_send(struct sim *s, uint64_t from, uint64_t to, const struct weft_peer_message *m)
{
    if (s->options.trace != NULL && s->options.trace_messages) {
        show(s, from, to, m);
    }
    if (to == 0 || to > s->node_count || s->network.is_cut[from][to]) {
        return;
    }
    if (sim_chance(s, s->network.loss_permille)) {
        s->counts[SIM_LOST]++;
        return;
    }
    carry(s, from, to, m);
    if (sim_chance(s, s->network.duplicate_permille)) {
        s->counts[SIM_DUPLICATED]++;
        carry(s, from, to, m);
    }
}
