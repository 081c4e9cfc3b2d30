#include "ops/import/epcis_identity.h"

#include "ops/import/canonical.h"

/* --- prefixes -------------------------------------------------------------------------------- */

/* What `name` is bound to in a context; a later binding replaces an earlier one (JSON-LD 1.1,
 * 4.1). Unchanged if it is not bound. Contexts that are only named are not looked up: they are
 * GS1's own, whose prefixes everybody knows. */
static void find_binding(
    const struct weft_json *context, struct weft_text name, struct weft_text *ret_iri)
{
    if (context == NULL || context->type == WEFT_JSON_STRING) {
        return;
    }
    for (const struct weft_json *v = context->first; v != NULL; v = v->next) {
        if (context->type == WEFT_JSON_ARRAY) {
            find_binding(v, name, ret_iri);
        } else if (weft_text_equal(v->key, name)) {
            const struct weft_json *id = weft_json_get(v, "@id");
            const struct weft_json *iri = id != NULL ? id : v;
            if (iri->type == WEFT_JSON_STRING && iri->text.size > 0) {
                *ret_iri = iri->text;
            }
        }
    }
}

static enum weft_err add_prefix(struct weft_epcis_prefixes *prefixes, struct weft_text name,
    struct weft_text iri, const struct weft_json *at, struct weft_msg *msg)
{
    uint32_t i = 0;
    int order = -1;
    while (i < prefixes->count) {
        order = weft_text_compare(name, prefixes->list[i].name);
        if (order <= 0) {
            break;
        }
        i++;
    }
    if (i < prefixes->count && order == 0) {
        return WEFT_OK;
    }
    if (prefixes->count == WEFT_EPCIS_PREFIXES_MAX) {
        return weft_json_fail(
            at, msg, WEFT_ETOOBIG, "more than %d prefixes", WEFT_EPCIS_PREFIXES_MAX);
    }
    memmove(&prefixes->list[i + 1], &prefixes->list[i],
        (prefixes->count - i) * sizeof(prefixes->list[0]));
    prefixes->list[i] = (struct weft_epcis_prefix){name, iri};
    prefixes->count++;
    return WEFT_OK;
}

/* `text` is a key or a value that may be "prefix:rest". */
static enum weft_err note_prefix(const struct weft_epcis_place *place, struct weft_text text,
    struct weft_epcis_prefixes *prefixes, const struct weft_json *at, struct weft_msg *msg)
{
    const char *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    if (colon == NULL || colon == text.data) {
        return WEFT_OK;
    }
    struct weft_text name = {text.data, (size_t)(colon - text.data)}, iri = {NULL, 0};
    find_binding(place->context, name, &iri);
    find_binding(weft_json_get(place->event, "@context"), name, &iri);
    return iri.size > 0 ? add_prefix(prefixes, name, iri, at, msg) : WEFT_OK;
}

static enum weft_err note_prefixes(const struct weft_epcis_place *place,
    const struct weft_json *value, struct weft_epcis_prefixes *prefixes, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (value->type == WEFT_JSON_STRING) {
        return note_prefix(place, value->text, prefixes, value, msg);
    }
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (v->parent == place->event && weft_text_is(v->key, "@context")) {
            continue;
        }
        err = note_prefix(place, v->key, prefixes, v, msg);
        if (err == WEFT_OK) {
            err = note_prefixes(place, v, prefixes, msg);
        }
    }
    return err;
}

enum weft_err weft_epcis_find_prefixes(const struct weft_epcis_place *place,
    struct weft_epcis_prefixes *ret_prefixes, struct weft_msg *msg)
{
    ret_prefixes->count = 0;
    return note_prefixes(place, place->event, ret_prefixes, msg);
}

enum weft_err weft_epcis_digest(const struct weft_epcis_place *place,
    const struct weft_epcis_prefixes *prefixes, struct weft_arena *arena,
    struct weft_digest *ret_digest, struct weft_msg *msg)
{
    struct weft_buffer out = {.size = 0};
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < prefixes->count && err == WEFT_OK; i++) {
        err = weft_json_quote(&out, prefixes->list[i].name);
        if (err == WEFT_OK) {
            err = weft_json_quote(&out, prefixes->list[i].iri);
        }
    }
    if (err == WEFT_OK) {
        err = weft_canonical_write(
            place->event, weft_json_get(place->event, "@context"), arena, &out);
    }
    if (err == WEFT_OK) {
        *ret_digest = weft_sha256(out.data, out.size);
    } else {
        err = weft_json_fail(place->event, msg, err, "the event is too large to be hashed");
    }
    weft_buffer_destroy(&out);
    return err;
}
