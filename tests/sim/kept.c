#include "tests/sim/kept.h"

#include "node/checkpoint/record.h"
#include "node/checkpoint/take.h"

enum weft_err sim_kept_take(const struct weft_keeper_source *source, const char *staging,
    uint64_t cluster, const struct sim_kept *before, struct sim_kept **ret_kept,
    struct weft_msg *msg)
{
    const struct weft_take take = {.staging = staging,
        .cluster = cluster,
        .source = *source,
        .before = (const struct weft_record *)before};
    struct weft_take_result result;
    enum weft_err rv = weft_take_run(&take, &result, msg);
    if (rv == WEFT_OK) {
        *ret_kept = (struct sim_kept *)result.record;
    }
    return rv;
}

enum weft_err sim_kept_load(const char *path, struct sim_kept **ret_kept, struct weft_msg *msg)
{
    struct weft_record *record;
    enum weft_err rv = weft_record_load(path, &record, msg);
    if (rv == WEFT_OK) {
        *ret_kept = (struct sim_kept *)record;
    }
    return rv;
}

void sim_kept_destroy(struct sim_kept *kept)
{
    if (kept != NULL) {
        weft_record_destroy((struct weft_record *)kept);
    }
}

static const struct weft_record *record_of(const struct sim_kept *kept)
{
    return (const struct weft_record *)kept;
}

const struct weft_manifest *sim_kept_manifest(const struct sim_kept *kept)
{
    return &record_of(kept)->manifest;
}

struct weft_bytes sim_kept_encoded(const struct sim_kept *kept)
{
    return (struct weft_bytes){record_of(kept)->encoded.data, record_of(kept)->encoded.size};
}

const char *sim_kept_name(const struct sim_kept *kept)
{
    return record_of(kept)->name;
}

const char *sim_kept_files(const struct sim_kept *kept)
{
    return record_of(kept)->files;
}

bool sim_kept_parse_name(const char *name, uint64_t *ret_index)
{
    uint64_t term;
    return weft_record_parse_name(name, ret_index, &term);
}

enum weft_err sim_kept_write_manifest(
    const char *path, struct weft_bytes encoded, struct weft_msg *msg)
{
    return weft_record_write_manifest(path, encoded, msg);
}
