/* Seeds of what a gateway keeps: entries of each sort, and a journal of them.
 *
 * usage: fuzz_seeds_gateway CORPUS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/memo.h"
#include "ops/gateway/journal.h"
#include "ops/gateway/sparkplug.h"
#include "ops/weft/files.h"
#include "tests/lib/commands.h"

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "seeds: %s: %s\n", what, weft_err_name(err));
        exit(1);
    }
}

static struct weft_buffer make_entries(void)
{
    struct weft_buffer out = {0};
    const struct weft_fence fence = {3, 8812};
    struct weft_command_note command = commands_command();
    struct weft_receipt_note note = commands_receipt(&command, &fence, WEFT_RECEIPT_DONE);
    struct weft_buffer text = commands_text(&command), receipt = {0};
    must(weft_receipt_note_encode(&note, &receipt, NULL), "receipt");
    struct weft_memo entry = {.kind = WEFT_MEMO_CHANNEL};
    entry.channel = (struct weft_memo_channel){.name = command.channel,
        .fence = fence,
        .move_count = 2,
        .moves_ns = {SIGNERS_NOW_NS, SIGNERS_NOW_NS + 1},
        .safe = WEFT_TEXT("set-speed\nspeed 0 rpm"),
        .has_safe = true};
    must(weft_memo_encode(&entry, &out), "channel");
    entry = (struct weft_memo){.kind = WEFT_MEMO_COMMAND};
    entry.command = (struct weft_memo_command){.channel = command.channel,
        .digest = command.digest,
        .class = WEFT_COMMAND_CLASS_C,
        .state = WEFT_RECEIPT_STATE_BEGUN,
        .fence = fence,
        .at_ns = SIGNERS_NOW_NS,
        .not_after_ns = command.not_after_ns,
        .text = weft_buffer_as_text(&text)};
    must(weft_memo_encode(&entry, &out), "command");
    entry = (struct weft_memo){.kind = WEFT_MEMO_RECEIPT};
    entry.receipt = (struct weft_memo_receipt){
        .channel = command.channel, .counter = 118, .text = weft_buffer_as_text(&receipt)};
    must(weft_memo_encode(&entry, &out), "receipt");
    entry = (struct weft_memo){.kind = WEFT_MEMO_SETTLED, .settled = 118};
    must(weft_memo_encode(&entry, &out), "settled");
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&receipt);
    return out;
}

static struct weft_buffer make_birth(void)
{
    static const struct weft_sparkplug_metric metrics[] = {
        {.name = WEFT_TEXT("bdSeq"),
            .datatype = WEFT_SPARKPLUG_INT64,
            .value = WEFT_SPARKPLUG_INTEGER,
            .integer = 7},
        {.name = WEFT_TEXT("speed"),
            .has_alias = true,
            .alias = 1,
            .datatype = WEFT_SPARKPLUG_DOUBLE,
            .value = WEFT_SPARKPLUG_REAL,
            .real = 42.5},
        {.name = WEFT_TEXT("mode"),
            .datatype = WEFT_SPARKPLUG_STRING,
            .value = WEFT_SPARKPLUG_WORDS,
            .words = WEFT_TEXT("auto")},
        {.has_alias = true, .alias = 1, .value = WEFT_SPARKPLUG_TRUTH, .truth = true},
    };
    const struct weft_sparkplug_payload payload = {
        .time_ms = 1772352000000, .has_seq = true, .metric_count = 4, .metrics = metrics};
    struct weft_buffer out = {0};
    must(weft_sparkplug_encode(&payload, &out), "birth");
    return out;
}

static enum weft_err on_frame(void *ctx, struct weft_bytes frame, struct weft_msg *msg)
{
    (void)ctx, (void)frame, (void)msg;
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    char path[WEFT_FILES_PATH_SIZE];
    struct weft_journal *journal = NULL;
    struct weft_journal_start start;
    if (argc != 2) {
        (void)fputs("usage: fuzz_seeds_gateway CORPUS\n", stderr);
        return 2;
    }
    struct weft_buffer entries = make_entries();
    const struct weft_bytes bytes = {entries.data, entries.size};
    must(weft_files_join(argv[1], "gateway_memo", path, NULL), "path");
    must(weft_files_make_directory(path, 0755, NULL), "directory");
    must(weft_files_join(argv[1], "gateway_memo/all", path, NULL), "path");
    must(weft_files_write(path, bytes, 0644, true, NULL), "entries");
    struct weft_buffer birth = make_birth();
    must(weft_files_join(argv[1], "sparkplug", path, NULL), "path");
    must(weft_files_make_directory(path, 0755, NULL), "directory");
    must(weft_files_join(argv[1], "sparkplug/birth", path, NULL), "path");
    must(weft_files_write(path, (struct weft_bytes){birth.data, birth.size}, 0644, true, NULL),
        "birth");
    weft_buffer_destroy(&birth);
    must(weft_files_join(argv[1], "gateway_journal", path, NULL), "path");
    must(weft_journal_open(path, on_frame, NULL, &journal, &start, NULL), "journal");
    if (start.frames == 0) {
        for (int i = 0; i < 3; i++) {
            must(weft_journal_append(journal, bytes, NULL), "frame");
        }
    }
    weft_journal_close(journal);
    weft_buffer_destroy(&entries);
    return 0;
}
