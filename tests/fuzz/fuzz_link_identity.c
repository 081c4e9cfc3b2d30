/* Names in certificates: what is accepted spells itself again from its parts. */
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "node/link/identity.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_identity id;
    struct weft_msg msg;
    char text[WEFT_IDENTITY_SIZE];
    struct weft_text uri = {(const char *)data, size};
    if (weft_identity_parse(uri, &id, &msg) == WEFT_OK) {
        (void)snprintf(text, sizeof(text), "spiffe://%s/%s%s%s/%s", id.org, id.site,
            id.site[0] != '\0' ? "/" : "", id.class, id.name);
        weft_assert(strlen(text) == size && memcmp(text, data, size) == 0);
        weft_assert(strcmp(text, id.uri) == 0);
    }
    return 0;
}
