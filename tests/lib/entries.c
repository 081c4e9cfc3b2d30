#include "tests/lib/entries.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/arith.h"

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, weft_err_name(err));
        abort();
    }
}

void test_entry_begin(struct test_entry *e)
{
    must(weft_entry_init(&e->bytes), "begin an entry");
}

static enum weft_err add(
    struct test_entry *e, enum weft_item_type type, const char *principal, struct weft_bytes body)
{
    struct weft_entry_item item = {
        .type = type, .principal = weft_text_of(principal), .body = body};
    if (e->warrant != NULL) {
        item.has_warrant = true;
        item.warrant = *e->warrant;
    }
    return weft_entry_add(&e->bytes, &item);
}

bool test_entry_commit(
    struct test_entry *e, const char *principal, const struct weft_commit *commit)
{
    weft_buffer_clear(&e->body);
    must(weft_commit_encode(commit, &e->body), "encode a commit");
    enum weft_err err =
        add(e, WEFT_ITEM_COMMIT, principal, (struct weft_bytes){e->body.data, e->body.size});
    if (err != WEFT_ETOOBIG) {
        must(err, "add a commit");
    }
    return err == WEFT_OK;
}

void test_entry_item(struct test_entry *e, enum weft_item_type type, const char *principal,
    const void *body, size_t size)
{
    must(add(e, type, principal, (struct weft_bytes){body, size}), "add an item");
}

struct weft_log_entry test_entry_end(
    struct test_entry *e, uint64_t index, uint64_t term, int64_t time_ns)
{
    uint8_t seed[WEFT_SALT_SEED_SIZE] = {0x5e, 0xed};
    weft_put_be64(seed + 8, index);
    weft_entry_seal(&e->bytes, time_ns, seed);
    return (struct weft_log_entry){.index = index,
        .term = term,
        .type = WEFT_ENTRY_COMMAND,
        .data = {e->bytes.data, e->bytes.size}};
}

void test_entry_destroy(struct test_entry *e)
{
    weft_buffer_destroy(&e->bytes);
    weft_buffer_destroy(&e->body);
}
