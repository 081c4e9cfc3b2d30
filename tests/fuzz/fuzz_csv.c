/* Tables: the same rows however the text is cut; every refusal has a place. The first line, if
 * it is a JSON object, is the mapping. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "ops/import/csv.h"
#include "tests/fuzz/import_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char map[] =
        "{\"kind\":\"k\",\"asset\":\"s:{S}\",\"at\":{\"column\":\"D\","
        "\"zone\":\"Z\"},\"attrs\":{\"n\":{\"column\":\"N\",\"type\":\"number\","
        "\"decimal\":\",\",\"unit\":\"mm\"},\"t\":\"T\"},\"links\":[{\"rel\":"
        "\"r\",\"to\":\"x/{T}\"}],\"delimiter\":\";\"}";
    if (size > 64 * 1024) {
        return 0;
    }
    const uint8_t *end = size > 0 && data[0] == '{' ? memchr(data, '\n', size) : NULL;
    if (end == NULL) {
        twice_import(&weft_csv_importer, (struct weft_text){(const char *)data, size}, map);
        return 0;
    }
    size_t map_size = (size_t)(end - data);
    char *own = calloc(1, map_size + 1);
    if (own != NULL) {
        memcpy(own, data, map_size);
        twice_import(&weft_csv_importer,
            (struct weft_text){(const char *)end + 1, size - map_size - 1}, own);
    }
    free(own);
    return 0;
}
