/* A model's text, and behind it, after a zero byte, a record as JSON: what is taken compiles to the
 * same model again, has no difference to itself, and judges the record twice alike. */
#include <stddef.h>
#include <stdint.h>

#include "proto/check.h"
#include "proto/model/model.h"
#include "proto/record_json.h"

static struct weft_arena arenas[2] = {
    {.size_max = WEFT_MODEL_MEMORY_MAX}, {.size_max = WEFT_MODEL_MEMORY_MAX}};
static struct weft_arena scratch = {.size_max = WEFT_MODEL_SCRATCH_MAX};
static struct weft_arena records = {.size_max = 64 << 20};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct weft_model *models, struct weft_text text)
{
    struct weft_json *tree;
    struct weft_record record;
    char pointers[2][256] = {"", ""};
    struct weft_msg msgs[2] = {{""}, {""}};
    weft_arena_reset(&records);
    if (weft_json_parse(text, 1, &records, &tree, NULL) != WEFT_OK ||
        weft_record_from_json(tree, &records, &record, NULL) != WEFT_OK) {
        return;
    }
    enum weft_err first = weft_model_check_record(&models[0], &record, pointers[0], &msgs[0]);
    enum weft_err second = weft_model_check_record(&models[1], &record, pointers[1], &msgs[1]);
    weft_assert(first == second);                              /* PRO-101 */
    weft_assert(strcmp(pointers[0], pointers[1]) == 0);        /* PRO-101 */
    weft_assert(strcmp(msgs[0].text, msgs[1].text) == 0);      /* PRO-101 */
    weft_assert(first == WEFT_OK || pointers[0][0] == '/');    /* PRO-103 */
    weft_assert((first == WEFT_OK) == (msgs[0].text[0] == 0)); /* PRO-103 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t model_size = zero != NULL ? (size_t)(zero - data) : size;
    struct weft_text text = {(const char *)data, model_size};
    struct weft_model models[2];
    struct weft_model_changes changes;
    struct weft_msg msg = {""};
    weft_arena_reset(&arenas[0]);
    weft_arena_reset(&arenas[1]);
    weft_arena_reset(&scratch);
    enum weft_err err = weft_model_parse(text, &arenas[0], &scratch, &models[0], &msg);
    if (err != WEFT_OK) {
        bool has_place = strncmp(msg.text, "line ", 5) == 0;
        weft_assert(has_place || model_size > WEFT_MODEL_SIZE_MAX); /* PRO-103 */
        return 0;
    }
    weft_arena_reset(&scratch);
    err = weft_model_parse(text, &arenas[1], &scratch, &models[1], &msg);
    weft_assert(err == WEFT_OK); /* PRO-101 */
    weft_arena_reset(&scratch);
    err = weft_model_compare(&models[0], &models[1], &scratch, &changes);
    weft_assert(err == WEFT_OK && changes.found == 0); /* PRO-101 */
    if (zero != NULL) {
        check_record(models, (struct weft_text){(const char *)zero + 1, size - model_size - 1});
    }
    return 0;
}
