#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/json.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"

/* Heads that a site signed and of which nobody has all leaves any more, given up as the runbook
 * has it: first by who received, then by who stated. */

enum {
    COMMAND_MS = 10000,
    SETTLE_MS = 10000, /* chosen: partners have met, and given back what they have, by then */
    STEP_MS = 400,
    WORD_BYTES = 128
};

/* One direction of an agreement, where it does not go on by itself. */
struct standstill {
    char head[WORD_BYTES], base[WORD_BYTES]; /* "120 sha256:..."; head "": it goes on */
    bool is_fenced;
};

static bool status_of(const struct jep_plant *plant, unsigned cluster, const char *name,
    struct jep_arena *arena, struct jep_edn *ret_status)
{
    const char *const status[] = {"partner", "status", name, "-o", "json", NULL};
    struct jep_text said = {0};
    struct jep_message ignored;
    bool is_told =
        jep_part_weft_said(plant, jep_accord_door(plant, cluster), status, COMMAND_MS, &said) &&
        jep_json_parse(arena, said.bytes, said.size, ret_status, &ignored);
    jep_text_free(&said);
    return is_told;
}

/* False: it is not known. */
static bool look(const struct jep_plant *plant, unsigned provider, unsigned consumer,
    const char *name, struct standstill *ret_found)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn here, there;
    bool is_known = status_of(plant, provider, name, arena, &here) &&
                    status_of(plant, consumer, name, arena, &there);
    memset(ret_found, 0, sizeof(*ret_found));
    if (is_known) {
        const char *fence = jep_json_text(&here, "sent_fence");
        const char *head = jep_json_text(&there, "received_head");
        const char *size = jep_json_text(&there, "received_size");
        ret_found->is_fenced = strcmp(jep_json_text(&here, "sent_fenced"), "yes") == 0;
        if (ret_found->is_fenced && fence[0] != '\0' && strcmp(fence, head) == 0 &&
            strtoull(size, NULL, 10) < strtoull(head, NULL, 10)) {
            (void)snprintf(ret_found->head, WORD_BYTES, "%s", head);
            (void)snprintf(ret_found->base, WORD_BYTES, "%s", size);
        }
    }
    jep_arena_destroy(arena);
    return is_known;
}

static bool give_up(struct jep_plant *plant, unsigned provider, unsigned consumer, const char *name,
    const struct standstill *at, struct jep_message *message)
{
    const char *const there[] = {"partner", "resume", name, "--received", "--lost", at->head,
        "--base", at->base, "--reason", "both came back", "-q", NULL};
    const char *const here[] = {"partner", "resume", name, "--lost", at->head, "--base", at->base,
        "--reason", "both came back", "-q", NULL};
    return jep_part_weft(plant, jep_accord_door(plant, consumer), there, COMMAND_MS, message) &&
           jep_part_weft(plant, jep_accord_door(plant, provider), here, COMMAND_MS, message);
}

/* Until it goes on, or the deadline: then whoever judges says so. */
static bool settle(struct jep_plant *plant, unsigned provider, unsigned consumer, const char *name,
    int64_t deadline_ns, struct jep_arena *arena, struct jep_edn_list *lost,
    struct jep_message *message)
{
    struct standstill before = {.head = ""}, now;
    while (jep_now_ns() < deadline_ns) {
        bool is_known = look(plant, provider, consumer, name, &now);
        if (is_known && !now.is_fenced) {
            return true;
        }
        if (is_known && now.head[0] != '\0' && strcmp(now.head, before.head) == 0 &&
            strcmp(now.base, before.base) == 0) {
            jep_edn_push(lost, jep_edn_string_copy(arena, now.head));
            if (!give_up(plant, provider, consumer, name, &now, message)) {
                return false;
            }
        }
        before = now;
        jep_sleep_ms(STEP_MS);
    }
    return true;
}

bool jep_accords_lose(struct jep_plant *plant, struct jep_arena *arena, struct jep_edn_list *lost,
    struct jep_message *message)
{
    const int64_t deadline_ns = jep_now_ns() + (int64_t)SETTLE_MS * 1000000;
    bool is_good = true;
    for (unsigned c = 1; c < plant->options.clusters && is_good; c++) {
        const char *name = jep_accord_name(c);
        is_good = settle(plant, 0, c, name, deadline_ns, arena, lost, message) &&
                  settle(plant, c, 0, name, deadline_ns, arena, lost, message);
    }
    return is_good;
}
