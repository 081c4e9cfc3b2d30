/* Signed notes: what parses joins to the same bytes; and of all that is made of the corpus, in
 * which Ann and a witness sign one text, that text alone is ever theirs. */
#include <stddef.h>
#include <stdint.h>

#include "policy/together.h"
#include "proto/check.h"
#include "tests/fuzz/signed_text.h"
#include "tests/lib/signers.h"

static struct weft_buffer out;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_together together;

/* And once more where signatures made together count. */
static void check_verify(struct weft_note *note, struct weft_together *how)
{
    static struct weft_verifier verifiers[2];
    struct weft_note_mark marks[2];
    struct weft_msg msg = {""};
    if (verifiers[0].name[0] == '\0') {
        verifiers[0] = signers_make(SIGNED_TEXT_BY).verifier;
        verifiers[1] = signers_make(SIGNED_TEXT_WITNESS).verifier;
    }
    note->together = how;
    enum weft_err err = weft_note_verify(note, verifiers, 2, marks, &msg);
    bool is_any = marks[0].is_signed || marks[1].is_signed;
    weft_assert((err == WEFT_OK) == is_any);                         /* POL-24 */
    weft_assert(!is_any || weft_text_is(note->text, signed_text));   /* POL-24 */
    weft_assert(!marks[1].is_signed || marks[1].time_s == 1);        /* POL-24 */
    weft_assert(err == WEFT_OK || (msg.text[0] != '\0' && !is_any)); /* POL-24 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text bytes = {(const char *)data, size};
    struct weft_note note, lines;
    struct weft_msg msg = {""};
    if (weft_note_parse(bytes, &note, &msg) == WEFT_OK) {
        struct weft_text rest = {note.text.data + note.text.size + 1, size - note.text.size - 1};
        weft_buffer_clear(&out);
        enum weft_err err = weft_note_join(note.text, rest, &out, &msg);
        weft_assert(err == WEFT_OK && out.size == size); /* POL-23 */
        weft_assert(memcmp(out.data, data, size) == 0);  /* POL-23 */
        err = weft_note_parse_lines(rest, &lines, &msg);
        weft_assert(err == WEFT_OK && lines.signature_count == note.signature_count); /* POL-23 */
        check_verify(&note, NULL);
        check_verify(&note, &together); /* POL-71 */
    } else {
        weft_assert(msg.text[0] != '\0'); /* POL-23 */
    }
    return 0;
}
