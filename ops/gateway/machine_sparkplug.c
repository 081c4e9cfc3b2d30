#include "ops/gateway/machine_sparkplug.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/gateway/sparkplug_device.h"
#include "proto/check.h"

enum {
    KEEPALIVE_S = 5,       /* mosquitto's least; a dead broker is found out by then, twice over */
    MISC_MS = 500,         /* chosen: how often mosquitto looks at its own deadlines */
    DIAL_MIN_MS = 200,     /* chosen: back-off of dialling... */
    DIAL_MAX_MS = 5000,    /* ...and its end */
    REBIRTH_MIN_MS = 2000, /* chosen: a node that is asked every time a message is lost may drown */
    ARENA_SIZE_MAX = 16 * WEFT_SPARKPLUG_SIZE_MAX,
};

/* The device, or its shadow. */
struct side {
    struct weft_sparkplug_device device;
    bool has_device;
    bool is_shadow;
    bool wants_values;
    bool is_acting;
    uint64_t act;
    struct weft_sparkplug_tracked *confirm; /* While it acts; NULL: it was not sent. */
    bool has_expected;
    struct weft_scalar expected;
    char word[WEFT_SCALAR_WORD_SIZE_MAX + 1];
    struct weft_scalar before; /* Of a verb without argument. */
    bool has_before;
    char before_word[WEFT_SCALAR_WORD_SIZE_MAX + 1];
    uint64_t updates;
    uint64_t deadline_ms;
    const char *why;
};

struct poll {
    uv_poll_t handle;
    struct spark *spark;
};

struct spark {
    struct weft_machine machine;
    struct weft_machine_sparkplug_options options;
    struct mosquitto *mosquitto;
    uv_timer_t timer;  /* mosquitto's own deadlines, dialling. */
    uv_timer_t soon;   /* What was asked for, and deadlines of acts. */
    struct poll *poll; /* NULL: no socket. */
    bool is_up;
    uint64_t dial_ms; /* When to dial next. */
    uint32_t backoff_ms;
    uint64_t rebirth_ms; /* When it was asked last. */
    struct side sides[2];
    struct weft_arena arena;
    uint32_t handles;
    bool is_closing;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void notice(struct spark *s, const char *word, const char *text)
{
    s->options.callbacks.on_notice(s->options.callbacks.ctx, s->options.channel, word, text);
}

/* --- the socket ------------------------------------------------------------------------------ */

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct spark *s)
{
    if (s->poll != NULL) {
        int events = UV_READABLE | (mosquitto_want_write(s->mosquitto) ? UV_WRITABLE : 0);
        (void)uv_poll_start(&s->poll->handle, events, on_poll);
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop_poll(struct spark *s)
{
    if (s->poll != NULL) {
        (void)uv_poll_stop(&s->poll->handle);
        uv_close((uv_handle_t *)&s->poll->handle, on_poll_closed);
        s->poll = NULL;
    }
}

static void go_down(struct spark *s, const char *why)
{
    drop_poll(s);
    if (s->is_up) {
        notice(s, "broker-lost", why);
    }
    s->is_up = false;
    s->dial_ms = mono_ms() + s->backoff_ms;
    s->backoff_ms = 2 * s->backoff_ms < DIAL_MAX_MS ? 2 * s->backoff_ms : DIAL_MAX_MS;
    for (int i = 0; i < 2; i++) {
        weft_sparkplug_forget(&s->sides[i].device);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct spark *s = ((struct poll *)handle->data)->spark;
    int rc = MOSQ_ERR_SUCCESS;
    if (status < 0 || (events & UV_READABLE) != 0) {
        rc = mosquitto_loop_read(s->mosquitto, 1);
    }
    if (rc == MOSQ_ERR_SUCCESS && s->poll != NULL && (events & UV_WRITABLE) != 0) {
        rc = mosquitto_loop_write(s->mosquitto, 1);
    }
    if (rc != MOSQ_ERR_SUCCESS && s->poll != NULL) {
        go_down(s, mosquitto_strerror(rc)); /* Unless on_disconnect has said so. */
    }
    watch(s);
}

static void dial(struct spark *s)
{
    int rc = mosquitto_connect_async(s->mosquitto, s->options.host, s->options.port, KEEPALIVE_S);
    int fd = rc == MOSQ_ERR_SUCCESS ? mosquitto_socket(s->mosquitto) : -1;
    struct poll *poll = fd >= 0 ? calloc(1, sizeof(*poll)) : NULL;
    if (poll == NULL || uv_poll_init(s->options.loop, &poll->handle, fd) != 0) {
        free(poll);
        go_down(s, mosquitto_strerror(rc));
        return;
    }
    poll->spark = s;
    poll->handle.data = poll;
    s->poll = poll;
    s->dial_ms = UINT64_MAX;
    /* Also to learn that it is connected. */
    (void)uv_poll_start(&poll->handle, UV_READABLE | UV_WRITABLE, on_poll);
}

/* --- sending --------------------------------------------------------------------------------- */

static bool publish(struct spark *s, const char *type, struct weft_text device,
    const struct weft_sparkplug_metric *metrics, uint32_t count)
{
    char topic[WEFT_SPARKPLUG_TOPIC_SIZE_MAX];
    struct weft_buffer bytes = {.size_max = WEFT_SPARKPLUG_SIZE_MAX};
    const struct weft_sparkplug_payload payload = {
        .time_ms = (uint64_t)now_ms(), .metric_count = count, .metrics = metrics};
    int size = snprintf(topic, sizeof(topic), "spBv1.0/%.*s/%s/%.*s%s%.*s",
        (int)s->options.group.size, s->options.group.data, type, (int)s->options.node.size,
        s->options.node.data, device.size > 0 ? "/" : "", (int)device.size, device.data);
    int rc = MOSQ_ERR_NOMEM;
    if (size > 0 && (size_t)size < sizeof(topic) &&
        weft_sparkplug_encode(&payload, &bytes) == WEFT_OK) {
        rc = mosquitto_publish(s->mosquitto, NULL, topic, (int)bytes.size, bytes.data, 0, false);
    }
    weft_buffer_destroy(&bytes);
    watch(s);
    return rc == MOSQ_ERR_SUCCESS;
}

/* 5.15: a host asks an edge node to say all that it has once more. */
static void ask_rebirth(struct spark *s)
{
    const struct weft_sparkplug_metric metric = {.name = WEFT_TEXT("Node Control/Rebirth"),
        .time_ms = (uint64_t)now_ms(),
        .datatype = WEFT_SPARKPLUG_BOOLEAN,
        .value = WEFT_SPARKPLUG_TRUTH,
        .truth = true};
    if (s->is_up && mono_ms() >= s->rebirth_ms + REBIRTH_MIN_MS) {
        s->rebirth_ms = mono_ms();
        (void)publish(s, "NCMD", WEFT_TEXT(""), &metric, 1);
    }
}

/* 5.14: whether the host is there, kept by the broker. */
static void format_state(const struct spark *s, bool is_online, char *topic, size_t topic_size,
    char *text, size_t text_size)
{
    (void)snprintf(topic, topic_size, "spBv1.0/STATE/%.*s", (int)s->options.host_id.size,
        s->options.host_id.data);
    (void)snprintf(text, text_size, "{\"online\":%s,\"timestamp\":%" PRId64 "}",
        is_online ? "true" : "false", now_ms());
}

static void say_state(struct spark *s, bool is_will)
{
    char topic[WEFT_SPARKPLUG_TOPIC_SIZE_MAX], text[64];
    if (s->options.host_id.size == 0) {
        return;
    }
    format_state(s, !is_will, topic, sizeof(topic), text, sizeof(text));
    if (is_will) {
        (void)mosquitto_will_set(s->mosquitto, topic, (int)strlen(text), text, 1, true);
    } else {
        (void)mosquitto_publish(s->mosquitto, NULL, topic, (int)strlen(text), text, 1, true);
    }
}

/* --- hearing --------------------------------------------------------------------------------- */

static void on_connect(struct mosquitto *mosquitto, void *ctx, int rc)
{
    struct spark *s = ctx;
    char topic[WEFT_SPARKPLUG_TOPIC_SIZE_MAX];
    if (rc != 0) {
        notice(s, "broker-refused", mosquitto_connack_string(rc));
        return; /* The broker closes the connection. */
    }
    (void)snprintf(topic, sizeof(topic), "spBv1.0/%.*s/+/%.*s/#", (int)s->options.group.size,
        s->options.group.data, (int)s->options.node.size, s->options.node.data);
    (void)mosquitto_subscribe(mosquitto, NULL, topic, 0);
    s->is_up = true;
    s->backoff_ms = DIAL_MIN_MS;
    notice(s, "broker-up", topic);
    say_state(s, false);
    s->rebirth_ms = 0;
    ask_rebirth(s); /* Births are not kept by the broker. */
}

static void tell_values(struct spark *s, const struct side *side)
{
    struct weft_reading readings[WEFT_SPARKPLUG_TRACKED_MAX];
    const struct weft_actor_values values = {s->options.channel, side->is_shadow, readings,
        weft_sparkplug_readings(&side->device, readings)};
    s->options.callbacks.on_values(s->options.callbacks.ctx, &values);
}

static void answer(struct spark *s, struct side *side, enum weft_actor_result result)
{
    struct weft_reading readings[WEFT_SPARKPLUG_TRACKED_MAX];
    const struct weft_actor_acted acted = {.channel = s->options.channel,
        .act = side->act,
        .result = result,
        .detail = weft_text_of(side->why != NULL ? side->why : ""),
        .readings = readings,
        .count = weft_sparkplug_readings(&side->device, readings)};
    side->is_acting = false;
    s->options.callbacks.on_acted(s->options.callbacks.ctx, &acted);
}

/* Has the device said, since it was told, what it was told? */
static bool is_confirmed(const struct side *side)
{
    const struct weft_sparkplug_tracked *tracked = side->confirm;
    if (tracked == NULL || !tracked->is_known || tracked->updates == side->updates) {
        return false;
    }
    if (!side->has_expected) {
        return side->has_before && weft_scalar_is_alike(&tracked->value, &side->before) &&
               !weft_scalar_equal(&tracked->value, &side->before);
    }
    struct weft_scalar expected = side->expected;
    if (expected.type == WEFT_SCALAR_NUMBER) {
        expected.unit = tracked->value.unit; /* Sparkplug has none: the configuration says it. */
    }
    if (expected.type != WEFT_SCALAR_NUMBER || tracked->value.type != WEFT_SCALAR_NUMBER) {
        return weft_scalar_equal(&tracked->value, &expected);
    }
    /* A float holds seven digits of what was written. */
    int64_t slack =
        tracked->datatype == WEFT_SPARKPLUG_FLOAT ? llabs(expected.number / 1000000) : 0;
    return weft_scalar_is_within(tracked->value.number, expected.number, slack);
}

static void on_message(struct mosquitto *mosquitto, void *ctx, const struct mosquitto_message *m)
{
    struct spark *s = ctx;
    struct weft_sparkplug_topic topic;
    struct weft_sparkplug_payload payload;
    struct weft_msg msg = {""};
    const struct weft_bytes bytes = {m->payload, (size_t)(m->payloadlen > 0 ? m->payloadlen : 0)};
    (void)mosquitto;
    if (!weft_sparkplug_topic_parse(weft_text_of(m->topic), &topic) || m->retain ||
        weft_text_is(topic.type, "NCMD") || weft_text_is(topic.type, "DCMD")) {
        return;
    }
    weft_arena_reset(&s->arena);
    if (weft_sparkplug_decode(bytes, &s->arena, &payload, &msg) != WEFT_OK) {
        notice(s, "payload", msg.text);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct side *side = &s->sides[i];
        enum weft_sparkplug_news news =
            side->has_device ? weft_sparkplug_hear(&side->device, &topic, &payload, now_ms())
                             : WEFT_SPARKPLUG_NOTHING;
        if (news == WEFT_SPARKPLUG_ASK) {
            ask_rebirth(s);
        } else if (news == WEFT_SPARKPLUG_CHANGED) {
            tell_values(s, side);
        }
        if (side->is_acting && is_confirmed(side)) {
            answer(s, side, WEFT_ACTOR_RESULT_DONE);
        }
    }
}

static void on_disconnect(struct mosquitto *mosquitto, void *ctx, int rc)
{
    struct spark *s = ctx;
    (void)mosquitto;
    if (!s->is_closing) {
        go_down(s, mosquitto_strerror(rc));
    }
}

/* --- time ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct spark *s = timer->data;
    if (s->poll != NULL) {
        int rc = mosquitto_loop_misc(s->mosquitto);
        if (rc != MOSQ_ERR_SUCCESS && s->poll != NULL) {
            go_down(s, mosquitto_strerror(rc));
        }
        watch(s);
    } else if (mono_ms() >= s->dial_ms) {
        dial(s);
    }
    if (s->is_up && !s->sides[0].device.is_born) {
        ask_rebirth(s);
    }
    uint64_t next_ms = s->poll == NULL ? DIAL_MIN_MS : MISC_MS;
    (void)uv_timer_start(&s->timer, on_timer, next_ms, 0);
}

static void later(struct spark *s);

static void on_soon(uv_timer_t *timer)
{
    struct spark *s = timer->data;
    for (int i = 0; i < 2; i++) {
        struct side *side = &s->sides[i];
        if (side->wants_values) {
            side->wants_values = false;
            tell_values(s, side);
        }
        if (side->is_acting && side->confirm == NULL) {
            answer(s, side, WEFT_ACTOR_RESULT_UNSENT);
        } else if (side->is_acting && mono_ms() >= side->deadline_ms) {
            side->why = "the device did not say that it had done so";
            answer(s, side, WEFT_ACTOR_RESULT_UNKNOWN);
        }
    }
    later(s);
}

static void later(struct spark *s)
{
    uint64_t now = mono_ms(), left_ms = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct side *side = &s->sides[i];
        uint64_t mine_ms = UINT64_MAX;
        if (side->wants_values || (side->is_acting && side->confirm == NULL)) {
            mine_ms = 0;
        } else if (side->is_acting) {
            mine_ms = side->deadline_ms > now ? side->deadline_ms - now : 0;
        }
        left_ms = mine_ms < left_ms ? mine_ms : left_ms;
    }
    if (left_ms != UINT64_MAX) {
        uv_update_time(s->options.loop);
        (void)uv_timer_start(&s->soon, on_soon, left_ms, 0);
    }
}

/* --- the driver ------------------------------------------------------------------------------ */

static void spark_read(struct weft_machine *machine, bool is_shadow)
{
    struct spark *s = (struct spark *)machine;
    s->sides[is_shadow].wants_values = true;
    later(s);
}

static const struct weft_command_arg *find_arg(
    const struct weft_command_arg *args, uint32_t count, struct weft_text name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(args[i].name, name)) {
            return &args[i];
        }
    }
    return NULL;
}

/* A copy that lives as long as the act. */
static void keep(struct weft_scalar *to, char *word, const struct weft_scalar *from)
{
    *to = *from;
    if (from->type == WEFT_SCALAR_WORD) {
        memcpy(word, from->word.data, from->word.size);
        to->word.data = word;
    }
}

static void expect(struct side *side, const struct weft_machine_sparkplug_write *write,
    const struct weft_scalar *value, struct weft_sparkplug_tracked *target)
{
    struct weft_sparkplug_tracked *confirm =
        write->confirm.size > 0 ? weft_sparkplug_find(&side->device, write->confirm) : target;
    weft_assert(confirm != NULL); /* GW-1: what is configured is tracked */
    side->confirm = confirm;
    side->updates = confirm->updates;
    side->has_expected = write->arg.size > 0;
    side->has_before = confirm->is_known;
    keep(&side->before, side->before_word, &confirm->value);
    keep(&side->expected, side->word, value);
}

/* The metric that a verb writes, in a form that its birth has told. NULL: `*ret_why`. */
static struct weft_sparkplug_tracked *prepare(struct side *side,
    const struct weft_machine_sparkplug_write *write, const struct weft_command_arg *args,
    uint32_t count, struct weft_sparkplug_metric *ret_metric, struct weft_scalar *ret_value,
    const char **ret_why)
{
    struct weft_sparkplug_tracked *target = weft_sparkplug_find(&side->device, write->metric);
    const struct weft_command_arg *arg =
        write->arg.size > 0 ? find_arg(args, count, write->arg) : NULL;
    *ret_value = (struct weft_scalar){.type = WEFT_SCALAR_TRUTH, .truth = true};
    if (arg != NULL) {
        *ret_value = arg->value;
    }
    *ret_metric =
        (struct weft_sparkplug_metric){.name = write->metric, .time_ms = (uint64_t)now_ms()};
    if (target == NULL || !target->is_born) {
        *ret_why = "the device does not have the metric that is to be written";
        return NULL;
    }
    if (write->arg.size > 0 && arg == NULL) {
        *ret_why = "the argument that is to be written is missing";
        return NULL;
    }
    if (!weft_sparkplug_write(ret_value, target->datatype, ret_metric)) {
        *ret_why = "the device's metric cannot hold the value";
        return NULL;
    }
    return target;
}

static const struct weft_machine_sparkplug_write *find_write(
    const struct spark *s, struct weft_text verb)
{
    for (uint32_t i = 0; i < s->options.write_count; i++) {
        if (weft_text_equal(s->options.writes[i].verb, verb)) {
            return &s->options.writes[i];
        }
    }
    return NULL;
}

/* All metrics of the verb in one message. NULL: it is on its way; else why it is not. */
static const char *tell(struct spark *s, struct side *side, struct weft_text verb,
    const struct weft_command_arg *args, uint32_t count, bool is_expected)
{
    struct weft_sparkplug_metric metrics[WEFT_MACHINE_SPARKPLUG_WRITES_MAX];
    uint32_t used = 0;
    const char *why = NULL;
    if (!s->is_up || !side->has_device || !side->device.is_born) {
        return "the device is not there";
    }
    if (find_write(s, verb) == NULL) {
        return "nothing is configured for the verb";
    }
    for (uint32_t i = 0; i < s->options.write_count; i++) {
        const struct weft_machine_sparkplug_write *write = &s->options.writes[i];
        struct weft_scalar value;
        if (!weft_text_equal(write->verb, verb)) {
            continue;
        }
        struct weft_sparkplug_tracked *target =
            prepare(side, write, args, count, &metrics[used], &value, &why);
        if (target == NULL) {
            return why;
        }
        used++;
        if (is_expected) {
            expect(side, write, &value, target); /* Of several the last one confirms. */
        }
    }
    return publish(s, "DCMD", side->device.device, metrics, used) ? NULL
                                                                  : "the message could not be sent";
}

static void spark_act(struct weft_machine *machine, uint64_t number,
    const struct weft_command_note *command, bool is_shadow)
{
    struct spark *s = (struct spark *)machine;
    struct side *side = &s->sides[is_shadow];
    side->is_acting = true;
    side->act = number;
    side->confirm = NULL;
    side->why = tell(s, side, command->verb, command->args, command->arg_count, true);
    if (side->why != NULL) {
        side->confirm = NULL; /* Answered in a later turn. */
    }
    side->deadline_ms = mono_ms() + s->options.answer_ms;
    later(s);
}

static void spark_safe(struct weft_machine *machine, struct weft_text safe)
{
    struct spark *s = (struct spark *)machine;
    struct weft_command_arg args[WEFT_MACHINE_SAFE_ARGS_MAX];
    struct weft_text verb;
    uint32_t count;
    if (!weft_machine_parse_safe(safe, &verb, args, &count)) {
        notice(s, "safe", "it holds what it has");
        return;
    }
    const char *why = tell(s, &s->sides[0], verb, args, count, false);
    if (why != NULL) {
        notice(s, "unsafe", why);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void release(struct spark *s)
{
    mosquitto_destroy(s->mosquitto);
    (void)mosquitto_lib_cleanup(); /* Counts its users. */
    weft_arena_destroy(&s->arena);
    free(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct spark *s = handle->data;
    if (--s->handles == 0) {
        release(s);
    }
}

static void spark_close(struct weft_machine *machine)
{
    struct spark *s = (struct spark *)machine;
    s->is_closing = true;
    drop_poll(s);
    if (s->is_up) {
        (void)mosquitto_disconnect(s->mosquitto);
    }
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->soon, on_closed);
}

static const struct weft_machine_type sparkplug_type = {.name = "sparkplug",
    .read = spark_read,
    .act = spark_act,
    .safe = spark_safe,
    .close = spark_close};

static enum weft_err track(struct side *side, const struct weft_machine_sparkplug_options *options,
    struct weft_text name, struct weft_msg *msg)
{
    bool is_tracked = true;
    side->device.group = options->group;
    side->device.node = options->node;
    side->device.device = name;
    side->has_device = name.size > 0;
    for (uint32_t i = 0; i < options->read_count && is_tracked; i++) {
        const struct weft_machine_sparkplug_read *read = &options->reads[i];
        is_tracked =
            weft_scalar_is_path(read->path) &&
            (read->unit.size == 0 || weft_scalar_is_unit(read->unit)) &&
            weft_sparkplug_track(&side->device, read->metric, read->path, read->unit) != NULL;
    }
    for (uint32_t i = 0; i < options->write_count && is_tracked; i++) {
        const struct weft_machine_sparkplug_write *write = &options->writes[i];
        is_tracked =
            weft_sparkplug_track(&side->device, write->metric, WEFT_TEXT(""), WEFT_TEXT("")) !=
                NULL &&
            (write->confirm.size == 0 || weft_sparkplug_track(&side->device, write->confirm,
                                             WEFT_TEXT(""), WEFT_TEXT("")) != NULL);
    }
    return is_tracked ? WEFT_OK
                      : weft_fail(msg, WEFT_EINVAL,
                            "too many metrics, or one of a bad name, path "
                            "or unit");
}

static enum weft_err set_up(struct spark *s, struct weft_msg *msg)
{
    const struct weft_machine_sparkplug_options *o = &s->options;
    int rc = MOSQ_ERR_SUCCESS;
    s->mosquitto = mosquitto_new(o->client_id, true, s);
    if (s->mosquitto == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for MQTT");
    }
    if (o->ca_file != NULL) {
        rc = mosquitto_tls_set(s->mosquitto, o->ca_file, NULL, o->cert_file, o->key_file, NULL);
    }
    if (rc == MOSQ_ERR_SUCCESS && o->username != NULL) {
        rc = mosquitto_username_pw_set(s->mosquitto, o->username, o->password);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        return weft_fail(msg, WEFT_EINVAL, "MQTT: %s", mosquitto_strerror(rc));
    }
    mosquitto_connect_callback_set(s->mosquitto, on_connect);
    mosquitto_disconnect_callback_set(s->mosquitto, on_disconnect);
    mosquitto_message_callback_set(s->mosquitto, on_message);
    say_state(s, true);
    return WEFT_OK;
}

enum weft_err weft_machine_sparkplug_open(const struct weft_machine_sparkplug_options *options,
    struct weft_machine **ret_machine, struct weft_msg *msg)
{
    struct spark *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a machine");
    }
    s->machine.type = &sparkplug_type;
    s->options = *options;
    s->arena.size_max = ARENA_SIZE_MAX;
    s->backoff_ms = DIAL_MIN_MS;
    s->sides[1].is_shadow = true;
    enum weft_err err = options->write_count > WEFT_MACHINE_SPARKPLUG_WRITES_MAX
                            ? weft_fail(msg, WEFT_EINVAL, "too many metrics to write")
                            : track(&s->sides[0], options, options->device, msg);
    if (err == WEFT_OK) {
        err = track(&s->sides[1], options, options->shadow, msg);
    }
    if (err != WEFT_OK) {
        free(s);
        return err;
    }
    (void)mosquitto_lib_init();
    err = set_up(s, msg);
    if (err != WEFT_OK) {
        release(s);
        return err;
    }
    (void)uv_timer_init(options->loop, &s->timer);
    (void)uv_timer_init(options->loop, &s->soon);
    s->timer.data = s->soon.data = s;
    s->handles = 2;
    (void)uv_timer_start(&s->timer, on_timer, 0, 0);
    *ret_machine = &s->machine;
    return WEFT_OK;
}
