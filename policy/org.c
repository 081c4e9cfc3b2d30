#include "policy/org.h"

#include <stdio.h>

#include "proto/check.h"
#include "proto/limits.h"

_Static_assert((int)WEFT_ORG_ROOTS_MAX <= (int)WEFT_NOTE_SIGNATURES_MAX, "every root can sign");

static const char root_middle[] = "/root/";

/* --- values ---------------------------------------------------------------------------------- */

/* A role or an attribute's name: [a-z0-9._-], first a letter. */
static bool is_word(struct weft_text text)
{
    if (text.size == 0 || text.size > WEFT_ORG_WORD_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return true;
}

static bool has_space(struct weft_text text)
{
    return text.size > 0 && memchr(text.data, ' ', text.size) != NULL;
}

/* "<org>/root/<label>" */
static bool is_root_name(struct weft_text org, struct weft_text name)
{
    size_t skip = org.size + sizeof(root_middle) - 1;
    return name.size > skip && memcmp(name.data, org.data, org.size) == 0 &&
           memcmp(name.data + org.size, root_middle, sizeof(root_middle) - 1) == 0 &&
           weft_principal_is_part((struct weft_text){name.data + skip, name.size - skip});
}

/* --- decode ---------------------------------------------------------------------------------- */

struct decoding {
    struct weft_document_reader reader;
    struct weft_arena *arena;
    struct weft_org org;
    struct weft_msg *msg;
};

/* One value of a list into `item`; `before` is the item before it, or NULL. */
typedef enum weft_err read_item(
    struct decoding *d, struct weft_text value, const void *before, void *item);

/* min to max lines with this key, sorted, each of which becomes an item of `size` bytes. */
static enum weft_err read_list(struct decoding *d, const char *key, uint32_t min, uint32_t max,
    size_t size, read_item *read, uint32_t *ret_count, const void **ret_list)
{
    uint32_t count = weft_document_count(&d->reader, key);
    struct weft_text value = {"", 0};
    if (count < min || count > max) {
        struct weft_document_reader next = {.line = d->reader.line + 1};
        return weft_document_fail(&next, d->msg, count > max ? WEFT_ETOOBIG : WEFT_EMALFORMED,
            "%u lines \"%s\": %u to %u", count, key, min, max);
    }
    char *list = weft_arena_array(d->arena, count, size);
    if (list == NULL) {
        return weft_fail(d->msg, WEFT_ENOMEM, "no memory for an organization's document");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err = weft_document_read_sorted(&d->reader, key, &value, d->msg);
        if (err == WEFT_OK) {
            err = read(d, value, i > 0 ? list + (i - 1) * size : NULL, list + i * size);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    *ret_count = count;
    *ret_list = list;
    return WEFT_OK;
}

static enum weft_err read_verifier(struct decoding *d, struct weft_text vkey,
    enum weft_signer_type type, struct weft_verifier *ret_verifier)
{
    enum weft_err err = weft_verifier_parse(vkey, ret_verifier, d->msg);
    if (err != WEFT_OK) {
        return weft_wrap(d->msg, err, "line %u", d->reader.line);
    }
    if (ret_verifier->type != type) {
        return weft_document_fail(&d->reader, d->msg, WEFT_EINVAL,
            "a key of type 0x%02x, not 0x%02x", (unsigned)ret_verifier->type, (unsigned)type);
    }
    return WEFT_OK;
}

/* A principal of this organization and, if class is not CLASSES, of this class. */
static enum weft_err read_principal(struct decoding *d, struct weft_text text,
    enum weft_principal_class class, struct weft_principal *ret_principal)
{
    enum weft_err err = weft_principal_parse(text, ret_principal, d->msg);
    if (err != WEFT_OK) {
        return weft_wrap(d->msg, err, "line %u", d->reader.line);
    }
    if (!weft_text_is(d->org.org, ret_principal->org)) {
        return weft_document_fail(
            &d->reader, d->msg, WEFT_EINVAL, "a principal of another organization");
    }
    if (class != WEFT_PRINCIPAL_CLASSES && ret_principal->class != class) {
        return weft_document_fail(&d->reader, d->msg, WEFT_EINVAL,
            "a principal of class %s, not %s", weft_principal_class_name(ret_principal->class),
            weft_principal_class_name(class));
    }
    return WEFT_OK;
}

static enum weft_err read_threshold(struct decoding *d, const char *key, uint32_t *ret_threshold)
{
    uint64_t number;
    enum weft_err err =
        weft_document_read_number(&d->reader, key, WEFT_ORG_ADMINS_MAX, &number, d->msg);
    if (err == WEFT_OK && number == 0) {
        err = weft_document_fail(&d->reader, d->msg, WEFT_EINVAL, "\"%s\" is at least 1", key);
    }
    if (err == WEFT_OK) {
        *ret_threshold = (uint32_t)number;
    }
    return err;
}

/* Otherwise nothing could ever follow. */
static enum weft_err check_threshold(
    struct decoding *d, const char *what, uint32_t threshold, uint32_t count)
{
    return threshold <= count ? WEFT_OK
                              : weft_document_fail(&d->reader, d->msg, WEFT_EINVAL,
                                    "%u of %u %s can never sign", threshold, count, what);
}

static enum weft_err read_head(struct decoding *d, struct weft_text text)
{
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_ORG, &d->reader, d->msg);
    if (err == WEFT_OK) {
        err = weft_document_read(&d->reader, "org", &d->org.org, d->msg);
    }
    if (err == WEFT_OK && !weft_principal_is_org(d->org.org)) {
        err = weft_document_fail(&d->reader, d->msg, WEFT_EINVAL, "not an organization's name");
    }
    if (err == WEFT_OK) {
        err = weft_chain_read(&d->reader, text, true, &d->org.link, d->msg);
    }
    return err;
}

static enum weft_err read_root(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    struct weft_verifier *root = item;
    enum weft_err err = read_verifier(d, value, WEFT_SIGNER_ED25519, root);
    if (err == WEFT_OK && !is_root_name(d->org.org, weft_text_of(root->name))) {
        err = weft_document_fail(
            &d->reader, d->msg, WEFT_EINVAL, "a root's key is named <org>/root/<label>");
    }
    return err;
}

static enum weft_err read_admin(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    return read_principal(d, value, WEFT_PRINCIPAL_OP, item);
}

static enum weft_err read_ca(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    return weft_digest_parse(value, item) == WEFT_OK
               ? WEFT_OK
               : weft_document_fail(
                     &d->reader, d->msg, WEFT_EMALFORMED, "\"ca\" is sha256: and 64 digits");
}

static enum weft_err read_log(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    struct weft_org_log *log = item;
    struct weft_text node, rest = value;
    if (!weft_text_cut(&rest, ' ', &node)) {
        return weft_document_fail(
            &d->reader, d->msg, WEFT_EMALFORMED, "\"log\" is a node and the key of its log");
    }
    enum weft_err err = read_principal(d, node, WEFT_PRINCIPAL_NODE, &log->node);
    return err == WEFT_OK ? read_verifier(d, rest, WEFT_SIGNER_ED25519, &log->verifier) : err;
}

static enum weft_err read_witness(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    return read_verifier(d, value, WEFT_SIGNER_COSIGNATURE, item);
}

static enum weft_err read_role(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    (void)before;
    struct weft_org_role *role = item;
    struct weft_text who, rest = value;
    if (!weft_text_cut(&rest, ' ', &who) || !weft_text_cut(&rest, ' ', &role->role) ||
        !is_word(role->role) || rest.size == 0 || rest.size > WEFT_ASSET_SIZE_MAX ||
        has_space(rest)) {
        return weft_document_fail(
            &d->reader, d->msg, WEFT_EMALFORMED, "\"role\" is a principal, a role and an asset");
    }
    role->asset = rest;
    return read_principal(d, who, WEFT_PRINCIPAL_CLASSES, &role->principal);
}

/* Lines are sorted, so that all of one principal and name stand beside each other. */
static enum weft_err read_attribute(
    struct decoding *d, struct weft_text value, const void *before, void *item)
{
    const struct weft_org_attribute *last = before;
    struct weft_org_attribute *attribute = item;
    struct weft_text who, rest = value;
    if (!weft_text_cut(&rest, ' ', &who) || !weft_text_cut(&rest, ' ', &attribute->name) ||
        !is_word(attribute->name) || rest.size == 0 || rest.data[0] == ' ') {
        return weft_document_fail(
            &d->reader, d->msg, WEFT_EMALFORMED, "\"attr\" is a principal, a name and a value");
    }
    attribute->value = rest;
    enum weft_err err = read_principal(d, who, WEFT_PRINCIPAL_CLASSES, &attribute->principal);
    if (err == WEFT_OK && last != NULL &&
        weft_principal_equal(&attribute->principal, &last->principal) &&
        weft_text_equal(attribute->name, last->name)) {
        err = weft_document_fail(&d->reader, d->msg, WEFT_EMALFORMED, "an attribute has one value");
    }
    return err;
}

/* Those that have to sign: the threshold can be reached. */
static enum weft_err read_signers(
    struct decoding *d, const void **ret_roots, const void **ret_admins)
{
    struct weft_org *org = &d->org;
    enum weft_err err = read_threshold(d, "root-threshold", &org->root_threshold);
    if (err == WEFT_OK) {
        err = read_list(d, "root", 1, WEFT_ORG_ROOTS_MAX, sizeof(struct weft_verifier), read_root,
            &org->root_count, ret_roots);
    }
    if (err == WEFT_OK) {
        err = check_threshold(d, "roots", org->root_threshold, org->root_count);
    }
    if (err == WEFT_OK) {
        err = read_threshold(d, "admin-threshold", &org->admin_threshold);
    }
    if (err == WEFT_OK) {
        err = read_list(d, "admin", 1, WEFT_ORG_ADMINS_MAX, sizeof(struct weft_principal),
            read_admin, &org->admin_count, ret_admins);
    }
    return err == WEFT_OK ? check_threshold(d, "admins", org->admin_threshold, org->admin_count)
                          : err;
}

static enum weft_err read_lists(struct decoding *d)
{
    enum {
        ROOTS,
        ADMINS,
        CAS,
        LOGS,
        WITNESSES,
        ROLES,
        ATTRIBUTES,
        LISTS
    };
    struct weft_org *org = &d->org;
    const void *lists[LISTS] = {NULL};
    const struct {
        const char *key;
        uint32_t max;
        size_t size;
        read_item *read;
        uint32_t *ret_count;
    } rows[LISTS] = {
        [CAS] = {"ca", WEFT_ORG_CAS_MAX, sizeof(*org->cas), read_ca, &org->ca_count},
        [LOGS] = {"log", WEFT_ORG_LOGS_MAX, sizeof(*org->logs), read_log, &org->log_count},
        [WITNESSES] = {"witness", WEFT_ORG_WITNESSES_MAX, sizeof(*org->witnesses), read_witness,
            &org->witness_count},
        [ROLES] = {"role", WEFT_ORG_ROLES_MAX, sizeof(*org->roles), read_role, &org->role_count},
        [ATTRIBUTES] = {"attr", WEFT_ORG_ATTRIBUTES_MAX, sizeof(*org->attributes), read_attribute,
            &org->attribute_count},
    };
    enum weft_err err = read_signers(d, &lists[ROOTS], &lists[ADMINS]);
    for (int i = CAS; err == WEFT_OK && i < LISTS; i++) {
        err = read_list(d, rows[i].key, 0, rows[i].max, rows[i].size, rows[i].read,
            rows[i].ret_count, &lists[i]);
    }
    org->roots = lists[ROOTS];
    org->admins = lists[ADMINS];
    org->cas = lists[CAS];
    org->logs = lists[LOGS];
    org->witnesses = lists[WITNESSES];
    org->roles = lists[ROLES];
    org->attributes = lists[ATTRIBUTES];
    return err;
}

/* --- keys told apart ------------------------------------------------------------------------- */

static const struct weft_verifier *key_at(const struct weft_org *org, uint32_t i)
{
    if (i < org->root_count) {
        return &org->roots[i];
    }
    i -= org->root_count;
    return i < org->log_count ? &org->logs[i].verifier : &org->witnesses[i - org->log_count];
}

/* TUF: a key that counts twice reaches a threshold alone; a log's key that is a witness's too
 * vouches for itself. So no key is there twice, and no two have one id. */
static enum weft_err check_keys(
    const struct weft_org *org, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    uint32_t count = org->root_count + org->log_count + org->witness_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_verifier *a = key_at(org, i);
        for (uint32_t k = 0; k < i; k++) {
            const struct weft_verifier *b = key_at(org, k);
            if (a->key_id == b->key_id || weft_ed25519_key_equal(&a->key, &b->key)) {
                return weft_chain_fail(WEFT_CHAIN_DUPLICATE_KEY_ID, ret_fault, msg,
                    "%s+%08x and %s+%08x", b->name, b->key_id, a->name, a->key_id);
            }
        }
    }
    return WEFT_OK;
}

enum weft_err weft_org_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_org *ret_org, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    *ret_fault = WEFT_CHAIN_SOUND;
    if (text.size > WEFT_NOTE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a document of more than %d bytes", WEFT_NOTE_SIZE_MAX);
    }
    if (text.size > WEFT_NOTE_SIZE_MAX) { /* Before it is copied. */
        return weft_fail(msg, WEFT_ETOOBIG, "a document of more than %d bytes", WEFT_NOTE_SIZE_MAX);
    }
    struct weft_text copy = weft_arena_text(arena, text);
    if (copy.data == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an organization's document");
    }
    struct decoding d = {.arena = arena, .msg = msg};
    enum weft_err err = read_head(&d, copy);
    if (err == WEFT_OK) {
        err = read_lists(&d);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&d.reader, msg);
    }
    if (err == WEFT_OK) {
        err = check_keys(&d.org, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        *ret_org = d.org;
    }
    return err;
}

/* --- encode ---------------------------------------------------------------------------------- */

static enum weft_err write_roots(const struct weft_org *org, struct weft_buffer *out)
{
    enum weft_err err = weft_document_write_number(out, "root-threshold", org->root_threshold);
    for (uint32_t i = 0; err == WEFT_OK && i < org->root_count; i++) {
        err = weft_document_write_verifier(out, "root", &org->roots[i]);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_number(out, "admin-threshold", org->admin_threshold);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < org->admin_count; i++) {
        err = weft_document_write_principal(out, "admin", &org->admins[i]);
    }
    return err;
}

static enum weft_err write_keys(const struct weft_org *org, struct weft_buffer *out)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], vkey[WEFT_VKEY_TEXT_SIZE];
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < org->ca_count; i++) {
        err = weft_document_write_digest(out, "ca", &org->cas[i]);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < org->log_count; i++) {
        weft_principal_format(&org->logs[i].node, who);
        weft_verifier_format(&org->logs[i].verifier, vkey);
        err = weft_buffer_format(out, "log %s %s\n", who, vkey);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < org->witness_count; i++) {
        err = weft_document_write_verifier(out, "witness", &org->witnesses[i]);
    }
    return err;
}

static enum weft_err write_facts(const struct weft_org *org, struct weft_buffer *out)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE];
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < org->role_count; i++) {
        const struct weft_org_role *r = &org->roles[i];
        weft_principal_format(&r->principal, who);
        err = weft_buffer_format(out, "role %s %.*s %.*s\n", who, (int)r->role.size, r->role.data,
            (int)r->asset.size, r->asset.data);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < org->attribute_count; i++) {
        const struct weft_org_attribute *a = &org->attributes[i];
        weft_principal_format(&a->principal, who);
        err = weft_buffer_format(out, "attr %s %.*s %.*s\n", who, (int)a->name.size, a->name.data,
            (int)a->value.size, a->value.data);
    }
    return err;
}

enum weft_err weft_org_encode(const struct weft_org *org, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    enum weft_chain_fault fault;
    struct weft_org again;
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_ORG);
    if (err == WEFT_OK) {
        err = weft_document_write(out, "org", org->org);
    }
    if (err == WEFT_OK) {
        err = weft_chain_write(out, &org->link);
    }
    if (err == WEFT_OK) {
        err = write_roots(org, out);
    }
    if (err == WEFT_OK) {
        err = write_keys(org, out);
    }
    if (err == WEFT_OK) {
        err = write_facts(org, out);
    }
    enum weft_err decoded = WEFT_OK;
    if (err == WEFT_OK) {
        struct weft_text text = {(const char *)out->data + before, out->size - before};
        decoded = weft_org_decode(text, arena, &again, &fault, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

/* --- accept ---------------------------------------------------------------------------------- */

enum weft_err weft_org_count_roots(const struct weft_org *org, const struct weft_note *note,
    uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_note_mark marks[WEFT_ORG_ROOTS_MAX];
    uint32_t count = 0;
    weft_assert(org->root_count <= WEFT_ORG_ROOTS_MAX); /* POL-28 */
    enum weft_err err = weft_note_verify(note, org->roots, org->root_count, marks, msg);
    if (err != WEFT_OK && err != WEFT_EPEER) {
        return err;
    }
    for (uint32_t i = 0; i < org->root_count; i++) {
        count += marks[i].is_signed;
    }
    *ret_count = count;
    return WEFT_OK;
}

static enum weft_err check_roots(const struct weft_org *org, const struct weft_note *note,
    const char *whose, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    uint32_t count = 0;
    enum weft_err err = weft_org_count_roots(org, note, &count, msg);
    if (err == WEFT_OK && count < org->root_threshold) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, ret_fault, msg,
            "%u of %u roots of %s have signed, %u have to", count, org->root_count, whose,
            org->root_threshold);
    }
    return err;
}

/* TUF: a new root document is signed "by a threshold of keys specified in the trusted root
 * metadata file, and a threshold of keys specified in the new root metadata file". */
enum weft_err weft_org_accept(const struct weft_note *note, const struct weft_org *current,
    int64_t now_ns, struct weft_arena *arena, struct weft_org *ret_org,
    enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_org next = {.org = {"", 0}};
    enum weft_err err = weft_org_decode(note->text, arena, &next, ret_fault, msg);
    if (err == WEFT_OK && current != NULL && !weft_text_equal(current->org, next.org)) {
        err = weft_fail(msg, WEFT_EPEER, "a document of %.*s, not of %.*s", (int)next.org.size,
            next.org.data, (int)current->org.size, current->org.data);
    }
    if (err == WEFT_OK) {
        err = weft_chain_check(
            current != NULL ? &current->link : NULL, &next.link, now_ns, ret_fault, msg);
    }
    if (err == WEFT_OK && current != NULL) {
        err = check_roots(current, note, "the version before", ret_fault, msg);
    }
    if (err == WEFT_OK) {
        err = check_roots(&next, note, "this version", ret_fault, msg);
    }
    if (err == WEFT_OK) {
        *ret_org = next;
    }
    return err;
}

bool weft_org_is_admin(const struct weft_org *org, const struct weft_principal *principal)
{
    for (uint32_t i = 0; i < org->admin_count; i++) {
        if (weft_principal_equal(&org->admins[i], principal)) {
            return true;
        }
    }
    return false;
}
