#include "ops/gateway/sparkplug.h"

#include <math.h>
#include <string.h>

#include "ops/gateway/sparkplug.pb-c.h"

typedef Weft__Sparkplug__Payload Payload;
typedef Weft__Sparkplug__Payload__Metric Metric;

/* --- decoding -------------------------------------------------------------------------------- */

static void *arena_alloc(void *arena, size_t size)
{
    return weft_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena, (void)pointer; /* It all goes at once. */
}

static struct weft_text text_of(const char *text)
{
    return text != NULL ? weft_text_of(text) : WEFT_TEXT("");
}

static void take_value(const Metric *from, struct weft_sparkplug_metric *to)
{
    switch (from->value_case) {
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_INT_VALUE:
        to->value = WEFT_SPARKPLUG_INTEGER;
        to->integer = from->int_value;
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_LONG_VALUE:
        to->value = WEFT_SPARKPLUG_INTEGER;
        to->integer = from->long_value;
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_FLOAT_VALUE:
        to->value = WEFT_SPARKPLUG_REAL;
        to->real = (double)from->float_value;
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_DOUBLE_VALUE:
        to->value = WEFT_SPARKPLUG_REAL;
        to->real = from->double_value;
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE:
        to->value = WEFT_SPARKPLUG_TRUTH;
        to->truth = from->boolean_value;
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_STRING_VALUE:
        to->value = WEFT_SPARKPLUG_WORDS;
        to->words = text_of(from->string_value);
        return;
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_BYTES_VALUE:
    case WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE__NOT_SET:
    case _WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE__CASE_IS_INT_SIZE:
        to->value = WEFT_SPARKPLUG_NONE;
        return;
    }
}

enum weft_err weft_sparkplug_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_sparkplug_payload *ret_payload, struct weft_msg *msg)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    if (bytes.size > WEFT_SPARKPLUG_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a payload of %zu bytes", bytes.size);
    }
    const Payload *payload = weft__sparkplug__payload__unpack(&allocator, bytes.size, bytes.data);
    if (payload == NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a Sparkplug payload, or too large a one");
    }
    if (payload->n_metrics > WEFT_SPARKPLUG_METRICS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "%zu metrics", payload->n_metrics);
    }
    struct weft_sparkplug_metric *metrics =
        weft_arena_array(arena, payload->n_metrics, sizeof(*metrics));
    if (metrics == NULL) {
        return weft_fail(msg, WEFT_ETOOBIG, "no room for %zu metrics", payload->n_metrics);
    }
    for (size_t i = 0; i < payload->n_metrics; i++) {
        const Metric *from = payload->metrics[i];
        metrics[i] = (struct weft_sparkplug_metric){.name = text_of(from->name),
            .has_alias = from->has_alias,
            .alias = from->has_alias ? from->alias : 0,
            .time_ms = from->has_timestamp && from->timestamp != 0 ? from->timestamp
                       : payload->has_timestamp                    ? payload->timestamp
                                                                   : 0,
            .datatype = from->has_datatype ? from->datatype : 0,
            .is_null = from->has_is_null && from->is_null,
            .is_historical = from->has_is_historical && from->is_historical};
        take_value(from, &metrics[i]);
    }
    *ret_payload =
        (struct weft_sparkplug_payload){.time_ms = payload->has_timestamp ? payload->timestamp : 0,
            .has_seq = payload->has_seq,
            .seq = payload->has_seq ? payload->seq : 0,
            .metric_count = (uint32_t)payload->n_metrics,
            .metrics = metrics};
    return WEFT_OK;
}

/* --- encoding -------------------------------------------------------------------------------- */

static void put_value(const struct weft_sparkplug_metric *from, Metric *to)
{
    bool is_long = from->datatype == WEFT_SPARKPLUG_INT64 ||
                   from->datatype == WEFT_SPARKPLUG_UINT64 || from->integer > UINT32_MAX;
    switch (from->value) {
    case WEFT_SPARKPLUG_NONE:
        to->has_is_null = to->is_null = true;
        return;
    case WEFT_SPARKPLUG_INTEGER:
        to->value_case = is_long ? WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_LONG_VALUE
                                 : WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_INT_VALUE;
        if (is_long) {
            to->long_value = from->integer;
        } else {
            to->int_value = (uint32_t)from->integer;
        }
        return;
    case WEFT_SPARKPLUG_REAL:
        if (from->datatype == WEFT_SPARKPLUG_FLOAT) {
            to->value_case = WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_FLOAT_VALUE;
            to->float_value = (float)from->real;
        } else {
            to->value_case = WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_DOUBLE_VALUE;
            to->double_value = from->real;
        }
        return;
    case WEFT_SPARKPLUG_TRUTH:
        to->value_case = WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE;
        to->boolean_value = from->truth;
        return;
    case WEFT_SPARKPLUG_WORDS:
        to->value_case = WEFT__SPARKPLUG__PAYLOAD__METRIC__VALUE_STRING_VALUE;
        return;
    }
}

static enum weft_err put_metric(
    struct weft_arena *arena, const struct weft_sparkplug_metric *from, Metric *to)
{
    weft__sparkplug__payload__metric__init(to);
    struct weft_text name = weft_arena_text(arena, from->name);
    struct weft_text words = weft_arena_text(arena, from->words);
    if (name.data == NULL || words.data == NULL) {
        return WEFT_ENOMEM;
    }
    to->name = from->name.size > 0 ? (char *)name.data : NULL;
    to->has_alias = from->has_alias;
    to->alias = from->alias;
    to->has_timestamp = from->time_ms != 0;
    to->timestamp = from->time_ms;
    to->has_datatype = from->datatype != 0;
    to->datatype = from->datatype;
    to->has_is_historical = to->is_historical = from->is_historical;
    put_value(from, to);
    if (from->value == WEFT_SPARKPLUG_WORDS) {
        to->string_value = (char *)words.data;
    }
    return WEFT_OK;
}

enum weft_err weft_sparkplug_encode(
    const struct weft_sparkplug_payload *payload, struct weft_buffer *out)
{
    struct weft_arena arena = {.size_max = 4 * WEFT_SPARKPLUG_SIZE_MAX};
    Payload whole = WEFT__SPARKPLUG__PAYLOAD__INIT;
    uint32_t count = payload->metric_count;
    Metric *metrics = weft_arena_array(&arena, count, sizeof(*metrics));
    whole.metrics = weft_arena_array(&arena, count, sizeof(Metric *));
    enum weft_err err = metrics == NULL || whole.metrics == NULL ? WEFT_ENOMEM : WEFT_OK;
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        whole.metrics[i] = &metrics[i];
        err = put_metric(&arena, &payload->metrics[i], &metrics[i]);
    }
    whole.n_metrics = count;
    whole.has_timestamp = payload->time_ms != 0;
    whole.timestamp = payload->time_ms;
    whole.has_seq = payload->has_seq;
    whole.seq = payload->seq;
    size_t size = err == WEFT_OK ? weft__sparkplug__payload__get_packed_size(&whole) : 0;
    if (err == WEFT_OK) {
        err = weft_buffer_reserve(out, size);
    }
    if (err == WEFT_OK && size > 0) {
        out->size += weft__sparkplug__payload__pack(&whole, out->data + out->size);
    }
    weft_arena_destroy(&arena);
    return err;
}

/* --- topics ---------------------------------------------------------------------------------- */

bool weft_sparkplug_topic_parse(struct weft_text topic, struct weft_sparkplug_topic *ret_topic)
{
    struct weft_sparkplug_topic parsed = {.device = WEFT_TEXT("")};
    struct weft_text space;
    if (!weft_text_cut(&topic, '/', &space) || !weft_text_is(space, "spBv1.0") ||
        !weft_text_cut(&topic, '/', &parsed.group) || !weft_text_cut(&topic, '/', &parsed.type)) {
        return false;
    }
    if (weft_text_cut(&topic, '/', &parsed.node)) {
        parsed.device = topic;
    }
    bool is_whole =
        parsed.group.size > 0 && parsed.type.size > 0 && parsed.node.size > 0 &&
        (parsed.device.size == 0 || memchr(parsed.device.data, '/', parsed.device.size) == NULL);
    if (is_whole) {
        *ret_topic = parsed;
    }
    return is_whole;
}

/* --- values ---------------------------------------------------------------------------------- */

/* Of smaller types the upper bits are of no account (6.4.17). */
static bool read_integer(uint64_t bits, uint32_t datatype, int64_t *ret_number)
{
    switch (datatype) {
    case WEFT_SPARKPLUG_INT8:
        *ret_number = (int64_t)(int8_t)(uint8_t)bits;
        return true;
    case WEFT_SPARKPLUG_INT16:
        *ret_number = (int64_t)(int16_t)(uint16_t)bits;
        return true;
    case WEFT_SPARKPLUG_INT32:
        *ret_number = (int64_t)(int32_t)(uint32_t)bits;
        return true;
    case WEFT_SPARKPLUG_INT64:
        *ret_number = (int64_t)bits;
        return true;
    case WEFT_SPARKPLUG_UINT8:
    case WEFT_SPARKPLUG_UINT16:
    case WEFT_SPARKPLUG_UINT32:
    case WEFT_SPARKPLUG_UINT64:
        *ret_number = (int64_t)bits;
        return bits <= INT64_MAX;
    default:
        return false;
    }
}

/* ACT-2: scaled, to nine digits; beyond what that holds there is no number. */
static bool scale(double real, int64_t *ret_number)
{
    double scaled = real * (double)WEFT_SCALAR_ONE;
    if (!isfinite(scaled) || fabs(scaled) >= 9.2e18) {
        return false;
    }
    *ret_number = llround(scaled);
    return true;
}

bool weft_sparkplug_read(const struct weft_sparkplug_metric *metric, uint32_t datatype,
    struct weft_text unit, struct weft_scalar *ret_scalar)
{
    struct weft_scalar scalar = {.type = WEFT_SCALAR_NUMBER, .unit = unit};
    int64_t whole = 0;
    bool is_number = unit.size > 0;
    if (metric->is_null) {
        return false;
    }
    switch (metric->value) {
    case WEFT_SPARKPLUG_INTEGER:
        if (!is_number || !read_integer(metric->integer, datatype, &whole) ||
            whole > INT64_MAX / WEFT_SCALAR_ONE || whole < INT64_MIN / WEFT_SCALAR_ONE) {
            return false;
        }
        scalar.number = whole * WEFT_SCALAR_ONE;
        break;
    case WEFT_SPARKPLUG_REAL:
        if (!is_number || !scale(metric->real, &scalar.number)) {
            return false;
        }
        break;
    case WEFT_SPARKPLUG_TRUTH:
        scalar = (struct weft_scalar){.type = WEFT_SCALAR_TRUTH, .truth = metric->truth};
        if (is_number) {
            return false;
        }
        break;
    case WEFT_SPARKPLUG_WORDS:
        scalar = (struct weft_scalar){.type = WEFT_SCALAR_WORD, .word = metric->words};
        if (is_number || !weft_scalar_is_word(metric->words)) {
            return false;
        }
        break;
    case WEFT_SPARKPLUG_NONE:
        return false;
    }
    *ret_scalar = scalar;
    return true;
}

static bool write_integer(int64_t scaled, uint32_t datatype, uint64_t *ret_bits)
{
    static const struct {
        int64_t low, high;
    } ranges[] = {
        [WEFT_SPARKPLUG_INT8] = {INT8_MIN, INT8_MAX},
        [WEFT_SPARKPLUG_INT16] = {INT16_MIN, INT16_MAX},
        [WEFT_SPARKPLUG_INT32] = {INT32_MIN, INT32_MAX},
        [WEFT_SPARKPLUG_INT64] = {INT64_MIN, INT64_MAX},
        [WEFT_SPARKPLUG_UINT8] = {0, UINT8_MAX},
        [WEFT_SPARKPLUG_UINT16] = {0, UINT16_MAX},
        [WEFT_SPARKPLUG_UINT32] = {0, UINT32_MAX},
        [WEFT_SPARKPLUG_UINT64] = {0, INT64_MAX},
    };
    int64_t whole = scaled / WEFT_SCALAR_ONE;
    if (datatype == 0 || datatype > WEFT_SPARKPLUG_UINT64 || scaled % WEFT_SCALAR_ONE != 0 ||
        whole < ranges[datatype].low || whole > ranges[datatype].high) {
        return false;
    }
    *ret_bits = (uint64_t)whole;
    return true;
}

bool weft_sparkplug_write(
    const struct weft_scalar *scalar, uint32_t datatype, struct weft_sparkplug_metric *ret_metric)
{
    struct weft_sparkplug_metric metric = *ret_metric;
    bool is_real = datatype == WEFT_SPARKPLUG_FLOAT || datatype == WEFT_SPARKPLUG_DOUBLE;
    metric.datatype = datatype;
    switch (scalar->type) {
    case WEFT_SCALAR_NUMBER:
        metric.value = is_real ? WEFT_SPARKPLUG_REAL : WEFT_SPARKPLUG_INTEGER;
        metric.real = (double)scalar->number / (double)WEFT_SCALAR_ONE;
        if (!is_real && !write_integer(scalar->number, datatype, &metric.integer)) {
            return false;
        }
        break;
    case WEFT_SCALAR_TRUTH:
        metric.value = WEFT_SPARKPLUG_TRUTH;
        metric.truth = scalar->truth;
        if (datatype != WEFT_SPARKPLUG_BOOLEAN) {
            return false;
        }
        break;
    case WEFT_SCALAR_WORD:
        metric.value = WEFT_SPARKPLUG_WORDS;
        metric.words = scalar->word;
        if (datatype != WEFT_SPARKPLUG_STRING && datatype != WEFT_SPARKPLUG_TEXT) {
            return false;
        }
        break;
    }
    *ret_metric = metric;
    return true;
}
