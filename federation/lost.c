#include "federation/lost.h"

#include <inttypes.h>
#include <stdio.h>

bool weft_lost_has(const struct weft_lost *lost, const struct weft_merkle_head *head)
{
    for (uint32_t i = 0; i < lost->count; i++) {
        if (lost->heads[i].size == head->size &&
            weft_digest_equal(&lost->heads[i].root, &head->root)) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_lost_add(struct weft_lost *lost, const struct weft_merkle_head *head)
{
    if (weft_lost_has(lost, head)) {
        return WEFT_OK;
    }
    if (lost->count == WEFT_LOST_MAX) {
        return WEFT_ETOOBIG;
    }
    lost->heads[lost->count++] = *head;
    return WEFT_OK;
}

void weft_lost_format(const struct weft_merkle_head *head, char ret_text[WEFT_LOST_TEXT_SIZE])
{
    char root[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&head->root, root);
    if (head->size == 0) {
        (void)snprintf(ret_text, WEFT_LOST_TEXT_SIZE, "0");
    } else {
        (void)snprintf(ret_text, WEFT_LOST_TEXT_SIZE, "%" PRIu64 " %s", head->size, root);
    }
}

enum weft_err weft_lost_parse(struct weft_text text, struct weft_merkle_head *ret_head)
{
    struct weft_merkle_head head = {.size = 0};
    struct weft_text rest = text, number;
    bool has_root = weft_text_cut(&rest, ' ', &number);
    if (!weft_text_exact_number(number, &head.size) || has_root != (head.size > 0) ||
        (has_root && weft_digest_parse(rest, &head.root) != WEFT_OK)) {
        return WEFT_EMALFORMED;
    }
    *ret_head = head;
    return WEFT_OK;
}
