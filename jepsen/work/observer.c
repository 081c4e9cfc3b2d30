#include "jepsen/work/observer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"

enum {
    EVERY_MS = 50,   /* chosen: a third of the shortest election timeout */
    TIMEOUT_MS = 400 /* a node that is silent so long is not seen to lead */
};

struct node {
    struct jep_observer *observer;
    pthread_t thread;
    bool is_started;
    unsigned number;
    bool is_leader;
    bool is_answering;
    int64_t term;
};

struct jep_observer {
    struct jep_site site; /* with a timeout of its own */
    struct jep_history_writer *history;
    int log;
    atomic_bool is_over;
    pthread_mutex_t mutex; /* of what follows, and of what is seen of each node */
    int answering;         /* nodes; -1: not looked yet */
    int leader;            /* -1: none */
    int64_t term;
    struct node nodes[JEP_SITE_NODES_MAX];
};

static void write_op(struct jep_observer *o, const char *f, struct jep_edn *items, size_t count)
{
    struct jep_edn value = {.type = JEP_EDN_MAP, .count = (uint32_t)count, .items = items};
    struct jep_op op = {
        .type = JEP_INFO, .time_ns = -1, .process = JEP_NEMESIS, .f = f, .value = value};
    jep_history_write(o->history, &op, NULL);
}

/* Under the mutex. */
static void note_answering(struct jep_observer *o)
{
    int answering = 0;
    for (unsigned i = 0; i < o->site.count; i++) {
        answering += o->nodes[i].is_answering ? 1 : 0;
    }
    if (answering != o->answering) {
        o->answering = answering;
        struct jep_edn items[] = {jep_edn_keyword("count"), jep_edn_int(answering),
            jep_edn_keyword("of"), jep_edn_int(o->site.count)};
        write_op(o, "answering", items, 2);
    }
}

/* Under the mutex, so that changes stand in the history in their order. */
static void note_change(struct jep_observer *o)
{
    int leader = -1;
    for (unsigned i = 0; i < o->site.count; i++) {
        const struct node *n = &o->nodes[i];
        if (n->is_leader && (leader < 0 || n->term > o->nodes[leader].term)) {
            leader = (int)i;
        }
    }
    int64_t term = leader >= 0 ? o->nodes[leader].term : o->term;
    if (leader == o->leader && term == o->term) {
        return;
    }
    o->leader = leader;
    o->term = term;
    struct jep_edn items[] = {jep_edn_keyword("leader"),
        leader >= 0 ? jep_edn_string(o->site.nodes[leader].name) : jep_edn_nil(),
        jep_edn_keyword("term"), jep_edn_int(term)};
    write_op(o, "leader", items, 2);
}

static void look(struct node *n, struct jep_client *client)
{
    struct jep_observer *o = n->observer;
    struct jep_arena *arena = jep_arena_create();
    struct jep_answer answer = jep_client_ask(client, n->number, "{\"op\":\"status\"}", arena);
    bool is_leader =
        answer.kind == JEP_ANSWER_OK && strcmp(jep_json_text(&answer.body, "state"), "leader") == 0;
    int64_t term = jep_json_int(&answer.body, "term", 0);
    (void)pthread_mutex_lock(&o->mutex);
    n->is_answering = answer.kind == JEP_ANSWER_OK;
    n->is_leader = is_leader;
    n->term = is_leader ? term : n->term;
    note_answering(o);
    note_change(o);
    (void)pthread_mutex_unlock(&o->mutex);
    jep_arena_destroy(arena);
}

static void *observe(void *ctx)
{
    struct node *n = ctx;
    struct jep_client client;
    jep_client_init(&client, &n->observer->site, n->number, n->observer->log);
    while (!atomic_load(&n->observer->is_over)) {
        look(n, &client);
        jep_sleep_ms(EVERY_MS);
    }
    jep_client_close(&client);
    return NULL;
}

struct jep_observer *jep_observer_start(
    const struct jep_site *site, struct jep_history_writer *history, int log)
{
    struct jep_observer *o = jep_alloc(1, sizeof(*o));
    memset(o, 0, sizeof(*o));
    o->site = *site;
    o->site.timeout_ms = TIMEOUT_MS;
    o->history = history;
    o->log = log;
    o->answering = -1;
    o->leader = -2; /* So that the first look is written, whatever it shows. */
    (void)pthread_mutex_init(&o->mutex, NULL);
    for (unsigned i = 0; i < site->count; i++) {
        struct node *n = &o->nodes[i];
        *n = (struct node){.observer = o, .number = i};
        n->is_started = pthread_create(&n->thread, NULL, observe, n) == 0;
    }
    return o;
}

void jep_observer_stop(struct jep_observer *observer)
{
    if (observer == NULL) {
        return;
    }
    atomic_store(&observer->is_over, true);
    for (unsigned i = 0; i < observer->site.count; i++) {
        if (observer->nodes[i].is_started) {
            (void)pthread_join(observer->nodes[i].thread, NULL);
        }
    }
    (void)pthread_mutex_destroy(&observer->mutex);
    free(observer);
}
