/* What redactions, holds and notices ask for, of any commit; and the search of an entry for
 * redactions, which never overlooks one (NOD-155). */
#include "node/state/notice.h"
#include "node/state/redaction.h"
#include "policy/evidence.h"
#include "proto/entry.h"
#include "tests/fuzz/twice.h"

static void read_record(const struct weft_record *record)
{
    struct weft_redaction redaction;
    struct weft_hold hold;
    if (weft_redaction_read(record, &redaction, NULL) == WEFT_OK && !redaction.is_evidence) {
        weft_assert(redaction.index > 0 && redaction.path.size > 0);               /* NOD-156 */
        weft_assert(weft_text_equal(redaction.kind, weft_redaction_kind(record))); /* NOD-156 */
    }
    if (weft_hold_read(record, &hold, NULL) == WEFT_OK) {
        weft_assert(hold.name.size > 0); /* NOD-156 */
    }
}

static void read_notice(const struct weft_commit *commit)
{
    struct weft_notice notice;
    struct weft_buffer again = {.size_max = WEFT_MESSAGE_SIZE_MAX};
    if (commit->record_count > 0 &&
        weft_notice_read(commit, WEFT_TEXT("spiffe://oem.example/plant1/node/n1"),
            WEFT_TEXT("oem.example/plant1"), &notice, NULL) == WEFT_OK) {
        enum weft_err err = weft_notice_encode(&notice, &again);
        weft_assert(err == WEFT_OK); /* NOD-154 */
    }
    weft_buffer_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    struct weft_commit commit;
    const struct weft_bytes body = {data, size};
    if (weft_commit_decode(body, &arena, &commit, NULL) != WEFT_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < commit.record_count; i++) {
        read_record(&commit.records[i]);
    }
    read_notice(&commit);
    /* Behind another item: the commit stands anywhere in its entry. */
    const struct weft_entry_item items[] = {
        {.type = WEFT_ITEM_DIGEST, .principal = WEFT_TEXT("x"), .body = {data, size % 9}},
        {.type = WEFT_ITEM_COMMIT,
            .principal = WEFT_TEXT("spiffe://a.example/b/op/c"),
            .body = body}};
    out.size_max = WEFT_ENTRY_SIZE_MAX;
    enum weft_err err = weft_entry_init(&out);
    for (size_t i = 0; err == WEFT_OK && i < 2; i++) {
        err = weft_entry_add(&out, &items[i]);
    }
    if (err == WEFT_OK && weft_redaction_is(&commit)) {
        weft_assert(weft_redaction_may_be((struct weft_bytes){out.data, out.size})); /* NOD-155 */
    }
    return 0;
}
