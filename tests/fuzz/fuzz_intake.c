/* What of a projection goes into which cell: any that decodes is parted, and so are its edges and,
 * if it is one, its act; each shown or named field is in one part. Projections are not verified
 * here: what is done with them must be safe before that too. */
#include "federation/cells/intake.h"
#include "proto/check.h"
#include "tests/unit/federation/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_arena arena = {.size_max = 64 << 20};

static void check_parts(const struct weft_intake_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_cell_statement *s = &parts[i].statement;
        weft_assert(s->act == WEFT_CELL_SAY && s->name_count == 0); /* FED-131 */
        weft_assert(!s->is_withheld || s->value.size == 0);         /* FED-131 */
        weft_assert((unsigned)parts[i].rule < WEFT_CELL_RULES);     /* FED-131 */
        for (uint32_t k = 0; k < i; k++) {
            weft_assert(!weft_text_equal(parts[k].group, parts[i].group)); /* FED-131 */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_contract contract;
    const struct weft_digest digest = {{1}};
    struct weft_projection projection;
    struct weft_intake_part *parts = NULL;
    struct weft_intake_edge *edges = NULL;
    struct weft_intake_act act;
    struct weft_msg msg = {""};
    uint32_t count = 0;
    if (contract.name.size == 0) {
        contract = rig_contract(); /* It makes keys. */
    }
    weft_arena_reset(&arena);
    if (weft_projection_decode((struct weft_bytes){data, size}, &arena, &projection, &msg) !=
        WEFT_OK) {
        return 0;
    }
    if (weft_intake_parts(&contract, &projection, &digest, &arena, &parts, &count, &msg) ==
        WEFT_OK) {
        check_parts(parts, count);
    }
    if (weft_intake_edges(&contract, &projection, &digest, &arena, &edges, &count, &msg) ==
        WEFT_OK) {
        weft_assert(count <= projection.item_count); /* FED-131 */
    }
    if (weft_intake_act(&projection, &digest, &arena, &act, &msg) == WEFT_OK) {
        weft_assert((unsigned)act.act.kind < WEFT_ACT_KINDS); /* FED-121 */
    }
    return 0;
}
