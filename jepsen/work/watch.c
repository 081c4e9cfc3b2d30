#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/work/workload.h"

/* The feed: commits are watched from where the last page ended, each time at the next node. Nothing
 * is left out and nothing comes twice, whichever node is asked. */

enum {
    WAIT_MS = 200,   /* a node holds an empty page so long; below any timeout */
    PAGE_RECORDS = 7 /* chosen: pages end within an index, too */
};

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    if (jep_rng_below(&gen->rng, 100) < 35) {
        *ret_step = (struct jep_step){"watch", jep_edn_nil()};
    } else {
        *ret_step = (struct jep_step){"append-commit", jep_edn_int(gen->next_value++)};
    }
}

/* All of the feed, from the start. */
static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    struct jep_edn items[] = {jep_edn_keyword("from"), jep_edn_int(1)};
    *ret_step = (struct jep_step){"watch", jep_edn_map(gen->arena, items, 1)};
    return i == 0;
}

static void append_commit(struct jep_call *call)
{
    struct jep_text line = {0};
    char attrs[64], asset[JEP_ASSET_BYTES];
    int64_t id = call->step->value.integer;
    (void)snprintf(attrs, sizeof(attrs), "{\"id\":%" PRId64 "}", id);
    jep_client_asset(call->client, "feed", id % 10, asset);
    jep_commit_begin(&line);
    jep_commit_record(&line, "jepsen.feed", asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    if (call->type == JEP_OK) {
        int64_t index = jep_json_int(&answer.body, "index", -1);
        call->value = jep_edn_pair(call->arena, jep_edn_int(index), jep_edn_int(id));
    }
    jep_text_free(&line);
}

/* Events of one index stand together, also where a page ends between them. */
struct events {
    struct jep_arena *arena;
    struct jep_edn_list all; /* [index [id ...]] */
    struct jep_edn_list ids; /* of `index` */
    int64_t index;
};

static void end_index(struct events *e)
{
    if (e->ids.count > 0) {
        struct jep_edn ids = jep_edn_take_vector(&e->ids, e->arena);
        jep_edn_push(&e->all, jep_edn_pair(e->arena, jep_edn_int(e->index), ids));
    }
}

static void take_page(struct events *e, const struct jep_edn *page)
{
    const struct jep_edn *records = jep_json_get(page, "records");
    for (size_t i = 0; records != NULL && i < records->count; i++) {
        int64_t index = jep_json_int(&records->items[i], "index", -1);
        if (index != e->index) {
            end_index(e);
            e->index = index;
        }
        jep_edn_push(&e->ids, jep_edn_int(jep_record_int(&records->items[i], "id", -1)));
    }
}

/* Pages until one says that there is no more for now. */
static struct jep_answer ask_pages(
    struct jep_call *call, int64_t from, struct events *events, int64_t *ret_next)
{
    struct jep_text line = {0};
    struct jep_answer answer;
    const char *cursor = "";
    char all[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "feed", -1, all);
    *ret_next = from;
    do {
        jep_text_reset(&line);
        jep_text_puts(&line, "{\"op\":\"watch\",\"asset\":");
        jep_json_quote(&line, all);
        jep_text_printf(&line, ",\"from\":%" PRId64 ",\"limit\":%d,\"wait_ms\":%d", *ret_next,
            call->is_final ? JEP_FIND_RECORDS_MAX : PAGE_RECORDS, call->is_final ? 0 : WAIT_MS);
        if (cursor[0] != '\0') {
            jep_text_printf(&line, ",\"cursor\":\"%s\"", cursor);
        }
        jep_text_puts(&line, "}");
        answer = jep_client_ask(call->client, call->client->home, line.bytes, call->arena);
        if (answer.kind != JEP_ANSWER_OK) {
            break;
        }
        take_page(events, &answer.body);
        int64_t next_index = jep_json_int(&answer.body, "next_index", 0);
        *ret_next = next_index > *ret_next ? next_index : *ret_next;
        cursor = jep_json_text(&answer.body, "cursor");
    } while (cursor[0] != '\0');
    jep_text_free(&line);
    return answer;
}

/* What is written down as :from is what has to come next: behind what was asked for, and behind
 * what was told already. So a page that says to go on where it was is seen to repeat itself. */
static void watch(struct jep_call *call)
{
    struct jep_client *client = call->client;
    struct jep_watcher start = {.next = 1}, *w = call->is_final ? &start : call->watcher;
    struct events events = {.arena = call->arena, .index = -1};
    unsigned home = client->home;
    int64_t asked = w->next > 0 ? w->next : 1, next_index;
    int64_t from = asked > w->told ? asked : w->told + 1;
    if (!call->is_final) { /* Whichever node: the feed goes on where it was. */
        client->home = (unsigned)jep_rng_below(call->rng, client->site->count);
    }
    struct jep_answer answer = ask_pages(call, asked, &events, &next_index);
    client->home = home;
    end_index(&events);
    struct jep_edn all = jep_edn_take_vector(&events.all, call->arena);
    jep_call_read_outcome(call, &answer);
    struct jep_edn items[] = {
        jep_edn_keyword("from"), jep_edn_int(from), jep_edn_keyword("events"), all};
    call->value = jep_edn_map(call->arena, items, call->type == JEP_OK ? 2 : 1);
    if (call->type == JEP_OK) {
        w->next = next_index;
        w->told = events.index > w->told ? events.index : w->told;
    }
}

static void apply(struct jep_call *call)
{
    if (strcmp(call->step->f, "watch") == 0) {
        watch(call);
    } else {
        append_commit(call);
    }
}

const struct jep_workload jep_workload_watch = {.name = "watch",
    .what = "the feed of commits, without gap or repetition, resumed at other nodes",
    .check = "watch",
    .rate = 80,
    .next = next,
    .final = final,
    .apply = apply};
