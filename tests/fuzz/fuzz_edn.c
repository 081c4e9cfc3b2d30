/* Values: what is read is printed, and read again as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "jepsen/core/edn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn_reader reader = {.text = (const char *)data, .size = size};
    struct jep_edn value = jep_edn_nil(), again = jep_edn_nil();
    struct jep_text text = {0};
    bool is_end = false;
    while (jep_edn_read(&reader, arena, &value, &is_end, NULL) && !is_end) {
        jep_text_reset(&text);
        jep_edn_write(&text, &value);
        if (!jep_edn_parse(arena, text.bytes, text.size, &again, NULL) ||
            !jep_edn_equal(&value, &again) || jep_edn_hash(&value) != jep_edn_hash(&again)) {
            abort(); /* JEP-3 */
        }
    }
    jep_text_free(&text);
    jep_arena_destroy(arena);
    return 0;
}
