/* Seeds of fuzz_stream_rows: rows of agreements and streams, some with nothing in them, some full.
 * usage: fuzz_seeds_streams DIRECTORY */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/state/deed.h"
#include "node/state/flow.h"
#include "node/state/stream_code.h"
#include "proto/check.h"
#include "tests/lib/signers.h"

static const char *directory;
static struct weft_buffer out;
static unsigned saved;

static void begin(uint8_t which)
{
    weft_buffer_clear(&out);
    weft_assert(weft_buffer_append(&out, &which, 1) == WEFT_OK);
}

static void save(enum weft_err err)
{
    char path[600];
    weft_assert(err == WEFT_OK);
    (void)snprintf(path, sizeof(path), "%s/stream_rows/%u", directory, saved++);
    FILE *file = fopen(path, "wb");
    weft_assert(file != NULL);
    weft_assert(fwrite(out.data, 1, out.size, file) == out.size);
    weft_assert(fclose(file) == 0);
}

static struct weft_stream stream_of(unsigned leaves)
{
    struct weft_stream stream = {.phase = WEFT_STREAM_NEW};
    struct weft_msg msg;
    for (unsigned i = 0; i < leaves; i++) {
        struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT};
        leaf.digest.bytes[0] = (uint8_t)i;
        if (i == 0) {
            leaf.kind = WEFT_STREAM_CONTRACT;
            leaf.version = 1;
        }
        weft_assert(weft_stream_append(&stream, &leaf, &msg) == WEFT_STREAM_SOUND);
    }
    return stream;
}

static void save_streams(unsigned leaves)
{
    struct weft_sent_row sent = {.provider = {.stream = stream_of(leaves)}, .looked_index = 7};
    struct weft_received_row received = {.consumer = {.stream = stream_of(leaves)}};
    const struct weft_merkle_head head = weft_stream_tree(&sent.provider.stream);
    sent.provider.signed_head = sent.provider.receipt = head;
    received.consumer.head = head;
    if (leaves > 0) {
        weft_assert(weft_buffer_text(&sent.receipt, WEFT_TEXT("a receipt\n")) == WEFT_OK);
        weft_assert(weft_buffer_text(&received.head, WEFT_TEXT("a head\n")) == WEFT_OK);
    }
    begin(1);
    save(weft_sent_row_encode(&sent, &out));
    begin(2);
    save(weft_received_row_encode(&received, &out));
    weft_buffer_destroy(&sent.receipt);
    weft_buffer_destroy(&received.head);
}

static void save_partner(void)
{
    static const char *const by[] = {"oem.example/root/a", "oem.example/root/b", NULL};
    struct weft_org org = signers_org();
    struct weft_buffer text = signers_org_text(&org);
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by);
    char vkey[WEFT_VKEY_TEXT_SIZE];
    struct weft_signer signer = signers_make("supplier.example/west/node0");
    weft_verifier_format(&signer.verifier, vkey);
    const struct weft_pinned_texts texts = {weft_buffer_as_text(&note), weft_text_of(vkey),
        WEFT_TEXT("127.0.0.1:9000\n"), WEFT_TEXT("-----BEGIN"), WEFT_TEXT("customer:north\n")};
    struct weft_pinned *pinned = NULL;
    struct weft_msg msg;
    enum weft_err err =
        weft_pinned_read(WEFT_TEXT("supplier.example/west"), &texts, 12, &pinned, &msg);
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "partner: %s\n", msg.text);
        exit(1);
    }
    begin(4);
    save(weft_pinned_encode(pinned, &out));
    weft_pinned_release(pinned);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
}

int main(int argc, char **argv)
{
    char path[600];
    if (argc != 2) {
        return 2;
    }
    directory = argv[1];
    out.size_max = SIZE_MAX / 2;
    (void)snprintf(path, sizeof(path), "%s/stream_rows", directory);
    (void)mkdir(directory, 0777);
    (void)mkdir(path, 0777);
    struct weft_accord_row row = {.name = WEFT_TEXT("box-2026"), .party = 1, .version = 3};
    begin(0);
    save(weft_accord_row_encode(&row, &out));
    weft_assert(weft_buffer_text(&row.offer, WEFT_TEXT("an offer\n")) == WEFT_OK);
    row.offer_by = 1;
    row.offer_end = 2;
    row.offer_until_ns = SIGNERS_NOW_NS;
    row.offer_digest = weft_sha256("an offer\n", 9);
    weft_assert(weft_buffer_text(&row.offer_partner, WEFT_TEXT("oem.example/plant1")) == WEFT_OK &&
                weft_buffer_text(&row.offer_reason, WEFT_TEXT("too deep")) == WEFT_OK);
    row.taken_back_count = 1;
    row.taken_back[0] = (struct weft_taken_back){row.offer_digest, SIGNERS_NOW_NS};
    begin(0);
    save(weft_accord_row_encode(&row, &out));
    weft_accord_row_destroy(&row);
    save_streams(0);
    save_streams(1);
    save_streams(13);
    const struct weft_flow_leaf leaf = {.leaf = {.kind = WEFT_STREAM_STATEMENT},
        .fault = WEFT_STREAM_MASK,
        .reason = WEFT_TEXT("outside-mask: cost"),
        .content = {(const uint8_t *)"projection", 10}};
    begin(3);
    save(weft_flow_leaf_encode(&leaf, &out));
    save_partner();
    weft_buffer_destroy(&out);
    return 0;
}
