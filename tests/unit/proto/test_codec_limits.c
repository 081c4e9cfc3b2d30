#include "tests/unit/proto/raw_message.h"

/* Limits are tried from both sides, when encoding and when decoding. What the encoder refuses
 * to write, these tests write with the face itself. */

/* --- texts of the client door ---------------------------------------------------------------- */

/* Where a text stands in the plain struct and in what the table is written from. */
struct text_case {
    enum weft_message_kind kind;
    size_t plain; /* In struct weft_client_message. */
    size_t ref;   /* In the table's refs. */
    size_t size_max;
};

#define PLAIN(member) offsetof(struct weft_client_message, member)
#define REF(table, member) offsetof(struct weft_wire_##table##_refs, member)

static const struct text_case texts[] = {
    {WEFT_KIND_QUERY, PLAIN(query.asset), REF(query, asset), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.asset_glob), REF(query, asset_glob), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.kind), REF(query, kind), WEFT_KIND_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.where_path), REF(query, where_path), WEFT_PATH_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.where_value), REF(query, where_value), WEFT_VALUE_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.rels), REF(query, rels), WEFT_RELS_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.to_kind), REF(query, to_kind), WEFT_KIND_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.machine), REF(query, machine), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.part), REF(query, part), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.differs_path), REF(query, differs_path), WEFT_PATH_SIZE_MAX},
    {WEFT_KIND_QUERY, PLAIN(query.differs_by), REF(query, differs_by), WEFT_PATH_SIZE_MAX},
    {WEFT_KIND_STATUS_RESULT, PLAIN(status_result.site), REF(status, site), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_STATUS_RESULT, PLAIN(status_result.org), REF(status, org), WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_STATUS_RESULT, PLAIN(status_result.node), REF(status, node),
        WEFT_PRINCIPAL_SIZE_MAX},
    {WEFT_KIND_STATUS_RESULT, PLAIN(status_result.version), REF(status, software),
        WEFT_PATH_SIZE_MAX},
    {WEFT_KIND_STATUS_RESULT, PLAIN(status_result.state), REF(status, state), WEFT_PATH_SIZE_MAX},
    {WEFT_KIND_MEMBER, PLAIN(member.name), REF(member_request, name), WEFT_PRINCIPAL_SIZE_MAX},
    {WEFT_KIND_MEMBER, PLAIN(member.peer_address), REF(member_request, peer_address),
        WEFT_ADDRESS_SIZE_MAX},
    {WEFT_KIND_MEMBER, PLAIN(member.client_address), REF(member_request, client_address),
        WEFT_ADDRESS_SIZE_MAX},
    {WEFT_KIND_MEMBER_RESULT, PLAIN(member_result.site), REF(member_result, site),
        WEFT_ASSET_SIZE_MAX},
    {WEFT_KIND_FILE, PLAIN(file.checkpoint), REF(file_request, checkpoint),
        WEFT_FILE_NAME_SIZE_MAX},
    {WEFT_KIND_FILE, PLAIN(file.file), REF(file_request, file_name), WEFT_FILE_NAME_SIZE_MAX},
    {WEFT_KIND_FILE_RESULT, PLAIN(file_result.checkpoint), REF(file_result, checkpoint),
        WEFT_FILE_NAME_SIZE_MAX},
    {WEFT_KIND_FILE_RESULT, PLAIN(file_result.file), REF(file_result, file_name),
        WEFT_FILE_NAME_SIZE_MAX},
    {WEFT_KIND_ERROR, PLAIN(error.detail), REF(error_answer, detail), WEFT_DETAIL_SIZE_MAX},
    {WEFT_KIND_ERROR, PLAIN(error.pointer), REF(error_answer, pointer), WEFT_DETAIL_SIZE_MAX},
    {WEFT_KIND_ERROR, PLAIN(error.leader), REF(error_answer, leader), WEFT_ADDRESS_SIZE_MAX},
};

/* A valid table of the kind with one text put in at `at`. */
static struct weft_wire_ref write_with_text(
    struct weft_wire_builder *b, enum weft_message_kind kind, size_t at, struct weft_text text)
{
    union {
        struct weft_wire_query_refs query;
        struct weft_wire_status_refs status;
        struct weft_wire_member_request_refs member;
        struct weft_wire_member_result_refs member_result;
        struct weft_wire_file_request_refs file;
        struct weft_wire_file_result_refs file_result;
        struct weft_wire_error_answer_refs error;
    } refs = {0};
    struct weft_wire_ref name = weft_wire_text(b, WEFT_TEXT("name"));
    struct weft_wire_ref ref = weft_wire_text(b, text);
    unsigned tag = kind;
    switch (tag) {
    case WEFT_KIND_QUERY:
        refs.query.query_type = WEFT_QUERY_FIND;
        break;
    case WEFT_KIND_MEMBER:
        refs.member.action = WEFT_MEMBER_ADD;
        break;
    case WEFT_KIND_FILE:
        refs.file.checkpoint = refs.file.file_name = name;
        break;
    case WEFT_KIND_FILE_RESULT:
        refs.file_result.checkpoint = refs.file_result.file_name = name;
        break;
    case WEFT_KIND_ERROR:
        refs.error.outcome = WEFT_WIRE_OUTCOME_BUSY;
        break;
    }
    memcpy((char *)&refs + at, &ref, sizeof(ref));
    switch (tag) {
    case WEFT_KIND_QUERY:
        return weft_wire_query_write(b, &refs.query);
    case WEFT_KIND_STATUS_RESULT:
        return weft_wire_status_write(b, &refs.status);
    case WEFT_KIND_MEMBER:
        return weft_wire_member_request_write(b, &refs.member);
    case WEFT_KIND_MEMBER_RESULT:
        return weft_wire_member_result_write(b, &refs.member_result);
    case WEFT_KIND_FILE:
        return weft_wire_file_request_write(b, &refs.file);
    case WEFT_KIND_FILE_RESULT:
        return weft_wire_file_result_write(b, &refs.file_result);
    default:
        return weft_wire_error_answer_write(b, &refs.error);
    }
}

static struct weft_client_message plain_with_text(
    enum weft_message_kind kind, size_t at, struct weft_text text)
{
    struct weft_client_message m = {.kind = kind};
    unsigned tag = kind;
    switch (tag) {
    case WEFT_KIND_QUERY:
        m.query.type = WEFT_QUERY_FIND;
        break;
    case WEFT_KIND_MEMBER:
        m.member.action = WEFT_MEMBER_ADD;
        break;
    case WEFT_KIND_FILE:
        m.file.checkpoint = m.file.file = WEFT_TEXT("name");
        break;
    case WEFT_KIND_FILE_RESULT:
        m.file_result.checkpoint = m.file_result.file = WEFT_TEXT("name");
        break;
    case WEFT_KIND_ERROR:
        m.error.err = WEFT_EBUSY;
        break;
    }
    memcpy((char *)&m + at, &text, sizeof(text));
    return m;
}

TEST(codec_limits, hold_every_text_of_the_client_door)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct text_case *t = &texts[i];
        for (size_t over = 0; over < 2; over++) {
            struct weft_text text = text_of_size(t->size_max + over);
            struct weft_client_message m = plain_with_text(t->kind, t->plain, text);
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, encode_client(&m));
            struct weft_wire_builder *b = begin();
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK,
                send_client(b, t->kind, write_with_text(b, t->kind, t->ref, text)));
        }
    }
}

TEST(codec_limits, refuse_every_text_of_the_client_door_that_is_not_utf8)
{
    static const struct weft_text bad[] = {
        WEFT_TEXT("\xff"), WEFT_TEXT("a\xc3"), WEFT_TEXT("\xed\xa0\x80"), WEFT_TEXT("a\0b")};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            struct weft_wire_builder *b = begin();
            EXPECT_EQ(
                WEFT_EMALFORMED, send_client(b, texts[i].kind,
                                     write_with_text(b, texts[i].kind, texts[i].ref, bad[j])));
        }
    }
}

TEST(codec_limits, admit_only_plain_file_names)
{
    static const struct weft_text bad[] = {WEFT_TEXT(""), WEFT_TEXT("."), WEFT_TEXT(".."),
        WEFT_TEXT("/"), WEFT_TEXT("a/b"), WEFT_TEXT("../x"), WEFT_TEXT("/etc/passwd")};
    static const struct weft_text good[] = {
        WEFT_TEXT("..."), WEFT_TEXT(".x"), WEFT_TEXT("000012.sst"), WEFT_TEXT("a b")};
    static const enum weft_message_kind kinds[] = {WEFT_KIND_FILE, WEFT_KIND_FILE_RESULT};
    for (size_t i = 0; i < 14; i++) {
        size_t at = i < 7 ? REF(file_request, checkpoint) : REF(file_request, file_name);
        _Static_assert(REF(file_request, checkpoint) == REF(file_result, checkpoint) &&
                           REF(file_request, file_name) == REF(file_result, file_name),
            "one offset serves both");
        for (size_t k = 0; k < 2; k++) {
            struct weft_wire_builder *b = begin();
            EXPECT_EQ(WEFT_EINVAL,
                send_client(b, kinds[k], write_with_text(b, kinds[k], at, bad[i % 7])));
            b = begin();
            EXPECT_EQ(
                WEFT_OK, send_client(b, kinds[k], write_with_text(b, kinds[k], at, good[i % 4])));
        }
    }
}

/* --- values of the client door --------------------------------------------------------------- */

static enum weft_err query_of(uint8_t type, uint8_t consistency, uint8_t operation, uint32_t limit)
{
    struct weft_wire_builder *b = begin();
    const struct weft_wire_query_refs q = {.query_type = type,
        .consistency = consistency,
        .where_operator = operation,
        .limit_records = limit};
    return send_client(b, WEFT_KIND_QUERY, weft_wire_query_write(b, &q));
}

TEST(codec_limits, admit_only_known_enumerators_of_the_client_door)
{
    for (unsigned v = 0; v < 256; v++) {
        uint8_t value = (uint8_t)v;
        EXPECT_EQ(v >= 1 && v <= 10 ? WEFT_OK : WEFT_EINVAL, query_of(value, 0, 0, 0));
        EXPECT_EQ(v <= 2 ? WEFT_OK : WEFT_EINVAL, query_of(1, value, 0, 0));
        EXPECT_EQ(v <= 7 ? WEFT_OK : WEFT_EINVAL, query_of(1, 0, value, 0));

        struct weft_wire_builder *b = begin();
        struct weft_wire_member_request_refs action = {.action = value};
        EXPECT_EQ(v >= 1 && v <= 6 ? WEFT_OK : WEFT_EINVAL,
            send_client(b, WEFT_KIND_MEMBER, weft_wire_member_request_write(b, &action)));

        b = begin();
        struct weft_wire_member_refs member = {.role = value};
        size_t mark = weft_wire_mark(b);
        weft_wire_push(b, weft_wire_member_write(b, &member));
        struct weft_wire_status_refs status = {.members = weft_wire_take(b, mark)};
        EXPECT_EQ(v <= 2 ? WEFT_OK : WEFT_EINVAL,
            send_client(b, WEFT_KIND_STATUS_RESULT, weft_wire_status_write(b, &status)));

        b = begin();
        struct weft_wire_error_answer_refs error = {.outcome = value};
        EXPECT_EQ(v >= 1 && v <= 19 ? WEFT_OK : WEFT_EINVAL,
            send_client(b, WEFT_KIND_ERROR, weft_wire_error_answer_write(b, &error)));
    }
}

TEST(codec_limits, hold_the_records_that_a_query_asks_for)
{
    EXPECT_EQ(WEFT_OK, query_of(1, 0, 0, WEFT_PAGE_RECORDS_MAX));
    EXPECT_EQ(WEFT_EINVAL, query_of(1, 0, 0, WEFT_PAGE_RECORDS_MAX + 1));
    for (uint8_t type = 1; type <= 10; type++) {
        bool is_trace = type >= WEFT_QUERY_TRACE_FORWARD && type <= WEFT_QUERY_RECALL;
        uint32_t limit = is_trace ? WEFT_TRACE_IDS_MAX : WEFT_PAGE_RECORDS_MAX;
        EXPECT_EQ(WEFT_OK, query_of(type, 0, 0, limit));
        EXPECT_EQ(WEFT_EINVAL, query_of(type, 0, 0, limit + 1));
    }
}

TEST(codec_limits, hold_bytes_of_the_client_door)
{
    for (size_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        const uint8_t *data = (const uint8_t *)text_of_size(1).data;
        struct weft_bytes cursor = {data, WEFT_CURSOR_SIZE_MAX + over};
        struct weft_bytes manifest = {data, WEFT_MANIFEST_SIZE_MAX + over};
        struct weft_bytes content = {data, WEFT_CHUNK_SIZE_MAX + over};
        struct weft_client_message m = {
            .kind = WEFT_KIND_QUERY, .query = {.type = WEFT_QUERY_ASSET, .cursor = cursor}};
        EXPECT_EQ(expected, encode_client(&m));
        m = (struct weft_client_message){.kind = WEFT_KIND_PAGE, .page = {.cursor = cursor}};
        EXPECT_EQ(expected, encode_client(&m));
        m = (struct weft_client_message){
            .kind = WEFT_KIND_CHECKPOINT_RESULT, .checkpoint_result = {manifest}};
        EXPECT_EQ(expected, encode_client(&m));
        m = plain_with_text(WEFT_KIND_FILE_RESULT, PLAIN(file_result.file), WEFT_TEXT("x"));
        m.file_result.data = content;
        EXPECT_EQ(expected, encode_client(&m));
        m = plain_with_text(WEFT_KIND_FILE, PLAIN(file.file), WEFT_TEXT("x"));
        m.file.size_bytes = WEFT_CHUNK_SIZE_MAX + (uint32_t)over;
        EXPECT_EQ(expected, encode_client(&m));

        struct weft_wire_builder *b = begin();
        struct weft_wire_query_refs q = {
            .query_type = WEFT_QUERY_ASSET, .cursor = weft_wire_bytes(b, cursor)};
        EXPECT_EQ(expected, send_client(b, WEFT_KIND_QUERY, weft_wire_query_write(b, &q)));
        b = begin();
        struct weft_wire_page_refs page = {.cursor = weft_wire_bytes(b, cursor)};
        EXPECT_EQ(expected, send_client(b, WEFT_KIND_PAGE, weft_wire_page_write(b, &page)));
        b = begin();
        struct weft_wire_checkpoint_result_refs c = {.manifest = weft_wire_bytes(b, manifest)};
        EXPECT_EQ(expected,
            send_client(b, WEFT_KIND_CHECKPOINT_RESULT, weft_wire_checkpoint_result_write(b, &c)));
        b = begin();
        struct weft_wire_ref name = weft_wire_text(b, WEFT_TEXT("x"));
        struct weft_wire_file_result_refs f = {
            .checkpoint = name, .file_name = name, .content = weft_wire_bytes(b, content)};
        EXPECT_EQ(
            expected, send_client(b, WEFT_KIND_FILE_RESULT, weft_wire_file_result_write(b, &f)));
        b = begin();
        name = weft_wire_text(b, WEFT_TEXT("x"));
        struct weft_wire_file_request_refs r = {.checkpoint = name,
            .file_name = name,
            .size_bytes = WEFT_CHUNK_SIZE_MAX + (uint32_t)over};
        EXPECT_EQ(expected, send_client(b, WEFT_KIND_FILE, weft_wire_file_request_write(b, &r)));
    }
}

TEST(codec_limits, refuse_digests_and_request_ids_of_another_size)
{
    const uint8_t bytes[40] = {1};
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_digest_result_refs d = {
            .digest = weft_wire_bytes(b, (struct weft_bytes){bytes, size})};
        EXPECT_EQ(size == 0 || size == WEFT_DIGEST_SIZE ? WEFT_OK : WEFT_EMALFORMED,
            send_client(b, WEFT_KIND_DIGEST_RESULT, weft_wire_digest_result_write(b, &d)));
        b = begin();
        struct weft_wire_commit_result_refs c = {
            .request_id = weft_wire_bytes(b, (struct weft_bytes){bytes, size})};
        EXPECT_EQ(size == 16 ? WEFT_OK : WEFT_EMALFORMED,
            send_client(b, WEFT_KIND_COMMIT_RESULT, weft_wire_commit_result_write(b, &c)));
    }
}

TEST(codec_limits, refuse_content_beside_an_error)
{
    struct weft_wire_builder *b = begin();
    struct weft_wire_ref name = weft_wire_text(b, WEFT_TEXT("x"));
    struct weft_wire_file_result_refs f = {.checkpoint = name,
        .file_name = name,
        .outcome = WEFT_WIRE_OUTCOME_NOT_FOUND,
        .content = weft_wire_bytes(b, (struct weft_bytes){(const uint8_t *)"x", 1})};
    EXPECT_EQ(
        WEFT_EINVAL, send_client(b, WEFT_KIND_FILE_RESULT, weft_wire_file_result_write(b, &f)));
}

/* --- counts ---------------------------------------------------------------------------------- */

TEST(codec_limits, hold_members_gauges_and_receipts)
{
    static struct weft_member members[WEFT_MEMBERS_MAX + 1];
    static struct weft_gauge gauges[WEFT_GAUGES_MAX + 1];
    static struct weft_receipt receipts[WEFT_COMMIT_RECORDS_MAX + 1];
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        struct weft_client_message m = {.kind = WEFT_KIND_STATUS_RESULT,
            .status_result = {.members = members, .member_count = WEFT_MEMBERS_MAX + over}};
        EXPECT_EQ(expected, encode_client(&m));
        m = (struct weft_client_message){.kind = WEFT_KIND_STATUS_RESULT,
            .status_result = {.gauges = gauges, .gauge_count = WEFT_GAUGES_MAX + over}};
        EXPECT_EQ(expected, encode_client(&m));
        m = (struct weft_client_message){.kind = WEFT_KIND_COMMIT_RESULT,
            .commit_result = {
                .receipts = receipts, .receipt_count = WEFT_COMMIT_RECORDS_MAX + over}};
        EXPECT_EQ(expected, encode_client(&m));

        struct weft_wire_builder *b = begin();
        struct weft_wire_ref member = weft_wire_member_write(b, &(struct weft_wire_member_refs){0});
        struct weft_wire_status_refs s = {.members = repeat(b, member, WEFT_MEMBERS_MAX + over)};
        EXPECT_EQ(expected, send_client(b, WEFT_KIND_STATUS_RESULT, weft_wire_status_write(b, &s)));
        b = begin();
        struct weft_wire_ref gauge = weft_wire_gauge_write(b, &(struct weft_wire_gauge_refs){0});
        s = (struct weft_wire_status_refs){.gauges = repeat(b, gauge, WEFT_GAUGES_MAX + over)};
        EXPECT_EQ(expected, send_client(b, WEFT_KIND_STATUS_RESULT, weft_wire_status_write(b, &s)));
        b = begin();
        struct weft_wire_ref receipt =
            weft_wire_receipt_write(b, &(struct weft_wire_receipt_refs){0});
        struct weft_wire_commit_result_refs c = {
            .receipts = repeat(b, receipt, WEFT_COMMIT_RECORDS_MAX + over),
            .request_id = weft_wire_bytes(b, (struct weft_bytes){(const uint8_t *)letters, 16})};
        EXPECT_EQ(expected,
            send_client(b, WEFT_KIND_COMMIT_RESULT, weft_wire_commit_result_write(b, &c)));
    }
}

TEST(codec_limits, hold_the_records_of_a_page)
{
    static struct weft_stored_record stored[WEFT_PAGE_RECORDS_MAX + 1];
    for (size_t i = 0; i <= WEFT_PAGE_RECORDS_MAX; i++) {
        stored[i].record.kind = WEFT_TEXT("k");
    }
    for (uint32_t over = 0; over < 2; over++) {
        struct weft_client_message m = {.kind = WEFT_KIND_PAGE,
            .page = {.records = stored, .record_count = WEFT_PAGE_RECORDS_MAX + over}};
        EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, encode_client(&m));
        struct weft_wire_builder *b = begin();
        struct weft_buffer record = {0};
        EXPECT_EQ(WEFT_OK, weft_record_encode(&stored[0].record, &record));
        struct weft_wire_stored_record_refs s = {
            .encoded = weft_wire_bytes(b, (struct weft_bytes){record.data, record.size})};
        struct weft_wire_page_refs p = {.records = repeat(b, weft_wire_stored_record_write(b, &s),
                                            WEFT_PAGE_RECORDS_MAX + over)};
        EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK,
            send_client(b, WEFT_KIND_PAGE, weft_wire_page_write(b, &p)));
        weft_buffer_destroy(&record);
    }
}

TEST(codec_limits, refuse_a_page_whose_record_is_none)
{
    static const uint8_t noise[64] = {0xff, 0xff, 0xff, 0x7f};
    for (size_t size = 0; size <= sizeof(noise); size++) {
        struct weft_stored_record stored = {.encoded = {noise, size}};
        struct weft_client_message m = {
            .kind = WEFT_KIND_PAGE, .page = {.records = &stored, .record_count = 1}};
        EXPECT_EQ(size == 0 ? WEFT_OK : WEFT_EMALFORMED, encode_client(&m));
    }
    struct weft_wire_builder *b = begin(); /* Absent altogether. */
    struct weft_wire_ref record =
        weft_wire_stored_record_write(b, &(struct weft_wire_stored_record_refs){0});
    struct weft_wire_page_refs p = {.records = repeat(b, record, 1)};
    EXPECT_EQ(WEFT_EMALFORMED, send_client(b, WEFT_KIND_PAGE, weft_wire_page_write(b, &p)));
}

/* --- whole messages -------------------------------------------------------------------------- */

TEST(codec_limits, hold_requests_and_answers_to_their_size)
{
    const struct weft_client_message request = {.kind = WEFT_KIND_STATUS};
    const struct weft_client_message answer = {
        .kind = WEFT_KIND_ERROR, .error = {.err = WEFT_EBUSY}};
    const struct weft_peer_message ping = {.kind = WEFT_KIND_PING};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, encode_client(&request));
    pad_to(WEFT_CLIENT_MESSAGE_SIZE_MAX);
    EXPECT_EQ(WEFT_OK, decode_client(&msg));
    pad_to(WEFT_CLIENT_MESSAGE_SIZE_MAX + 1);
    EXPECT_EQ(WEFT_ETOOBIG, decode_client(&msg));
    EXPECT_TRUE(strstr(msg.text, "kind 68") != NULL && strstr(msg.text, "1048576") != NULL);
    EXPECT_EQ(WEFT_OK, encode_client(&answer));
    pad_to(WEFT_ANSWER_SIZE_MAX);
    EXPECT_EQ(WEFT_OK, decode_client(&msg));
    pad_to(WEFT_ANSWER_SIZE_MAX + 1);
    EXPECT_EQ(WEFT_ETOOBIG, decode_client(&msg));
    EXPECT_EQ(WEFT_OK, encode_peer(&ping));
    pad_to(WEFT_MESSAGE_SIZE_MAX);
    EXPECT_EQ(WEFT_OK, decode_peer(NULL));
    pad_to(WEFT_MESSAGE_SIZE_MAX + 1);
    EXPECT_EQ(WEFT_ETOOBIG, decode_peer(NULL));
}

/* 14 records of 64 KiB and one of as much as fills the limit. */
static void fill_commit(struct weft_record records[15], struct weft_field fields[15], size_t last)
{
    struct weft_text value = text_of_size(WEFT_VALUE_SIZE_MAX);
    for (size_t i = 0; i < 15; i++) {
        value.size = i < 13 ? (size_t)WEFT_VALUE_SIZE_MAX : last / 2;
        fields[i] = (struct weft_field){WEFT_TEXT("v"), value, WEFT_VALUE_TEXT};
        records[i] = (struct weft_record){.kind = WEFT_TEXT("k"),
            .asset = WEFT_TEXT("a"),
            .fields = &fields[i],
            .field_count = 1};
    }
    fields[14].value.size = last - last / 2;
}

TEST(codec_limits, hold_a_commit_to_its_size)
{
    struct weft_record records[15];
    struct weft_field fields[15];
    struct weft_client_message m = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = records, .record_count = 15}};
    size_t low = 0, high = 2 * (size_t)WEFT_VALUE_SIZE_MAX;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        fill_commit(records, fields, middle);
        enum weft_err err = encode_client(&m);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ETOOBIG);
        *(err == WEFT_OK ? &low : &high) = middle;
    }
    fill_commit(records, fields, low);
    EXPECT_EQ(WEFT_OK, encode_client(&m));
    /* Kind, asset and path, a letter and its length each, are written once and count each time. */
    size_t shared = 14 * 3 * (4 + 1);
    EXPECT_TRUE(out.size + shared > WEFT_COMMIT_SIZE_MAX + WEFT_ENVELOPE_SIZE - 16);
    EXPECT_TRUE(out.size + shared <= WEFT_COMMIT_SIZE_MAX + WEFT_ENVELOPE_SIZE);
    pad_to(WEFT_COMMIT_SIZE_MAX + WEFT_ENVELOPE_SIZE);
    EXPECT_EQ(WEFT_OK, decode_client(NULL));
    pad_to(WEFT_COMMIT_SIZE_MAX + WEFT_ENVELOPE_SIZE + 1);
    EXPECT_EQ(WEFT_ETOOBIG, decode_client(NULL));
    weft_buffer_clear(&out);
    fill_commit(records, fields, high);
    EXPECT_EQ(WEFT_ETOOBIG, weft_commit_encode(&m.commit, &out));
    EXPECT_EQ(0, out.size);
}

TEST(codec_limits, hold_a_block_of_telemetry)
{
    static const enum weft_message_kind kinds[] = {WEFT_KIND_BLOCK_PUT, WEFT_KIND_BLOCK_RESULT};
    for (size_t i = 0; i < 2; i++) {
        for (size_t size = WEFT_BLOCK_SIZE_MAX; size <= WEFT_BLOCK_SIZE_MAX + 1; size++) {
            enum weft_err expected = size > WEFT_BLOCK_SIZE_MAX ? WEFT_ETOOBIG : WEFT_OK;
            const struct weft_bytes content = {(const uint8_t *)text_of_size(size).data, size};
            struct weft_client_message m = {.kind = kinds[i], .block = {.content = content}};
            EXPECT_EQ(expected, encode_client(&m));
            struct weft_wire_builder *b = begin();
            struct weft_wire_block_refs refs = {.content = weft_wire_bytes(b, content)};
            EXPECT_EQ(expected, send_client(b, kinds[i], weft_wire_block_write(b, &refs)));
        }
        struct weft_wire_builder *b = begin();
        struct weft_wire_block_refs empty = {.content = {0}};
        EXPECT_EQ(WEFT_EINVAL, send_client(b, kinds[i], weft_wire_block_write(b, &empty)));
    }
}

/* What it carries is not looked into: that is done when it is known for whom it is. */
TEST(codec_limits, authorized_request_has_a_note_of_its_limit_and_a_kind_that_may_be_asked_for)
{
    static char note[WEFT_AUTHORIZATION_SIZE_MAX + 1];
    static const uint8_t bytes[8];
    struct weft_buffer message = {.size_max = 4 * 1024 * 1024};
    struct weft_arena decoded = {.size_max = 4 * 1024 * 1024};
    struct weft_client_message back, m = {.kind = WEFT_KIND_AUTHORIZED, .request_id = 7};
    struct weft_msg msg = {""};
    memset(note, 'n', sizeof(note));
    m.authorized = (struct weft_authorized){
        {note, WEFT_AUTHORIZATION_SIZE_MAX}, WEFT_KIND_QUERY, {bytes, sizeof(bytes)}};
    EXPECT_EQ(WEFT_OK, weft_client_encode(&m, &message));
    EXPECT_EQ(WEFT_OK, weft_client_decode((struct weft_bytes){message.data, message.size}, &decoded,
                           &back, NULL, &msg));
    EXPECT_EQ(WEFT_KIND_QUERY, back.authorized.request_kind);
    EXPECT_EQ(WEFT_AUTHORIZATION_SIZE_MAX, back.authorized.note.size);
    EXPECT_EQ(0, (uintptr_t)back.authorized.request.data & 7);
    m.authorized.note.size++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_client_encode(&m, &message));
    for (unsigned kind = 0; kind < 128; kind++) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_authorized_request_refs refs = {.request_kind = (uint16_t)kind};
        bool may = kind == WEFT_KIND_COMMIT || kind == WEFT_KIND_QUERY ||
                   kind == WEFT_KIND_STATUS || kind == WEFT_KIND_MEMBER ||
                   kind == WEFT_KIND_DIGEST || kind == WEFT_KIND_CHECKPOINT ||
                   kind == WEFT_KIND_FILE || kind == WEFT_KIND_BLOCK_PUT ||
                   kind == WEFT_KIND_BLOCK_GET || kind == WEFT_KIND_CARRY;
        EXPECT_EQ(may, weft_client_may_authorize(kind));
        EXPECT_EQ(may ? WEFT_OK : WEFT_EVERSION,
            send_client(b, WEFT_KIND_AUTHORIZED, weft_wire_authorized_request_write(b, &refs)));
    }
    weft_buffer_destroy(&message);
    weft_arena_destroy(&decoded);
}

TEST(codec_limits, request_of_somebody_is_decoded_from_its_table_alone)
{
    struct weft_buffer message = {0};
    struct weft_arena decoded = {.size_max = 4 * 1024 * 1024};
    struct weft_client_message back,
        m = {.kind = WEFT_KIND_QUERY, .query = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("a")}};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_client_encode(&m, &message));
    const struct weft_bytes table = {
        message.data + WEFT_ENVELOPE_SIZE, message.size - WEFT_ENVELOPE_SIZE};
    EXPECT_EQ(WEFT_OK, weft_client_decode_table(WEFT_KIND_QUERY, 9, table, &decoded, &back, &msg));
    EXPECT_EQ(9, back.request_id);
    EXPECT_TRUE(weft_text_is(back.query.asset, "a"));
    EXPECT_EQ(WEFT_EMALFORMED, weft_client_decode_table(WEFT_KIND_QUERY, 9,
                                   (struct weft_bytes){table.data, 4}, &decoded, &back, &msg));
    EXPECT_EQ(WEFT_EVERSION,
        weft_client_decode_table(WEFT_KIND_AUTHORIZED, 9, table, &decoded, &back, &msg));
    weft_buffer_destroy(&message);
    weft_arena_destroy(&decoded);
}

/* A commit that is handed on is not looked into: that is done by whoever proposes it. */
TEST(codec_limits, forwarded_commit_has_the_size_of_a_commit_and_its_principal_that_of_one)
{
    static uint8_t bytes[WEFT_COMMIT_SIZE_MAX + 1];
    static char text[WEFT_PRINCIPAL_SIZE_MAX + 1];
    struct weft_buffer bytes_out = {.size_max = 4 * 1024 * 1024};
    struct weft_arena decoded = {.size_max = 4 * 1024 * 1024};
    struct weft_client_message back, m = {.kind = WEFT_KIND_FORWARD, .request_id = 7};
    struct weft_msg msg = {""};
    memset(text, 'p', sizeof(text));
    m.forward.principal = (struct weft_text){text, WEFT_PRINCIPAL_SIZE_MAX};
    m.forward.commit = (struct weft_bytes){bytes, WEFT_COMMIT_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, weft_client_encode(&m, &bytes_out));
    EXPECT_EQ(WEFT_OK, weft_client_decode((struct weft_bytes){bytes_out.data, bytes_out.size},
                           &decoded, &back, NULL, &msg));
    EXPECT_EQ(WEFT_COMMIT_SIZE_MAX, back.forward.commit.size);
    EXPECT_TRUE(weft_text_equal(m.forward.principal, back.forward.principal));
    m.forward.commit.size++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_client_encode(&m, &bytes_out));
    m.forward.commit.size--;
    m.forward.principal.size++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_client_encode(&m, &bytes_out));
    weft_buffer_destroy(&bytes_out);
    weft_arena_destroy(&decoded);
}
