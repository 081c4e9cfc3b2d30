/* ops/weft/policy_source.h: a policy or an org document, from a file or from the site.
 *
 * A file is the text itself, or the note that carries it; from the site comes the newest note. No
 * signatures are verified here: that is for whoever takes a document, the site. */
#ifndef WEFT_OPS_POLICY_SOURCE_H
#define WEFT_OPS_POLICY_SOURCE_H

#include "ops/weft/client.h"
#include "policy/org.h"
#include "policy/policy_file.h"
#include "policy/subjects.h"

/* Zero-initialized is none; owns what it points to. */
struct weft_policy_source {
    struct weft_buffer bytes; /* As it was read. */
    struct weft_arena arena;
    struct weft_text text;
    const struct weft_policy *policy; /* NULL: there is none. */
    uint64_t rev;                     /* Of the site's asset; 0: from a file, or none. */
};

struct weft_org_source {
    struct weft_buffer bytes;
    struct weft_arena arena;
    struct weft_text text;
    struct weft_org org;
    struct weft_subjects subjects;
};

void weft_policy_source_destroy(struct weft_policy_source *source);
void weft_org_source_destroy(struct weft_org_source *source);

/* As weft_files_read and weft_policy_parse: `msg` is FILE:LINE:COLUMN: reason. */
WEFT_MUST_USE enum weft_err weft_policy_source_file(
    const char *path, struct weft_policy_source *source, struct weft_msg *msg);
/* WEFT_ENOTFOUND: the site has none. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_policy_source_site(
    struct weft_client *client, struct weft_policy_source *source, struct weft_msg *msg);
/* The same of org documents. */
WEFT_MUST_USE enum weft_err weft_org_source_file(
    const char *path, struct weft_org_source *source, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_org_source_site(
    struct weft_client *client, struct weft_org_source *source, struct weft_msg *msg);

#endif
