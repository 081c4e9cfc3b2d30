/* ops/import/importer.h: what every foreign format is read through: bytes in, items out.
 *
 * An importer is pure: no network, files or clock. It is given the bytes of a document as they
 * come and gives its items, each with its place; what it cannot take is refused item by item.
 * Its memory does not grow with the document. Who drives it (ops/weft/import.c, an HTTP door)
 * reads, commits and reports. How an item is committed exactly once: ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_IMPORTER_H
#define WEFT_OPS_IMPORT_IMPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/client.h"
#include "proto/digest.h"
#include "proto/err.h"
#include "proto/record.h"

/* Where something stands in its document. */
struct weft_import_place {
    uint64_t line;     /* From 1; 0: the format has no lines. */
    uint32_t column;   /* From 1, in bytes; 0: the whole line. */
    char pointer[256]; /* RFC 6901, or what the format has for it; empty: none. */
};

/* What keeps an item from being stated twice, however long after (OPS-101). */
enum weft_import_once {
    /* Its assets are its own, named after its content; each record expects that its asset does
     * not exist (expect.rev 0). */
    WEFT_ONCE_BY_ASSET,
    /* Its assets are spoken of by others too: the driver puts a record in front, on an asset
     * named after the item's id, that expects that it does not exist. */
    WEFT_ONCE_BY_MARKER,
};

/* What the document states as one thing: all of its records are committed, or none. */
struct weft_import_item {
    const struct weft_record *records; /* Each passes weft_record_check. None: see `block`. */
    uint32_t record_count;
    /* Of the content alone: the same in another document, under another name. */
    struct weft_request_id id;
    enum weft_import_once once;
    struct weft_import_place place; /* Set for refused items too. */
    /* With record_count 0: a block of telemetry (at most WEFT_BLOCK_SIZE_MAX) that a later item's
     * records name by its digest. A majority of nodes holds it before those are stated (OPS-104).
     */
    struct weft_bytes block;
    struct weft_digest block_digest; /* SHA-256 of `block`. */
};

struct weft_import_options {
    struct weft_text name;   /* Of the document, for the records' source; may be empty. */
    struct weft_text option; /* Content of the second file that the format may take (--map), */
    struct weft_text model;  /* and of the third (--devices). */
};

struct weft_importer;

/* A format. Static. */
struct weft_importer_type {
    const char *format; /* "epcis": in names of assets and in messages. */
    const char *items;  /* What is counted, in the plural: "events". */
    bool reads_twice;   /* wants_again may come: what cannot be read again is kept by the driver. */
    /* See weft_importer_create and so on, which call them. */
    enum weft_err (*create)(const struct weft_import_options *options,
        struct weft_importer **ret_importer, struct weft_msg *msg);
    void (*feed)(struct weft_importer *importer, struct weft_bytes bytes, bool is_last);
    enum weft_err (*next)(
        struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg);
    void (*destroy)(struct weft_importer *importer);
};

/* Embedded as the first member of each importer. */
struct weft_importer {
    const struct weft_importer_type *type;
    bool is_over; /* It reads no further: the end, or what is behind cannot be made out. */
    /* Beside WEFT_ENOTFOUND after the last bytes: it has read the document once, and is to be fed
     * from its first byte again. */
    bool wants_again;
    const char *notice; /* What was left out on purpose, for people; NULL: nothing. Static. */
};

/* `options` is copied where needed. WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: the second file,
 * `msg` says where in it. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_importer_create(const struct weft_importer_type *type,
    const struct weft_import_options *options, struct weft_importer **ret_importer,
    struct weft_msg *msg);
/* The next bytes of the document: borrowed until weft_importer_next has said WEFT_ENOTFOUND,
 * and to be fed only then. `is_last`: nothing comes after them. */
void weft_importer_feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last);
/* The next item; everything in it is valid until the next call on the importer.
 *
 * WEFT_ENOTFOUND: it wants more bytes, or, with is_over, the document is at its end.
 * WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: an item is refused; `msg` says "line L, column C
 * (pointer): reason"; ret_item->place is set, the next call goes on behind it, unless is_over.
 * WEFT_ENOMEM: is_over. */
WEFT_MUST_USE enum weft_err weft_importer_next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg);
/* Accepts NULL. */
void weft_importer_destroy(struct weft_importer *importer);

/* --- for importers ---------------------------------------------------------------------------- */

/* The first half of a digest over the content; never the zero id. */
struct weft_request_id weft_import_id_of(const struct weft_digest *digest);

/* Of what the records say, their source aside: for formats whose items have no canonical text. */
struct weft_request_id weft_import_id_of_records(
    const struct weft_record *records, uint32_t record_count);

/* "<format>:<name>#<pointer>" for a record's source, without the pointer or empty where that is
 * too long or there is no name. In the arena. */
struct weft_text weft_import_source(
    struct weft_arena *arena, const char *format, struct weft_text name, const char *pointer);

/* --- for drivers ------------------------------------------------------------------------------ */

enum {
    WEFT_IMPORT_MARKER_SIZE = 64
};

/* The record that is put in front of an item with WEFT_ONCE_BY_MARKER: kind "import", asset
 * "import:<format>:<32 hex digits>". `ret_asset` is its memory. */
struct weft_record weft_import_marker(const struct weft_importer_type *type,
    const struct weft_import_item *item, char ret_asset[WEFT_IMPORT_MARKER_SIZE]);

/* A refused commit says that the item is there already: its record exists (which whoever may write
 * is told, but not its revision if he may not read it), or its id was used for the same item out of
 * another document, since the id is made of the item alone and the record also names that. */
bool weft_import_is_there(const struct weft_error_answer *error);

#endif
