/* What follows from an arrow for the machine's twin: records that the state makes itself, beside
 * the commit's own, and in its name. So each is there exactly once, on every replica, in the feed,
 * under the policy and the labels of the machine. */
#include <stdio.h>
#include <stdlib.h>

#include "node/state/commands_parts.h"
#include "proto/check.h"

enum {
    PATH_SIZE = 256,
    ALARM_FIELDS = 6,
    DESIRED_FIELDS = 3 * WEFT_COMMAND_POSTS_MAX, /* value, unit, tolerance */
};

/* One record under construction, in the arena. */
struct making {
    struct weft_arena *arena;
    struct weft_field *fields;
    uint32_t count;
    bool is_short; /* Of memory. */
};

static void put(struct making *m, struct weft_text path, struct weft_text value, int type)
{
    struct weft_field *field = &m->fields[m->count++];
    *field = (struct weft_field){
        weft_arena_text(m->arena, path), weft_arena_text(m->arena, value), (uint8_t)type};
    m->is_short = m->is_short || field->path.data == NULL || field->value.data == NULL;
}

static void put_member(
    struct making *m, struct weft_text path, const char *member, struct weft_text value, int type)
{
    char whole[PATH_SIZE];
    (void)snprintf(whole, sizeof(whole), "%.*s/%s", (int)path.size, path.data, member);
    put(m, weft_text_of(whole), value, type);
}

static int number_type(const char *number)
{
    return strchr(number, '.') != NULL ? WEFT_VALUE_REAL : WEFT_VALUE_INT;
}

/* --- desired --------------------------------------------------------------------------------- */

/* What the command says that will be measured is what is wanted from now on. */
static void put_wish(struct making *m, const struct weft_outcome *post)
{
    char number[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    switch (post->value.type) {
    case WEFT_SCALAR_NUMBER:
        weft_scalar_format_number(post->value.number, number);
        put_member(m, post->path, "value", weft_text_of(number), number_type(number));
        put_member(m, post->path, "unit", post->value.unit, WEFT_VALUE_TEXT);
        if (post->tolerance != 0) {
            weft_scalar_format_number(post->tolerance, number);
            put_member(m, post->path, "tolerance", weft_text_of(number), number_type(number));
        }
        return;
    case WEFT_SCALAR_TRUTH:
        put(m, post->path, post->value.truth ? WEFT_TEXT("true") : WEFT_TEXT("false"),
            WEFT_VALUE_BOOL);
        return;
    case WEFT_SCALAR_WORD:
        put(m, post->path, post->value.word, WEFT_VALUE_TEXT);
        return;
    }
    weft_unreachable("a scalar is of three types");
}

static bool is_wished(const struct weft_commands_checked *k)
{
    return k->act.to == WEFT_COMMAND_DISPATCHED && k->act.from == WEFT_COMMAND_INTENT &&
           !k->live->command.is_shadow && k->live->command.post_count > 0;
}

/* --- alarms ---------------------------------------------------------------------------------- */

static void put_alarm(struct making *m, const struct weft_commands_checked *k, const char *alarm)
{
    const struct weft_command_note *command = &k->live->command;
    put(m, WEFT_TEXT("alarm"), weft_text_of(alarm), WEFT_VALUE_TEXT);
    put(m, WEFT_TEXT("channel"), command->channel, WEFT_VALUE_TEXT);
    if (k->machine.code[0] != '\0') {
        put(m, WEFT_TEXT("code"), weft_text_of(k->machine.code), WEFT_VALUE_TEXT);
    }
    put(m, WEFT_TEXT("command"), weft_text_of(k->asset), WEFT_VALUE_TEXT);
    put(m, WEFT_TEXT("state"), weft_text_of(weft_command_state_name(k->act.to)), WEFT_VALUE_TEXT);
    put(m, WEFT_TEXT("verb"), command->verb, WEFT_VALUE_TEXT);
}

/* --- both ------------------------------------------------------------------------------------ */

static struct weft_text proposer_uri(struct weft_arena *arena, const struct weft_principal *who)
{
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    weft_principal_format_uri(who, uri);
    return weft_arena_text(arena, weft_text_of(uri));
}

/* A record that would be none (of outcomes that contradict each other) is left out, on each replica
 * alike. */
static bool is_record(const struct making *m, const struct weft_record *record)
{
    return m->count > 0 && weft_record_check(record, NULL, NULL) == WEFT_OK;
}

enum weft_err weft_commands_follow(struct weft_commands *c, struct weft_arena *arena,
    struct weft_record ret_records[WEFT_COMMANDS_FOLLOW_MAX], uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct weft_commands_checked *k = &c->checked;
    *ret_count = 0;
    if (k->what != WEFT_COMMANDS_COMMAND || k->act.is_repeat) {
        return WEFT_OK;
    }
    const char *alarm = weft_command_alarm_name(&k->act);
    struct weft_record record = {.asset = weft_command_note_asset(&k->live->command),
        .source = weft_arena_text(arena, weft_text_of(k->asset))};
    struct making m = {.arena = arena, .is_short = record.source.data == NULL};
    if (is_wished(k)) {
        m.fields = weft_arena_array(arena, DESIRED_FIELDS, sizeof(*m.fields));
        record.kind = WEFT_TEXT(WEFT_DESIRED_KIND);
        record.author = proposer_uri(arena, &k->live->command.proposer);
        for (uint32_t i = 0; m.fields != NULL && i < k->live->command.post_count; i++) {
            put_wish(&m, &k->live->command.posts[i]);
        }
    } else if (alarm != NULL) {
        m.fields = weft_arena_array(arena, ALARM_FIELDS, sizeof(*m.fields));
        record.kind = WEFT_TEXT(WEFT_ALARM_KIND);
        if (m.fields != NULL) {
            put_alarm(&m, k, alarm);
        }
    } else {
        return WEFT_OK;
    }
    if (m.fields == NULL || m.is_short) {
        return weft_fail(msg, WEFT_ENOMEM, "what follows from a command");
    }
    record.fields = m.fields;
    record.field_count = m.count;
    if (is_record(&m, &record)) {
        ret_records[(*ret_count)++] = record;
    }
    return WEFT_OK;
}

/* --- how many -------------------------------------------------------------------------------- */

static const char *const alarms[WEFT_COMMANDS_ALARMS] = {"unknown", "deviation", "interlock",
    "failed", "break-glass", "gateway-lost", "fence", "signature", "plant-lost", "other"};

void weft_commands_hear(struct weft_commands *c, const struct weft_record *record)
{
    uint32_t which = WEFT_COMMANDS_ALARMS - 1;
    if (!weft_text_is(record->kind, WEFT_ALARM_KIND)) {
        return;
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        for (uint32_t a = 0;
             a < WEFT_COMMANDS_ALARMS && weft_text_is(record->fields[i].path, "alarm"); a++) {
            which = weft_text_is(record->fields[i].value, alarms[a]) ? a : which;
        }
    }
    c->alarms[which]++;
}

uint64_t weft_commands_alarms(const struct weft_commands *c, uint32_t alarm)
{
    weft_assert(alarm < WEFT_COMMANDS_ALARMS); /* NOD-147 */
    return c->alarms[alarm];
}
