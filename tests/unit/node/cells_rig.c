#include "tests/unit/node/cells_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct weft_text agreement = WEFT_TEXT("box-2026");

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "cells_rig: %s: %s\n", weft_err_name(err), msg->text);
        abort();
    }
}

/* --- sides ----------------------------------------------------------------------------------- */

static void open_store(struct cells_side *s)
{
    bool is_created;
    const struct weft_store_options options = {
        .directory = s->directory, .cache_bytes = 16 << 20, .memtable_bytes = 16 << 20};
    must(weft_store_open(&options, &s->store, &is_created, &s->msg), &s->msg);
    s->batch = weft_store_batch_create();
    must(s->batch != NULL ? WEFT_OK : WEFT_ENOMEM, &s->msg);
    must(weft_cells_create(s->store, s->batch, &s->cells, &s->msg), &s->msg);
}

void cells_open(struct cells_side *s, const char *directory, const char *name)
{
    (void)snprintf(s->directory, sizeof(s->directory), "%s/%s", directory, name);
    open_store(s);
}

void cells_close(struct cells_side *s)
{
    weft_cells_destroy(s->cells);
    weft_store_batch_destroy(s->batch);
    weft_store_close(s->store);
}

void cells_reopen(struct cells_side *s)
{
    weft_cells_destroy(s->cells);
    must(weft_cells_create(s->store, s->batch, &s->cells, &s->msg), &s->msg);
}

void cells_end_entry(struct cells_side *s)
{
    must(weft_cells_end_entry(s->cells, &s->msg), &s->msg);
}

void cells_write(struct cells_side *s)
{
    must(weft_cells_put(s->cells, &s->msg), &s->msg);
    must(weft_store_write(s->store, s->batch, &s->msg), &s->msg);
    weft_cells_settle(s->cells);
}

void cells_agree(struct cells_side *s, const struct weft_contract *contract)
{
    struct weft_buffer text = rig_contract_text(contract);
    must(weft_cells_agree(s->cells, weft_buffer_as_text(&text), &s->msg), &s->msg);
    weft_buffer_destroy(&text);
}

void cells_take(struct cells_side *s, const struct weft_contract *contract,
    const struct cells_stated *stated, uint64_t sequence)
{
    const struct weft_cells_statement statement = {.contract = contract,
        .party = stated->party,
        .sequence = sequence,
        .digest = stated->digest,
        .projection = {stated->bytes.data, stated->bytes.size}};
    must(weft_cells_take(s->cells, &statement, &s->msg), &s->msg);
}

struct weft_cells_sum cells_sum(struct cells_side *s)
{
    struct weft_cells_sum sum;
    must(weft_cells_get_sum(s->cells, agreement, &sum, &s->msg), &s->msg);
    return sum;
}

struct weft_cells_work cells_work(struct cells_side *s)
{
    struct weft_cells_work w;
    must(s->cells->agreements != NULL ? WEFT_OK : WEFT_ENOTFOUND, &s->msg);
    weft_cells_begin(s->cells, s->cells->agreements, &w, &s->msg);
    return w;
}

struct weft_cells_judged cells_judge(
    struct cells_side *s, const char *site, const char *asset, const char *kind, const char *group)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    struct weft_subject_name name;
    struct weft_alias_set set;
    struct weft_cells_judged judged;
    struct weft_cells_work w = cells_work(s);
    must(weft_cells_name_thing(weft_text_of(site), weft_text_of(asset), true, &none, key, &name) ==
                 WEFT_SUBJECT_TO_CELL
             ? WEFT_OK
             : WEFT_EINVAL,
        &s->msg);
    struct weft_digest subject = weft_subject_of(&name);
    weft_cells_kg(weft_text_of(kind), weft_text_of(group), kg);
    must(weft_cells_judge(&w.desk, &subject, kg, &set, &judged), &s->msg);
    return judged;
}

/* --- the agreement and what is stated under it -------------------------------------------------
 */

struct weft_contract cells_contract(void)
{
    static const struct weft_contract_authority authorities[] = {
        {WEFT_TEXT("as_built"), WEFT_TEXT(""), RIG_OEM},
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), RIG_SUPPLIER},
        {WEFT_TEXT("route"), WEFT_TEXT(""), RIG_SUPPLIER},
    };
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("as_built"), WEFT_TEXT("@link"), WEFT_CELL_MATCH},
        {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_CELL_JOIN},
        {WEFT_TEXT("inspection"), WEFT_TEXT("operator"), WEFT_CELL_MATCH},
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_CELL_UNION},
    };
    static const struct weft_contract_kind kinds[] = {
        {WEFT_TEXT("acknowledgement"), WEFT_DISCLOSED},
        {WEFT_TEXT("alias"), WEFT_DISCLOSED},
        {WEFT_TEXT("as_built"), WEFT_DISCLOSED},
        {WEFT_TEXT("handoff"), WEFT_DISCLOSED},
        {WEFT_TEXT("impact"), WEFT_DISCLOSED},
        {WEFT_TEXT("inspection"), WEFT_DISCLOSED},
        {WEFT_TEXT("recall"), WEFT_DISCLOSED},
        {WEFT_TEXT("resolution"), WEFT_DISCLOSED},
        {WEFT_TEXT("retract"), WEFT_DISCLOSED},
        {WEFT_TEXT("route"), WEFT_DISCLOSED},
        {WEFT_TEXT("step"), WEFT_DISCLOSED},
    };
    struct weft_contract contract = rig_contract();
    contract.authorities = authorities;
    contract.authority_count = sizeof(authorities) / sizeof(authorities[0]);
    contract.cells = cells;
    contract.cell_count = sizeof(cells) / sizeof(cells[0]);
    for (int i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        contract.sides[i].kinds = kinds;
        contract.sides[i].kind_count = sizeof(kinds) / sizeof(kinds[0]);
        contract.sides[i].masks = NULL;
        contract.sides[i].mask_count = 0;
        contract.sides[i].parts = NULL;
        contract.sides[i].part_count = 0;
    }
    return contract;
}

struct cells_stated cells_state(
    const struct weft_contract *contract, uint32_t party, uint64_t index, struct weft_record record)
{
    struct cells_stated stated = {.party = party};
    struct weft_arena arena = {.size_max = 16 << 20};
    struct weft_msg msg = {""};
    const struct weft_statement_place place = rig_place(party, index);
    record.author = weft_text_of(rig_site(party));
    record.at_ns = place.time_ns;
    record.has_at = true;
    must(weft_projection_make(
             &record, &place, &contract->sides[party], &arena, &stated.bytes, &stated.digest),
        &msg);
    weft_arena_destroy(&arena);
    return stated;
}

struct cells_stated cells_state_act(const struct weft_contract *contract, uint32_t party,
    uint64_t index, const struct weft_act *act)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_msg msg = {""};
    struct weft_field *fields;
    struct weft_record record = {
        .kind = weft_text_of(weft_act_kind_name(act->kind)), .asset = WEFT_TEXT("act:1")};
    must(weft_act_encode(act, &arena, &fields, &record.field_count, &msg), &msg);
    record.fields = fields;
    struct cells_stated stated = cells_state(contract, party, index, record);
    weft_arena_destroy(&arena);
    return stated;
}

void cells_stated_destroy(struct cells_stated *stated)
{
    weft_buffer_destroy(&stated->bytes);
}
