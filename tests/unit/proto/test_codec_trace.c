#include "tests/unit/proto/raw_message.h"

/* Limits of traces and documents, from both sides. What the encoder refuses to write, these
 * tests write with the face itself. */

/* As it is, whatever it holds. */
static enum weft_err send_trace(struct weft_packed steps, struct weft_packed records)
{
    struct weft_wire_builder *b = begin();
    struct weft_wire_trace_result_refs t = {.steps = weft_wire_bytes(b, steps.bytes),
        .step_count = steps.count,
        .records = weft_wire_bytes(b, records.bytes),
        .record_count = records.count};
    return send_client(b, WEFT_KIND_TRACE_RESULT, weft_wire_trace_result_write(b, &t));
}

TEST(codec_trace, holds_the_number_of_steps_and_records)
{
    static uint8_t step_bytes[4 * (WEFT_TRACE_STEPS_MAX + 1)]; /* Four zeros are a step. */
    static uint8_t record_bytes[11 * (WEFT_TRACE_STEPS_MAX + 1)];
    const struct weft_packed none = {{NULL, 0}, 0};
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        uint32_t count = WEFT_TRACE_STEPS_MAX + over;
        const struct weft_packed steps = {{step_bytes, (size_t)4 * count}, count};
        const struct weft_packed records = {{record_bytes, (size_t)11 * count}, count};
        struct weft_client_message m = {.kind = WEFT_KIND_TRACE_RESULT, .trace = {.steps = steps}};
        EXPECT_EQ(expected, encode_client(&m));
        m.trace = (struct weft_trace_result){.records = records};
        EXPECT_EQ(expected, encode_client(&m));
        EXPECT_EQ(expected, send_trace(steps, none));
        EXPECT_EQ(expected, send_trace(none, records));
    }
}

TEST(codec_trace, refuses_another_number_than_there_is)
{
    static const uint8_t zeros[3 * 11];
    const struct weft_packed none = {{NULL, 0}, 0};
    for (uint32_t count = 0; count < 5; count++) {
        EXPECT_EQ(count == 3 ? WEFT_OK : WEFT_EMALFORMED,
            send_trace((struct weft_packed){{zeros, 12}, count}, none));
        EXPECT_EQ(count == 3 ? WEFT_OK : WEFT_EMALFORMED,
            send_trace(none, (struct weft_packed){{zeros, 33}, count}));
    }
}

/* Names of assets hold no control characters, so lines can be told apart. */
TEST(codec_trace, takes_names_up_to_what_an_answer_holds)
{
    struct weft_text names = text_of_size(WEFT_ANSWER_SIZE_MAX - 1024);
    letters[20] = '\n';
    struct weft_client_message m = {
        .kind = WEFT_KIND_TRACE_RESULT, .trace = {.assets = names, .first_step = 5}};
    EXPECT_EQ(WEFT_OK, encode_client(&m));
    m.trace.assets = text_of_size(WEFT_ANSWER_SIZE_MAX);
    EXPECT_EQ(WEFT_ETOOBIG, encode_client(&m));
}

static enum weft_err send_fields(
    struct weft_wire_builder *b, const struct weft_wire_field_refs *field, uint32_t count)
{
    struct weft_wire_document_refs d = {
        .content = repeat(b, weft_wire_field_write(b, field), count)};
    return send_client(b, WEFT_KIND_DOCUMENT, weft_wire_document_write(b, &d));
}

TEST(codec_trace, holds_the_fields_of_a_document)
{
    static struct weft_field fields[WEFT_DOCUMENT_FIELDS_MAX + 1];
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        uint32_t count = WEFT_DOCUMENT_FIELDS_MAX + over;
        struct weft_client_message m = {
            .kind = WEFT_KIND_DOCUMENT, .document = {.fields = fields, .field_count = count}};
        EXPECT_EQ(expected, encode_client(&m));
        struct weft_wire_builder *b = begin();
        EXPECT_EQ(expected, send_fields(b, &(struct weft_wire_field_refs){0}, count));

        struct weft_field field = {.path = text_of_size(WEFT_DOCUMENT_PATH_SIZE_MAX + over)};
        m.document = (struct weft_document){.fields = &field, .field_count = 1};
        EXPECT_EQ(expected, encode_client(&m));
        field = (struct weft_field){.value = text_of_size(WEFT_VALUE_SIZE_MAX + over)};
        EXPECT_EQ(expected, encode_client(&m));
        b = begin();
        EXPECT_EQ(expected,
            send_fields(b,
                &(struct weft_wire_field_refs){
                    .path = weft_wire_text(b, text_of_size(WEFT_DOCUMENT_PATH_SIZE_MAX + over))},
                1));
        b = begin();
        EXPECT_EQ(
            expected, send_fields(b,
                          &(struct weft_wire_field_refs){
                              .value = weft_wire_text(b, text_of_size(WEFT_VALUE_SIZE_MAX + over))},
                          1));
    }
}

TEST(codec_trace, admits_only_known_enumerators)
{
    for (unsigned v = 0; v < 256; v++) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_field_refs field = {.value_type = (uint8_t)v};
        EXPECT_EQ(v <= WEFT_VALUE_REDACTED ? WEFT_OK : WEFT_EINVAL, send_fields(b, &field, 1));
        for (int side = 0; side < 2; side++) {
            b = begin();
            struct weft_wire_query_refs q = {.query_type = WEFT_QUERY_DIFF,
                .left = (uint8_t)(side == 0 ? v : 0),
                .right = (uint8_t)(side == 1 ? v : 0)};
            EXPECT_EQ(v <= 3 ? WEFT_OK : WEFT_EINVAL,
                send_client(b, WEFT_KIND_QUERY, weft_wire_query_write(b, &q)));
        }
    }
}
