#include "jepsen/work/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/json.h"

void jep_ledger_init(struct jep_ledger *ledger)
{
    *ledger = (struct jep_ledger){.from = 0};
    (void)pthread_mutex_init(&ledger->mutex, NULL);
}

void jep_ledger_destroy(struct jep_ledger *ledger)
{
    (void)pthread_mutex_destroy(&ledger->mutex);
    free(ledger->acked);
}

/* Lines are made by client.c: no text in them looks like the beginning of a record. */
static int64_t records_of(const char *line)
{
    static const char start[] = "{\"kind\":";
    int64_t count = 0;
    for (const char *at = line; (at = strstr(at, start)) != NULL; at += sizeof(start) - 1) {
        count++;
    }
    return count;
}

static void add(struct jep_ledger *ledger, int64_t index, int64_t records)
{
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity == 0 ? 1024 : 2 * ledger->capacity;
        ledger->acked = jep_realloc(ledger->acked, ledger->capacity, sizeof(*ledger->acked));
    }
    ledger->acked[ledger->count++] = (struct jep_acked){.index = index, .records = records};
}

void jep_ledger_note(struct jep_ledger *ledger, const char *line, const struct jep_answer *answer)
{
    static const char commit[] = "{\"op\":\"commit\"", denied[] = "not permitted";
    if (ledger == NULL || strncmp(line, commit, sizeof(commit) - 1) != 0) {
        return;
    }
    (void)pthread_mutex_lock(&ledger->mutex);
    if (answer->kind == JEP_ANSWER_OK) {
        add(ledger, jep_json_int(&answer->body, "index", 0), records_of(line));
    } else if (answer->kind == JEP_ANSWER_UNKNOWN) {
        ledger->doubt++;
    } else if (jep_answer_is(answer, JEP_ANSWER_REFUSED, "refused") &&
               strncmp(jep_json_text(&answer->body, "detail"), denied, sizeof(denied) - 1) == 0) {
        ledger->refused++;
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
}
