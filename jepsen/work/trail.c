#include "jepsen/work/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/process.h"

enum {
    FLUSH_TRIES = 8,
    FLUSH_MS = 1100, /* refusals are counted by the second */
    SETTLE_TRIES = 150,
    SETTLE_MS = 200,
    SHOW_MS = 60000,
    SHOW_LEAVES = 512, /* in one command: seconds on a busy machine */
    NUMBER_BYTES = 12,
    SECOND_BYTES = 19 /* "2026-03-01T08:00:00" */
};

struct trail {
    struct jep_worker *worker;
    struct jep_arena *arena;
    int64_t flush[2]; /* indexes of two commits behind all others, a second apart; 0: none */
    int64_t size;
    struct jep_edn_list nodes;
    struct jep_text leaves; /* of the member that was asked first */
};

/* --- peace ------------------------------------------------------------------------------- */

static int64_t commit(struct trail *t)
{
    struct jep_client *client = &t->worker->client;
    char asset[JEP_ASSET_BYTES];
    int64_t index = 0;
    jep_client_asset(client, "flush", 1, asset);
    for (int tries = 0; tries < SETTLE_TRIES && index == 0 && !client->is_broken; tries++) {
        struct jep_text line = {0};
        jep_commit_begin(&line);
        jep_commit_record(&line, "jepsen.flush", asset, NULL, NULL, -1);
        jep_commit_end(&line);
        struct jep_answer answer = jep_client_commit(client, line.bytes, false, t->arena);
        index = answer.kind == JEP_ANSWER_OK ? jep_json_int(&answer.body, "index", 0) : 0;
        jep_text_free(&line);
        if (index == 0) {
            client->home = (client->home + 1) % client->site->count;
            jep_sleep_ms(SETTLE_MS);
        }
    }
    return index;
}

/* Every member has applied the same: its [applied, leaves, root] in `nodes`. */
static bool settle(struct trail *t)
{
    const struct jep_worker *w = t->worker;
    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        bool is_one = true;
        (void)jep_edn_take_vector(&t->nodes, t->arena); /* what an earlier try has left */
        int64_t applied = -1;
        for (unsigned n = 0; n < w->client.site->count && is_one; n++) {
            if (!w->is_member[n]) {
                continue;
            }
            struct jep_answer answer =
                jep_client_ask(&t->worker->client, n, "{\"op\":\"status\"}", t->arena);
            int64_t here = jep_json_int(&answer.body, "applied_index", -1);
            is_one = answer.kind == JEP_ANSWER_OK && here > 0 && (applied < 0 || here == applied);
            applied = here;
            struct jep_edn said[] = {jep_edn_int(here),
                jep_edn_int(jep_json_int(&answer.body, "audit_size", 0)),
                jep_edn_string_copy(t->arena, jep_json_text(&answer.body, "audit_root"))};
            jep_edn_push(&t->nodes, jep_edn_string(w->client.site->nodes[n].name));
            jep_edn_push(&t->nodes, jep_edn_vector(t->arena, said, 3));
        }
        if (is_one) {
            return true;
        }
        jep_sleep_ms(SETTLE_MS);
    }
    return false;
}

/* --- leaves ------------------------------------------------------------------------------ */

/* The leaves from `first` on, at most SHOW_LEAVES of them, as the node has them. */
static bool show(struct trail *t, unsigned node, int64_t first, int64_t size, struct jep_text *out)
{
    const struct jep_site *site = t->worker->client.site;
    char(*numbers)[NUMBER_BYTES] = jep_alloc(SHOW_LEAVES, sizeof(*numbers));
    const char **argv = jep_alloc(SHOW_LEAVES + 16, sizeof(*argv));
    const char *const head[] = {site->weft, "audit", "show", "--stale", "--endpoint",
        site->nodes[node].endpoint, "--identity", site->identity, "-q"};
    size_t count = sizeof(head) / sizeof(head[0]);
    struct jep_capture capture;
    struct jep_message message;
    memcpy(argv, head, sizeof(head));
    for (int64_t i = 0; i < SHOW_LEAVES && first + i < size; i++) {
        (void)snprintf(numbers[i], NUMBER_BYTES, "%" PRId64, first + i);
        argv[count++] = numbers[i];
    }
    argv[count] = NULL;
    bool is_shown = jep_capture_start(&capture, argv, jep_layout_env, NULL, &message);
    if (is_shown) {
        int code = jep_capture_finish(&capture, jep_now_ns() + SHOW_MS * INT64_C(1000000));
        is_shown = code == 0;
        jep_text_add(out, capture.stdout_text.bytes, capture.stdout_text.size);
        jep_capture_free(&capture);
    }
    free(argv);
    free(numbers);
    return is_shown;
}

/* FNV-1a, 64 bits: leaves are compared byte by byte, by what follows from their bytes. */
static uint64_t hash_of(const struct jep_text *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text->size; i++) {
        hash = (hash ^ (uint8_t)text->bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Adds a hash of all its leaves to what each member has said. */
static bool show_all(struct trail *t)
{
    bool is_first = true;
    for (size_t i = 0; i < t->nodes.count; i += 2) {
        const struct jep_worker *w = t->worker;
        struct jep_edn *said = &t->nodes.items[i + 1];
        int64_t size = said->items[1].integer;
        struct jep_text text = {0};
        unsigned n = 0;
        while (strcmp(w->client.site->nodes[n].name, t->nodes.items[i].text) != 0) {
            n++;
        }
        for (int64_t from = 0; from < size; from += SHOW_LEAVES) {
            if (!show(t, n, from, size, &text)) {
                jep_text_free(&text);
                return false;
            }
        }
        struct jep_edn all[] = {said->items[0], said->items[1], said->items[2],
            jep_edn_string(jep_arena_format(t->arena, "%016" PRIx64, hash_of(&text)))};
        *said = jep_edn_vector(t->arena, all, 4);
        if (is_first) {
            jep_text_free(&t->leaves);
            t->leaves = text;
            is_first = false;
        } else {
            jep_text_free(&text);
        }
    }
    return true;
}

/* The value of a line "\nKEY VALUE\n" within a leaf, or "". */
static const char *line_of(struct trail *t, const char *leaf, const char *end, const char *key)
{
    size_t size = strlen(key);
    for (const char *at = leaf; at < end && (at = strchr(at, '\n')) != NULL; at++) {
        if (at + 1 + size < end && strncmp(at + 1, key, size) == 0 && at[1 + size] == ' ') {
            const char *value = at + 2 + size;
            return jep_arena_text(t->arena, value, strcspn(value, "\n"));
        }
    }
    return "";
}

/* [index act effect count second] of each leaf, in their order. */
static struct jep_edn rows(struct trail *t)
{
    static const char head[] = "weft-audit/v1\n";
    struct jep_edn_list list = {0};
    const char *at = t->leaves.size > 0 ? strstr(t->leaves.bytes, head) : NULL;
    while (at != NULL) {
        const char *next = strstr(at + 1, head);
        const char *end = next != NULL ? next : t->leaves.bytes + t->leaves.size;
        const char *entry = strchr(line_of(t, at, end, "entry"), ' ');
        const char *count = line_of(t, at, end, "count");
        const char *decision = line_of(t, at, end, "decision");
        const char *time = line_of(t, at, end, "time");
        char *second = jep_arena_text(t->arena, time, strnlen(time, SECOND_BYTES));
        struct jep_edn row[] = {jep_edn_int(entry != NULL ? strtoll(entry, NULL, 10) : -1),
            jep_edn_string(line_of(t, at, end, "act")),
            jep_edn_string(jep_arena_text(t->arena, decision, strcspn(decision, " "))),
            jep_edn_int(count[0] != '\0' ? strtoll(count, NULL, 10) : 1), jep_edn_string(second)};
        jep_edn_push(&list, jep_edn_vector(t->arena, row, 5));
        at = next;
    }
    return jep_edn_take_vector(&list, t->arena);
}

/* [index time id actor act from to] of each leaf of a command that changed, in their order. */
static struct jep_edn arrows(struct trail *t)
{
    static const char head[] = "weft-audit/v1\n", asset[] = "command:";
    struct jep_edn_list list = {0};
    const char *at = t->leaves.size > 0 ? strstr(t->leaves.bytes, head) : NULL;
    while (at != NULL) {
        const char *next = strstr(at + 1, head);
        const char *end = next != NULL ? next : t->leaves.bytes + t->leaves.size;
        const char *subject = line_of(t, at, end, "subject");
        const char *state = line_of(t, at, end, "state");
        const char *to = strchr(state, ' ');
        if (to != NULL && strncmp(subject, asset, sizeof(asset) - 1) == 0) {
            const char *entry = strchr(line_of(t, at, end, "entry"), ' ');
            struct jep_edn row[] = {jep_edn_int(entry != NULL ? strtoll(entry, NULL, 10) : -1),
                jep_edn_string(line_of(t, at, end, "time")),
                jep_edn_string(subject + sizeof(asset) - 1),
                jep_edn_string(line_of(t, at, end, "actor")),
                jep_edn_string(line_of(t, at, end, "act")),
                jep_edn_string(jep_arena_text(t->arena, state, (size_t)(to - state))),
                jep_edn_string(to + 1)};
            jep_edn_push(&list, jep_edn_vector(t->arena, row, 7));
        }
        at = next;
    }
    return jep_edn_take_vector(&list, t->arena);
}

/* --- the operation ----------------------------------------------------------------------- */

static const char *second_of(const struct jep_edn *leaves, int64_t index)
{
    for (size_t i = 0; i < leaves->count; i++) {
        if (leaves->items[i].items[0].integer == index) {
            return leaves->items[i].items[4].text;
        }
    }
    return "";
}

/* NULL, or what did not come to be. */
static const char *look(struct trail *t, struct jep_edn *ret_leaves)
{
    bool has_refused = t->worker->shared->ledger.refused > 0;
    t->flush[0] = has_refused ? commit(t) : 0;
    for (int tries = 0; tries < FLUSH_TRIES; tries++) {
        if (has_refused) {
            jep_sleep_ms(FLUSH_MS);
            t->flush[1] = commit(t);
            if (t->flush[0] == 0 || t->flush[1] == 0) {
                return "no-commit";
            }
        }
        if (!settle(t)) {
            return "not-one-index";
        }
        if (!show_all(t)) {
            return "no-leaves";
        }
        *ret_leaves = rows(t);
        if (!has_refused ||
            strcmp(second_of(ret_leaves, t->flush[0]), second_of(ret_leaves, t->flush[1])) != 0) {
            break;
        }
    }
    return NULL;
}

static struct jep_edn acked(struct trail *t)
{
    const struct jep_ledger *ledger = &t->worker->shared->ledger;
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < ledger->count; i++) {
        jep_edn_push(&list, jep_edn_pair(t->arena, jep_edn_int(ledger->acked[i].index),
                                jep_edn_int(ledger->acked[i].records)));
    }
    return jep_edn_take_vector(&list, t->arena);
}

/* JEP-69. */
void jep_trail_tell(struct jep_worker *worker)
{
    struct trail t = {.worker = worker, .arena = jep_arena_create()};
    struct jep_edn leaves = jep_edn_nil();
    struct jep_edn_list value = {0};
    jep_worker_write(worker, &(struct jep_op){.type = JEP_INVOKE, .f = "audit"});
    const char *failure = look(&t, &leaves);
    struct jep_op end = {.type = failure == NULL ? JEP_OK : JEP_FAIL, .f = "audit"};
    if (failure == NULL) {
        const struct jep_ledger *ledger = &worker->shared->ledger;
        const struct jep_workload *workload = worker->plan->options.workload;
        jep_edn_put(&value, "nodes", jep_edn_take_map(&t.nodes, t.arena));
        jep_edn_put(&value, "from", jep_edn_int(ledger->from));
        jep_edn_put(&value, "acked", acked(&t));
        jep_edn_put(&value, "refused", jep_edn_int(ledger->refused));
        jep_edn_put(&value, "doubt", jep_edn_int(ledger->doubt));
        jep_edn_put(&value, "flush",
            jep_edn_pair(t.arena, jep_edn_int(t.flush[0]), jep_edn_int(t.flush[1])));
        jep_edn_put(&value, "leaves", leaves);
        if (workload->gates > 0 || workload->is_federated) { /* Others than we commit there. */
            jep_edn_put(&value, "others", jep_edn_bool(true));
        }
        if (workload->gates > 0) {
            jep_edn_put(&value, "arrows", arrows(&t));
        }
        end.value = jep_edn_take_map(&value, t.arena);
    } else {
        end.error = jep_edn_keyword(failure);
    }
    jep_worker_write(worker, &end);
    jep_text_free(&t.leaves);
    jep_arena_destroy(t.arena);
}
