/* The partner door: what is encoded decodes to the same, and nothing else decodes. */
#include "proto/partner.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/limits.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 8 << 20};
static const uint8_t hashes[2080] = {1, 2, 3};

enum {
    FREE = WEFT_KIND_STREAM_SET - WEFT_KIND_STREAM_HELLO + 1, /* 138 */
    MORE = WEFT_KIND_STREAM_MORE - WEFT_KIND_STREAM_HELLO - 1,
    LEAVES = MORE + 2,
    KINDS
};

static enum weft_partner_kind kind_of(unsigned number)
{
    return number == LEAVES
               ? WEFT_KIND_STREAM_LEAVES
               : (enum weft_partner_kind)(WEFT_KIND_STREAM_HELLO + number + (number >= FREE));
}

/* One of each kind, with every field set. */
static struct weft_partner_message sample(unsigned number)
{
    struct weft_partner_message m = {.kind = kind_of(number),
        .stream = {WEFT_TEXT("box-2026"), WEFT_TEXT("supplier.example/west")}};
    switch ((unsigned)m.kind) {
    case WEFT_KIND_STREAM_HELLO:
        m.hello = (struct weft_stream_hello){
            1, {{2}}, 3, {{4}}, 5, 6, 7, true, 8, {{9}}, true, 10, {{11}}, 12, true, 13, 14};
        break;
    case WEFT_KIND_STREAM_HEAD:
        m.head = (struct weft_stream_head){WEFT_TEXT("a note"), 9, {hashes, 64}, 10, {hashes, 32}};
        break;
    case WEFT_KIND_STREAM_BATCH:
        m.batch = (struct weft_stream_batch){1, 2, {hashes, 5}, 4, {hashes, 32}, 11};
        break;
    case WEFT_KIND_STREAM_MORE:
        m.stream = (struct weft_stream_name){.agreement = {NULL, 0}};
        m.more = (struct weft_stream_more){1, {hashes, 5}, 13};
        break;
    case WEFT_KIND_STREAM_PROOF:
        m.stream = (struct weft_stream_name){.agreement = {NULL, 0}};
        m.proof = (struct weft_stream_proof){1, 4, {hashes, 32}, 14};
        break;
    case WEFT_KIND_STREAM_LEAVES:
        m.stream = (struct weft_stream_name){.agreement = {NULL, 0}};
        m.leaves = (struct weft_stream_leaves){300, true, 4000, {hashes, 64}, {hashes, 5}, 15};
        break;
    case WEFT_KIND_STREAM_RECEIPT:
        m.receipt = (struct weft_stream_receipt){WEFT_TEXT("a receipt"), 2, 3, 12};
        break;
    case WEFT_KIND_STREAM_NOTICE:
        m.notice = (struct weft_stream_notice){9, 10, WEFT_TEXT("split-view: two trees"), {{15}}};
        break;
    case WEFT_KIND_STREAM_REFUSAL:
    case WEFT_KIND_STREAM_OFFER:
    case WEFT_KIND_STREAM_EVIDENCE:
        m.text = WEFT_TEXT("a text");
        break;
    default:
        m.body = (struct weft_bytes){hashes, 77};
        break;
    }
    return m;
}

static struct weft_buffer encode(const struct weft_partner_message *m)
{
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(m, &out));
    return out;
}

static enum weft_err decode(const struct weft_buffer *bytes, struct weft_partner_message *m)
{
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    enum weft_err err =
        weft_partner_decode((struct weft_bytes){bytes->data, bytes->size}, &arena, m, &msg);
    EXPECT_EQ(err == WEFT_OK, msg.text[0] == '\0');
    return err;
}

TEST(partner, messages_come_back_as_they_were)
{
    for (unsigned i = 0; i < KINDS; i++) {
        struct weft_partner_message m = sample(i), again;
        struct weft_buffer bytes = encode(&m);
        EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
        EXPECT_EQ(m.kind, again.kind);
        EXPECT_TRUE(weft_text_equal(m.stream.agreement, again.stream.agreement));
        EXPECT_TRUE(weft_text_equal(m.stream.provider, again.stream.provider));
        struct weft_buffer second = encode(&again);
        EXPECT_EQ(bytes.size, second.size);
        EXPECT_MEM(bytes.data, second.data, bytes.size);
        weft_buffer_destroy(&bytes);
        weft_buffer_destroy(&second);
    }
    struct weft_partner_message m = sample(0), again;
    struct weft_buffer bytes = encode(&m);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(1, again.hello.version);
    EXPECT_EQ(2, again.hello.agreement_digest.bytes[0]);
    EXPECT_EQ(3, again.hello.next);
    EXPECT_EQ(4, again.hello.root.bytes[0]);
    EXPECT_EQ(5, again.hello.head_size);
    EXPECT_EQ(6, again.hello.statements_until);
    EXPECT_EQ(7, again.hello.bytes_until);
    EXPECT_TRUE(again.hello.is_explicit);
    EXPECT_EQ(8, again.hello.session);
    EXPECT_EQ(9, again.hello.head_root.bytes[0]);
    EXPECT_TRUE(again.hello.knows_questions);
    EXPECT_EQ(10, again.hello.window_bytes);
    EXPECT_EQ(11, again.hello.shared.bytes[0]);
    EXPECT_EQ(12, again.hello.shared_sent);
    EXPECT_TRUE(again.hello.knows_sets);
    EXPECT_EQ(13, again.hello.frame_bytes);
    EXPECT_EQ(14, again.hello.acknowledged);
    weft_buffer_destroy(&bytes);
    m = sample(2);
    bytes = encode(&m);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(1, again.batch.first);
    EXPECT_EQ(2, again.batch.count);
    EXPECT_EQ(5, again.batch.items.size);
    EXPECT_EQ(4, again.batch.head_size);
    EXPECT_EQ(32, again.batch.proof.size);
    weft_buffer_destroy(&bytes);
    m = sample(WEFT_KIND_STREAM_NOTICE - WEFT_KIND_STREAM_HELLO);
    bytes = encode(&m);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(9, again.notice.fault);
    EXPECT_EQ(15, again.notice.offer.bytes[0]);
    weft_buffer_destroy(&bytes);
}

TEST(partner, what_is_proven_later_takes_few_bytes_and_says_its_session)
{
    struct weft_partner_message m = sample(MORE), again;
    struct weft_buffer bytes = encode(&m);
    EXPECT_TRUE(bytes.size <= 64 + m.more.items.size);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(1, again.more.first);
    EXPECT_EQ(5, again.more.items.size);
    EXPECT_EQ(13, again.more.session);
    EXPECT_EQ(0, again.stream.agreement.size);
    weft_buffer_destroy(&bytes);
    m = sample(MORE + 1);
    bytes = encode(&m);
    EXPECT_TRUE(bytes.size <= 72 + m.proof.hashes.size);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(1, again.proof.size);
    EXPECT_EQ(4, again.proof.head_size);
    EXPECT_EQ(32, again.proof.hashes.size);
    EXPECT_EQ(14, again.proof.session);
    weft_buffer_destroy(&bytes);
    m = sample(LEAVES);
    bytes = encode(&m);
    EXPECT_EQ(WEFT_ENVELOPE_SIZE + 5 + 64 + 5, bytes.size);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(300, again.leaves.first);
    EXPECT_TRUE(again.leaves.is_proven);
    EXPECT_EQ(4000, again.leaves.head_size);
    EXPECT_EQ(64, again.leaves.hashes.size);
    EXPECT_EQ(5, again.leaves.items.size);
    EXPECT_EQ(15, again.leaves.session);
    weft_buffer_destroy(&bytes);
    m.leaves.is_proven = false;
    m.leaves.hashes.size = m.leaves.head_size = 0;
    bytes = encode(&m);
    EXPECT_EQ(WEFT_ENVELOPE_SIZE + 3 + 5, bytes.size);
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_TRUE(!again.leaves.is_proven && again.leaves.hashes.size == 0);
    weft_buffer_destroy(&bytes);
}

TEST(partner, cut_damaged_and_moved_messages_are_read_within_their_bytes)
{
    for (unsigned i = 0; i < KINDS; i++) {
        struct weft_partner_message m = sample(i), again;
        struct weft_buffer bytes = encode(&m);
        for (size_t size = 0; size < bytes.size; size++) { /* PRO-7: a block of just that size */
            uint8_t *block = malloc(size + 1);
            memcpy(block + 1, bytes.data, size);
            if (size >= 4) {
                weft_put_le32(block + 1, (uint32_t)size);
            }
            struct weft_msg msg = {""};
            enum weft_err err =
                weft_partner_decode((struct weft_bytes){block + 1, size}, &arena, &again, &msg);
            EXPECT_EQ(err == WEFT_OK, msg.text[0] == '\0');
            free(block);
        }
        for (size_t byte = 8; byte < bytes.size; byte++) {
            uint8_t kept = bytes.data[byte];
            bytes.data[byte] = (uint8_t)test_random(256);
            (void)decode(&bytes, &again);
            bytes.data[byte] = kept;
        }
        EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
        weft_buffer_destroy(&bytes);
    }
}

TEST(partner, kinds_of_other_doors_and_later_versions_are_not_spoken)
{
    struct weft_partner_message m = sample(0), again;
    struct weft_buffer bytes = encode(&m);
    bytes.data[4] = WEFT_KIND_COMMIT;
    EXPECT_EQ(WEFT_EVERSION, decode(&bytes, &again));
    bytes.data[4] = WEFT_KIND_STREAM_PROOF + 1;
    EXPECT_EQ(WEFT_EVERSION, decode(&bytes, &again));
    bytes.data[4] = WEFT_KIND_STREAM_HELLO;
    bytes.data[6] = 2;
    EXPECT_EQ(WEFT_EVERSION, decode(&bytes, &again));
    weft_buffer_destroy(&bytes);
}

static enum weft_err try_to_encode(const struct weft_partner_message *m)
{
    struct weft_buffer out = {0};
    enum weft_err err = weft_partner_encode(m, &out);
    struct weft_partner_message again;
    if (err == WEFT_OK) {
        EXPECT_EQ(WEFT_OK, decode(&out, &again));
    }
    weft_buffer_destroy(&out);
    return err;
}

TEST(partner, limits_hold_from_both_sides)
{
    static uint8_t large[WEFT_STREAM_LEAVES_SIZE_MAX + 1];
    static char text[WEFT_STREAM_TEXT_SIZE_MAX + 1];
    memset(text, 'a', sizeof(text));
    struct weft_partner_message m = sample(1);
    m.head.note = (struct weft_text){text, WEFT_STREAM_NOTE_SIZE_MAX};
    m.head.proof = (struct weft_bytes){hashes, WEFT_STREAM_PROOF_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.head.note.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(1);
    m.head.proof = (struct weft_bytes){hashes, WEFT_STREAM_PROOF_SIZE_MAX + 32};
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(2);
    m.batch.items = (struct weft_bytes){large, WEFT_STREAM_ITEMS_SIZE_MAX};
    m.batch.count = WEFT_STREAM_ITEMS_MAX;
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.batch.count++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m.batch.count--;
    m.batch.items.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(MORE);
    m.more.items = (struct weft_bytes){large, WEFT_STREAM_MORE_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.more.items.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(MORE + 1);
    m.proof.hashes = (struct weft_bytes){hashes, WEFT_STREAM_PROOF_SIZE_MAX + 32};
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(LEAVES);
    m.leaves.items = (struct weft_bytes){large, WEFT_STREAM_LEAVES_SIZE_MAX};
    m.leaves.hashes = (struct weft_bytes){hashes, WEFT_STREAM_PROOF_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.leaves.hashes.size += 32;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m.leaves.hashes.size -= 32;
    m.leaves.items.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(7);
    m.text = (struct weft_text){text, WEFT_STREAM_TEXT_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.text.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(8);
    m.body = (struct weft_bytes){large, WEFT_STREAM_BODY_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.body.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
    m = sample(0);
    m.stream.agreement = (struct weft_text){text, WEFT_STREAM_NAME_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, try_to_encode(&m));
    m.stream.agreement.size++;
    EXPECT_EQ(WEFT_ETOOBIG, try_to_encode(&m));
}

TEST(partner, leaves_that_say_more_hashes_than_there_are_or_may_be_are_refused)
{
    struct weft_partner_message m = sample(LEAVES), again;
    struct weft_buffer bytes = encode(&m);
    uint8_t *count = bytes.data + WEFT_ENVELOPE_SIZE + 2; /* behind the first leaf's number */
    EXPECT_EQ(3, *count);
    *count = 4; /* one more than there is room for */
    EXPECT_EQ(WEFT_EMALFORMED, decode(&bytes, &again));
    *count = 64 + 2;
    EXPECT_EQ(WEFT_ETOOBIG, decode(&bytes, &again));
    *count = 0; /* What were hashes is items. */
    EXPECT_EQ(WEFT_OK, decode(&bytes, &again));
    EXPECT_EQ(2 + 64 + 5, again.leaves.items.size);
    weft_buffer_destroy(&bytes);
}

TEST(partner, message_without_the_name_of_its_stream_is_refused)
{
    struct weft_partner_message m = sample(0), again;
    m.stream.provider = WEFT_TEXT("");
    struct weft_buffer bytes = encode(&m);
    EXPECT_EQ(WEFT_EMALFORMED, decode(&bytes, &again));
    weft_buffer_destroy(&bytes);
}
