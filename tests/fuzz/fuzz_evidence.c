/* Files of evidence: a path has one spelling, and what opens is a salt and a blob that encode to
 * the same file.
 *
 * The first line is a path, the rest a file. */
#include <stddef.h>
#include <stdint.h>

#include "policy/evidence.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(struct weft_bytes file)
{
    struct weft_evidence_salt salt;
    struct weft_bytes blob, none = {NULL, 0};
    if (file.size < sizeof(salt.bytes)) {
        return;
    }
    memcpy(salt.bytes, file.data, sizeof(salt.bytes));
    blob = (struct weft_bytes){file.data + sizeof(salt.bytes), file.size - sizeof(salt.bytes)};
    struct weft_digest name = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, blob);
    enum weft_err err = weft_evidence_open(file, &name, &blob, NULL);
    weft_assert(err == WEFT_OK && blob.size == file.size - sizeof(salt.bytes)); /* POL-53 */
    name = weft_evidence_commit(WEFT_EVIDENCE_FIELD, &salt, blob);
    err = weft_evidence_open(file, &name, &none, NULL);
    weft_assert(err == WEFT_EBADSIG && none.data == NULL); /* POL-53 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_digest name;
    char again[WEFT_EVIDENCE_PATH_SIZE];
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    struct weft_text path = {(const char *)data, end != NULL ? (size_t)(end - data) : size};
    if (weft_evidence_parse_path(path, &name) == WEFT_OK) {
        weft_evidence_format_path(&name, again);
        weft_assert(weft_text_is(path, again)); /* POL-53 */
    }
    if (end != NULL) {
        check_file((struct weft_bytes){end + 1, size - path.size - 1});
    }
    return 0;
}
