#include "tests/unit/proto/raw_message.h"

/* Limits of traces and documents, from both sides. What the encoder refuses to write, these
 * tests write with the face itself. */

#define STEP(member) offsetof(struct weft_trace_step, member)
#define REF(member) offsetof(struct weft_wire_trace_step_refs, member)

static const struct {
    size_t plain; /* In struct weft_trace_step. */
    size_t ref;   /* In the table's refs. */
    size_t size_max;
} texts[] = {
    {STEP(asset), REF(asset), WEFT_ASSET_SIZE_MAX},
    {STEP(rel), REF(rel), WEFT_REL_SIZE_MAX},
    {STEP(quantity), REF(quantity), WEFT_PATH_SIZE_MAX},
    {STEP(unit), REF(unit), WEFT_PATH_SIZE_MAX},
    {STEP(kind), REF(kind), WEFT_KIND_SIZE_MAX},
    {STEP(location), REF(location), WEFT_ASSET_SIZE_MAX},
    {STEP(location_rel), REF(location_rel), WEFT_REL_SIZE_MAX},
};

static enum weft_err send_steps(
    struct weft_wire_builder *b, const struct weft_wire_trace_step_refs *step, uint32_t count)
{
    struct weft_wire_trace_result_refs t = {
        .steps = repeat(b, weft_wire_trace_step_write(b, step), count)};
    return send_client(b, WEFT_KIND_TRACE_RESULT, weft_wire_trace_result_write(b, &t));
}

TEST(codec_trace, holds_every_text_of_a_step)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t over = 0; over < 2; over++) {
            struct weft_text text = text_of_size(texts[i].size_max + over);
            struct weft_trace_step step = {.flags = 0};
            memcpy((char *)&step + texts[i].plain, &text, sizeof(text));
            struct weft_client_message m = {
                .kind = WEFT_KIND_TRACE_RESULT, .trace = {.steps = &step, .step_count = 1}};
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, encode_client(&m));
            struct weft_wire_builder *b = begin();
            struct weft_wire_trace_step_refs refs = {.flags = 0};
            struct weft_wire_ref ref = weft_wire_text(b, text);
            memcpy((char *)&refs + texts[i].ref, &ref, sizeof(ref));
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, send_steps(b, &refs, 1));
            b = begin();
            refs = (struct weft_wire_trace_step_refs){.flags = 0};
            ref = weft_wire_text(b, WEFT_TEXT("a\xc3"));
            memcpy((char *)&refs + texts[i].ref, &ref, sizeof(ref));
            EXPECT_EQ(WEFT_EMALFORMED, send_steps(b, &refs, 1));
        }
    }
}

TEST(codec_trace, holds_the_number_of_steps_and_records)
{
    static struct weft_trace_step steps[WEFT_TRACE_STEPS_MAX + 1];
    static struct weft_stored_record stored[WEFT_TRACE_STEPS_MAX + 1];
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        uint32_t count = WEFT_TRACE_STEPS_MAX + over;
        struct weft_client_message m = {
            .kind = WEFT_KIND_TRACE_RESULT, .trace = {.steps = steps, .step_count = count}};
        EXPECT_EQ(expected, encode_client(&m));
        m = (struct weft_client_message){
            .kind = WEFT_KIND_TRACE_RESULT, .trace = {.records = stored, .record_count = count}};
        EXPECT_EQ(expected, encode_client(&m));
        struct weft_wire_builder *b = begin();
        EXPECT_EQ(expected, send_steps(b, &(struct weft_wire_trace_step_refs){0}, count));
    }
}

TEST(codec_trace, refuses_a_record_that_is_none)
{
    static const uint8_t noise[64] = {0xff, 0xff, 0xff, 0x7f};
    struct weft_stored_record stored = {.encoded = {noise, sizeof(noise)}};
    struct weft_client_message m = {
        .kind = WEFT_KIND_TRACE_RESULT, .trace = {.records = &stored, .record_count = 1}};
    EXPECT_EQ(WEFT_EMALFORMED, encode_client(&m));
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
        EXPECT_EQ(v < WEFT_VALUE_TYPES ? WEFT_OK : WEFT_EINVAL, send_fields(b, &field, 1));
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
