/* Catena-X containers: the same items however the text is cut; every refusal has a place. */
#include <stddef.h>
#include <stdint.h>

#include "ops/import/catenax.h"
#include "tests/fuzz/import_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 64 * 1024) {
        twice_import(&weft_catenax_importer, (struct weft_text){(const char *)data, size}, NULL);
    }
    return 0;
}
