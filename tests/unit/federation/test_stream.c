/* Streams: leaves with one text each, admitted in their turn, under heads that enough have signed.
 */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static const struct weft_stream_leaf contract_1 = {
    .kind = WEFT_STREAM_CONTRACT, .version = 1, .digest = {{1}}};
static const struct weft_stream_leaf contract_2 = {
    .kind = WEFT_STREAM_CONTRACT, .version = 2, .digest = {{2}}};
static const struct weft_stream_leaf statement = {.kind = WEFT_STREAM_STATEMENT, .digest = {{3}}};
static const struct weft_stream_leaf suspend = {.kind = WEFT_STREAM_SUSPEND};
static const struct weft_stream_leaf resume = {.kind = WEFT_STREAM_RESUME};
static const struct weft_stream_leaf end = {.kind = WEFT_STREAM_END};

TEST(stream, leaf_has_one_text)
{
    static const struct weft_stream_leaf *const leaves[] = {
        &contract_1, &contract_2, &statement, &suspend, &resume, &end};
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        char text[WEFT_STREAM_LEAF_SIZE];
        struct weft_stream_leaf leaf;
        size_t size = weft_stream_leaf_format(leaves[i], text);
        EXPECT_EQ(strlen(text), size);
        EXPECT_EQ(WEFT_OK, weft_stream_leaf_parse((struct weft_text){text, size}, &leaf));
        EXPECT_EQ(leaves[i]->kind, leaf.kind);
        EXPECT_EQ(leaves[i]->version, leaf.version);
        EXPECT_MEM(leaves[i]->digest.bytes, leaf.digest.bytes, WEFT_DIGEST_SIZE);
    }
    static const char *const others[] = {"", "\n", "suspend", "suspend \n", "suspend\n\n",
        "pause\n", "statement\n", "statement sha256:00\n", "contract 1\n", "end 1\n",
        "contract 01 sha256:0100000000000000000000000000000000000000000000000000000000000000\n",
        "contract 0 sha256:0100000000000000000000000000000000000000000000000000000000000000\n",
        "statement  sha256:0100000000000000000000000000000000000000000000000000000000000000\n"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct weft_stream_leaf leaf;
        EXPECT_EQ(WEFT_EMALFORMED, weft_stream_leaf_parse(weft_text_of(others[i]), &leaf));
    }
}

static enum weft_stream_fault append(
    struct weft_stream *stream, const struct weft_stream_leaf *leaf)
{
    struct weft_stream before;
    memcpy(&before, stream, sizeof(before));
    struct weft_msg msg = {""};
    bool admits = weft_stream_admits(stream, leaf);
    enum weft_stream_fault fault = weft_stream_append(stream, leaf, &msg);
    EXPECT_EQ(admits, fault == WEFT_STREAM_SOUND);
    if (fault != WEFT_STREAM_SOUND) {
        EXPECT_MEM(&before, stream, sizeof(before));
        EXPECT_TRUE(strncmp(msg.text, weft_stream_fault_name(fault),
                        strlen(weft_stream_fault_name(fault))) == 0);
    }
    return fault;
}

TEST(stream, admits_leaves_in_their_turn_alone)
{
    struct weft_stream stream = {.version = 0};
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &suspend));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &end));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &contract_2));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &contract_1));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &contract_1));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &resume));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &suspend));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &suspend));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &contract_2));
    EXPECT_EQ(WEFT_STREAM_OUT_OF_TURN, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &resume));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &end));
    EXPECT_EQ(WEFT_STREAM_ENDED, append(&stream, &statement));
    EXPECT_EQ(WEFT_STREAM_ENDED, append(&stream, &end));
    EXPECT_EQ(7, stream.tree.size);
    EXPECT_EQ(2, stream.statement_count);
    EXPECT_EQ(2, stream.version);
    EXPECT_MEM(contract_2.digest.bytes, stream.contract.bytes, WEFT_DIGEST_SIZE);
}

TEST(stream, ends_also_while_it_is_suspended)
{
    struct weft_stream stream = {.version = 0};
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &contract_1));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &suspend));
    EXPECT_EQ(WEFT_STREAM_SOUND, append(&stream, &end));
    EXPECT_EQ(WEFT_STREAM_CLOSED, stream.phase);
}

TEST(stream, items_come_back_as_they_were_and_are_cut_nowhere)
{
    struct weft_buffer out = {0}, again = {0};
    static const uint8_t content[300] = {7};
    const struct weft_stream_item items[] = {
        {.kind = WEFT_STREAM_CONTRACT, .content = {content, 5}},
        {.kind = WEFT_STREAM_STATEMENT, .content = {content, 300}},
        {.kind = WEFT_STREAM_STATEMENT,
            .has_digest = true,
            .digest = {{9}},
            .content = {content, 1}},
        {.kind = WEFT_STREAM_SUSPEND},
        {.kind = WEFT_STREAM_END},
    };
    for (size_t i = 0; i < 5; i++) {
        EXPECT_EQ(WEFT_OK, weft_stream_item_append(&out, &items[i]));
    }
    struct weft_bytes rest = {out.data, out.size};
    struct weft_stream_item item;
    for (size_t i = 0; i < 5; i++) {
        EXPECT_EQ(WEFT_OK, weft_stream_item_next(&rest, &item));
        EXPECT_EQ(items[i].kind, item.kind);
        EXPECT_EQ(items[i].has_digest, item.has_digest);
        EXPECT_EQ(items[i].content.size, item.content.size);
        EXPECT_EQ(WEFT_OK, weft_stream_item_append(&again, &item));
    }
    EXPECT_EQ(0, rest.size);
    EXPECT_EQ(WEFT_EMALFORMED, weft_stream_item_next(&rest, &item));
    EXPECT_EQ(out.size, again.size);
    EXPECT_MEM(out.data, again.data, out.size);
    for (size_t size = 0; size < out.size; size++) { /* FED-9 */
        rest = (struct weft_bytes){out.data, size};
        while (weft_stream_item_next(&rest, &item) == WEFT_OK) {
        }
    }
    static const uint8_t bad[][3] = {{0, 0}, {6, 0}, {0x81, 0}, {3, 1, 1}, {2, 0}, {1, 0}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rest = (struct weft_bytes){bad[i], 3};
        EXPECT_EQ(WEFT_EMALFORMED, weft_stream_item_next(&rest, &item));
        EXPECT_EQ(3, rest.size);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&again);
}

static struct weft_buffer head_text(const char *origin, uint64_t size)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    const struct weft_checkpoint_note head = {
        .origin = weft_text_of(origin), .head = {size, {{5}}}};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&head, &text, &msg));
    return text;
}

static enum weft_stream_fault verify(const struct weft_buffer *note, struct weft_merkle_head *head)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    return weft_stream_verify_head(weft_buffer_as_text(note), &signers, head, &msg);
}

TEST(stream, head_counts_when_enough_keys_of_the_provider_signed_it_for_this_stream)
{
    struct weft_merkle_head head = {.size = 0};
    struct weft_buffer text = head_text("supplier.example/west/sent/box-2026", 12);
    struct weft_buffer note = rig_sign(RIG_SUPPLIER, 2, weft_buffer_as_text(&text));
    EXPECT_EQ(WEFT_STREAM_SOUND, verify(&note, &head));
    EXPECT_EQ(12, head.size);
    note.data[note.size - 20] ^= 1;
    EXPECT_EQ(WEFT_STREAM_UNSIGNED, verify(&note, &head));
    weft_buffer_destroy(&note);
    note = rig_sign(RIG_SUPPLIER, 1, weft_buffer_as_text(&text));
    EXPECT_EQ(WEFT_STREAM_UNSIGNED, verify(&note, &head)); /* one of two */
    weft_buffer_destroy(&note);
    note = rig_sign(RIG_OEM, 3, weft_buffer_as_text(&text));
    EXPECT_EQ(WEFT_STREAM_UNSIGNED, verify(&note, &head)); /* somebody else's keys */
    weft_buffer_destroy(&note);
    EXPECT_EQ(WEFT_STREAM_MALFORMED, verify(&text, &head)); /* no note at all */
    weft_buffer_destroy(&text);
    static const char *const others[] = {"supplier.example/west/sent/lid-2026",
        "supplier.example/west/received/box-2026", "oem.example/plant1/sent/box-2026"};
    for (size_t i = 0; i < 3; i++) { /* FED-10 */
        text = head_text(others[i], 12);
        note = rig_sign(RIG_SUPPLIER, 3, weft_buffer_as_text(&text));
        EXPECT_EQ(WEFT_STREAM_ORIGIN, verify(&note, &head));
        weft_buffer_destroy(&note);
        weft_buffer_destroy(&text);
    }
}

TEST(stream, proofs_are_hashes_and_at_most_64)
{
    static const uint8_t bytes[65 * WEFT_DIGEST_SIZE];
    struct weft_merkle_proof proof;
    EXPECT_EQ(WEFT_OK, weft_stream_proof_parse((struct weft_bytes){NULL, 0}, &proof));
    EXPECT_EQ(0, proof.count);
    EXPECT_EQ(WEFT_OK, weft_stream_proof_parse((struct weft_bytes){bytes, 2048}, &proof));
    EXPECT_EQ(64, proof.count);
    EXPECT_EQ(WEFT_EMALFORMED, weft_stream_proof_parse((struct weft_bytes){bytes, 33}, &proof));
    EXPECT_EQ(WEFT_ETOOBIG, weft_stream_proof_parse((struct weft_bytes){bytes, 2080}, &proof));
}
