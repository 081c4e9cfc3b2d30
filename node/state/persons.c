#include "node/state/persons.h"

#include <stdlib.h>

#include "proto/crc32c.h"

enum {
    PLACES = 64, /* Chosen: who commits at once; 50 KiB */
};

struct place {
    size_t size; /* Of the URI; 0: free. */
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_person person;
};

struct weft_persons {
    bool has_index;
    uint64_t index; /* Of the authority: in force, there is one of each (NOD-144). */
    struct place places[PLACES];
};

struct weft_persons *weft_persons_create(void)
{
    return calloc(1, sizeof(struct weft_persons));
}

void weft_persons_destroy(struct weft_persons *persons)
{
    free(persons);
}

static void forget(struct weft_persons *persons)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        persons->places[i].size = 0;
    }
}

static void look_up(struct place *place, const struct weft_authority *authority,
    struct weft_text uri, const struct weft_warrant *warrant)
{
    struct weft_person *p = &place->person;
    place->size = uri.size;
    memcpy(place->uri, uri.data, uri.size);
    p->is_somebody = weft_principal_parse_uri(uri, &p->principal, NULL) == WEFT_OK;
    if (p->is_somebody) {
        weft_authority_subject(authority, &p->principal, &p->subject);
        p->key_id = warrant != NULL ? warrant->key_id : 0;
        p->key = weft_warrant_key(p->key_id, &p->principal, weft_authority_keyring(authority));
    }
}

const struct weft_person *weft_persons_find(struct weft_persons *persons,
    const struct weft_authority *authority, struct weft_text uri,
    const struct weft_warrant *warrant)
{
    static const struct weft_person nobody = {.is_somebody = false};
    struct place *place = &persons->places[weft_crc32c(0, uri.data, uri.size) % PLACES];
    if (uri.size == 0 || uri.size > sizeof(place->uri)) {
        return &nobody; /* A URI fits. */
    }
    if (!persons->has_index || persons->index != weft_authority_index(authority)) {
        forget(persons);
        persons->has_index = true;
        persons->index = weft_authority_index(authority);
    }
    if (!weft_text_equal(uri, (struct weft_text){place->uri, place->size}) ||
        (warrant != NULL && warrant->key_id != place->person.key_id)) {
        look_up(place, authority, uri, warrant);
    }
    return &place->person;
}
