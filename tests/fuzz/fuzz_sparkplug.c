/* Payloads of Sparkplug B: what decodes encodes to what decodes to the same, and whatever a device
 * says, each value that is then known is one that a receipt can hold. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ops/gateway/sparkplug_device.h"
#include "proto/check.h"

static struct weft_arena arena = {.size_max = 16 << 20};
static struct weft_buffer first, second, text;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_twice(const struct weft_sparkplug_payload *payload)
{
    struct weft_sparkplug_payload again;
    weft_buffer_clear(&first);
    weft_buffer_clear(&second);
    enum weft_err err = weft_sparkplug_encode(payload, &first);
    weft_assert(err == WEFT_OK); /* GW-6 */
    const struct weft_bytes bytes = {first.data, first.size};
    err = weft_sparkplug_decode(bytes, &arena, &again, NULL);
    if (err != WEFT_OK) {
        return; /* Times that stood once stand with each metric now: it may be too large. */
    }
    err = weft_sparkplug_encode(&again, &second);
    weft_assert(err == WEFT_OK && second.size == first.size);                         /* GW-6 */
    weft_assert(first.size == 0 || memcmp(first.data, second.data, first.size) == 0); /* GW-6 */
}

static void hear(const struct weft_sparkplug_payload *payload)
{
    static const struct weft_sparkplug_metric own = {.name = WEFT_TEXT("bdSeq")};
    static const struct weft_sparkplug_payload born = {
        .has_seq = true, .metric_count = 1, .metrics = &own};
    struct weft_sparkplug_device device = {
        .group = WEFT_TEXT("g"), .node = WEFT_TEXT("n"), .device = WEFT_TEXT("d")};
    struct weft_sparkplug_topic topic = {
        WEFT_TEXT("g"), WEFT_TEXT("NBIRTH"), WEFT_TEXT("n"), WEFT_TEXT("")};
    struct weft_sparkplug_payload own_seq = *payload;
    struct weft_reading readings[WEFT_SPARKPLUG_TRACKED_MAX];
    (void)weft_sparkplug_track(&device, WEFT_TEXT("speed"), WEFT_TEXT("speed"), WEFT_TEXT("rpm"));
    (void)weft_sparkplug_track(&device, WEFT_TEXT("mode"), WEFT_TEXT("mode"), WEFT_TEXT(""));
    (void)weft_sparkplug_hear(&device, &topic, &born, 1772352000000);
    own_seq.has_seq = true;
    own_seq.seq = 1;
    topic.device = WEFT_TEXT("d");
    topic.type = WEFT_TEXT("DBIRTH");
    (void)weft_sparkplug_hear(&device, &topic, &own_seq, 1772352000000);
    own_seq.seq = 2;
    topic.type = WEFT_TEXT("DDATA");
    (void)weft_sparkplug_hear(&device, &topic, &own_seq, 1772352000000);
    uint32_t count = weft_sparkplug_readings(&device, readings);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_reading again;
        weft_buffer_clear(&text);
        enum weft_err err = weft_reading_format(&readings[i], &text);
        weft_assert(err == WEFT_OK && weft_reading_parse(weft_buffer_as_text(&text), &again));
        weft_assert(weft_scalar_equal(&again.value, &readings[i].value)); /* GW-6 */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_sparkplug_payload payload;
    struct weft_msg msg = {""};
    const struct weft_bytes bytes = {data, size};
    weft_arena_reset(&arena);
    if (weft_sparkplug_decode(bytes, &arena, &payload, &msg) == WEFT_OK) {
        encode_twice(&payload);
        hear(&payload);
    } else {
        weft_assert(msg.text[0] != '\0'); /* GW-6 */
    }
    return 0;
}
