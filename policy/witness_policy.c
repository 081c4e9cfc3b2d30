#include "policy/witness_policy.h"

#include "proto/check.h"

enum {
    NONE = WEFT_WITNESS_POLICY_NONE
};

struct parser {
    struct weft_witness_policy *policy;
    struct weft_text rest; /* Of the line. */
    unsigned line;
    unsigned group_count;
    bool has_quorum;
    struct weft_msg *msg;
};

/* The next item of the line; empty at its end. */
static struct weft_text next_item(struct parser *p)
{
    struct weft_text *rest = &p->rest;
    size_t start = 0, end;
    while (start < rest->size && (rest->data[start] == ' ' || rest->data[start] == '\t')) {
        start++;
    }
    for (end = start; end < rest->size; end++) {
        if (rest->data[end] == ' ' || rest->data[end] == '\t') {
            break;
        }
    }
    struct weft_text item = {rest->data + start, end - start};
    *rest = (struct weft_text){rest->data + end, rest->size - end};
    return item;
}

static enum weft_err fail(struct parser *p, enum weft_err err, const char *what)
{
    return weft_fail(p->msg, err, "line %u: %s", p->line, what);
}

static enum weft_err fail_name(struct parser *p, const char *what, struct weft_text name)
{
    return weft_fail(p->msg, WEFT_EINVAL, "line %u: %s \"%.*s\"", p->line, what,
        (int)(name.size < 80 ? name.size : 80), name.data);
}

static enum weft_err expect_end(struct parser *p)
{
    return next_item(p).size == 0 ? WEFT_OK
                                  : fail(p, WEFT_EMALFORMED, "more than a line of its kind has");
}

static uint16_t find_node(const struct weft_witness_policy *policy, struct weft_text name)
{
    for (uint16_t i = 0; i < policy->node_count; i++) {
        if (weft_text_equal(policy->nodes[i].name, name)) {
            return i;
        }
    }
    return NONE;
}

/* A key of `type` that no other log, or no other witness, has: "if they wrap the same underlying
 * public key, even if they differ by key name and key id". */
static enum weft_err add_verifier(
    struct parser *p, struct weft_text vkey, enum weft_signer_type type, uint16_t *ret_index)
{
    struct weft_witness_policy *policy = p->policy;
    struct weft_verifier *verifier = &policy->verifiers[policy->verifier_count];
    if (vkey.size == 0) {
        return fail(p, WEFT_EMALFORMED, "a key is missing");
    }
    weft_assert(policy->verifier_count < WEFT_WITNESS_POLICY_VERIFIERS_MAX); /* POL-48 */
    enum weft_err err = weft_verifier_parse(vkey, verifier, p->msg);
    if (err != WEFT_OK) {
        return weft_wrap(p->msg, err, "line %u", p->line);
    }
    if (verifier->type != type) {
        return fail(p, WEFT_EINVAL,
            type == WEFT_SIGNER_ED25519 ? "a log's key is of type 1 (Ed25519)"
                                        : "a witness's key is of type 4 (cosignature)");
    }
    for (uint16_t i = 0; i < policy->verifier_count; i++) {
        const struct weft_verifier *other = &policy->verifiers[i];
        if (other->type == type && weft_ed25519_key_equal(&other->key, &verifier->key)) {
            return fail(p, WEFT_EINVAL, "the key is there already");
        }
    }
    *ret_index = policy->verifier_count++;
    return WEFT_OK;
}

static enum weft_err parse_log(struct parser *p)
{
    struct weft_witness_policy *policy = p->policy;
    uint16_t index = 0;
    if (policy->log_count == WEFT_WITNESS_POLICY_LOGS_MAX) {
        return fail(p, WEFT_ETOOBIG, "too many logs");
    }
    enum weft_err err = add_verifier(p, next_item(p), WEFT_SIGNER_ED25519, &index);
    if (err != WEFT_OK) {
        return err;
    }
    policy->log_count++;
    policy->log_urls[index] = next_item(p);
    return expect_end(p);
}

/* A name for a witness or a group. */
static enum weft_err take_new_name(struct parser *p, struct weft_text *ret_name)
{
    *ret_name = next_item(p);
    if (ret_name->size == 0) {
        return fail(p, WEFT_EMALFORMED, "a name is missing");
    }
    if (weft_text_is(*ret_name, "none")) {
        return fail(p, WEFT_EINVAL, "\"none\" is no name to give");
    }
    if (find_node(p->policy, *ret_name) != NONE) {
        return fail_name(p, "there already:", *ret_name);
    }
    return WEFT_OK;
}

static enum weft_err parse_witness(struct parser *p)
{
    struct weft_witness_policy *policy = p->policy;
    struct weft_witness_policy_node node = {.group = NONE};
    if (policy->node_count - p->group_count == WEFT_WITNESS_POLICY_WITNESSES_MAX) {
        return fail(p, WEFT_ETOOBIG, "too many witnesses");
    }
    enum weft_err err = take_new_name(p, &node.name);
    if (err == WEFT_OK) {
        err = add_verifier(p, next_item(p), WEFT_SIGNER_COSIGNATURE, &node.verifier);
    }
    if (err != WEFT_OK) {
        return err;
    }
    node.url = next_item(p);
    policy->nodes[policy->node_count++] = node;
    return expect_end(p);
}

/* Members up to the line's end. Each belongs to one group, so that a witness counts once. */
static enum weft_err parse_members(struct parser *p, uint16_t group, uint64_t *ret_count)
{
    uint64_t count = 0;
    for (struct weft_text name = next_item(p); name.size > 0; name = next_item(p)) {
        uint16_t member = find_node(p->policy, name);
        if (member == NONE) {
            return fail_name(p, "no witness or group above is called", name);
        }
        struct weft_witness_policy_node *node = &p->policy->nodes[member];
        if (node->group != NONE) {
            return fail_name(p, "in a group already:", name);
        }
        node->group = group;
        count++;
    }
    *ret_count = count;
    return WEFT_OK;
}

static enum weft_err parse_group(struct parser *p)
{
    struct weft_witness_policy *policy = p->policy;
    struct weft_witness_policy_node node = {.is_group = true, .group = NONE};
    uint64_t members = 0, threshold = 0;
    if (p->group_count == WEFT_WITNESS_POLICY_GROUPS_MAX) {
        return fail(p, WEFT_ETOOBIG, "too many groups");
    }
    enum weft_err err = take_new_name(p, &node.name);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text number = next_item(p);
    bool is_any = weft_text_is(number, "any"), is_all = weft_text_is(number, "all");
    if (!is_any && !is_all &&
        (number.size == 0 || number.data[0] == '0' || !weft_text_number(number, &threshold))) {
        return fail(p, WEFT_EMALFORMED, "not \"all\", \"any\" or a number from 1 on");
    }
    err = parse_members(p, policy->node_count, &members);
    if (err != WEFT_OK) {
        return err;
    }
    if (members == 0) {
        return fail(p, WEFT_EMALFORMED, "a group has members");
    }
    threshold = is_any ? 1 : is_all ? members : threshold;
    if (threshold > members) {
        return fail(p, WEFT_EINVAL, "the group has fewer members than that");
    }
    node.threshold = (uint16_t)threshold;
    p->group_count++;
    policy->nodes[policy->node_count++] = node;
    return WEFT_OK;
}

static enum weft_err parse_quorum(struct parser *p)
{
    struct weft_text name = next_item(p);
    if (p->has_quorum) {
        return fail(p, WEFT_EINVAL, "a second quorum");
    }
    if (name.size == 0) {
        return fail(p, WEFT_EMALFORMED, "a name is missing");
    }
    p->policy->quorum = weft_text_is(name, "none") ? NONE : find_node(p->policy, name);
    if (p->policy->quorum == NONE && !weft_text_is(name, "none")) {
        return fail_name(p, "no witness or group above is called", name);
    }
    p->has_quorum = true;
    return expect_end(p);
}

static enum weft_err parse_line(struct parser *p)
{
    for (size_t i = 0; i < p->rest.size; i++) {
        unsigned char c = (unsigned char)p->rest.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return fail(p, WEFT_EMALFORMED, "a control character");
        }
    }
    struct weft_text word = next_item(p);
    if (word.size == 0 || word.data[0] == '#') {
        return WEFT_OK;
    }
    if (weft_text_is(word, "log")) {
        return parse_log(p);
    }
    if (weft_text_is(word, "witness")) {
        return parse_witness(p);
    }
    if (weft_text_is(word, "group")) {
        return parse_group(p);
    }
    if (weft_text_is(word, "quorum")) {
        return parse_quorum(p);
    }
    return fail(p, WEFT_EMALFORMED, "not log, witness, group or quorum");
}

enum weft_err weft_witness_policy_parse(
    struct weft_text text, struct weft_witness_policy *ret_policy, struct weft_msg *msg)
{
    struct parser p = {.policy = ret_policy, .msg = msg};
    struct weft_text rest = text;
    *ret_policy = (struct weft_witness_policy){.quorum = NONE};
    if (text.size > WEFT_WITNESS_POLICY_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "over %d bytes", WEFT_WITNESS_POLICY_SIZE_MAX);
    }
    while (rest.size > 0) {
        p.line++;
        if (!weft_text_cut(&rest, '\n', &p.rest)) {
            return fail(&p, WEFT_EMALFORMED, "no newline at its end");
        }
        enum weft_err err = parse_line(&p);
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (!p.has_quorum) {
        p.line++;
        return fail(&p, WEFT_EINVAL, "there is no quorum line");
    }
    return WEFT_OK;
}

/* POL-48: a node stands before its group, so one pass from the first to the last is enough. */
bool weft_witness_policy_is_met(
    const struct weft_witness_policy *policy, const struct weft_note_mark *marks)
{
    unsigned counts[WEFT_WITNESS_POLICY_NODES_MAX] = {0};
    if (policy->quorum == NONE) {
        return true;
    }
    for (uint16_t i = 0; i <= policy->quorum; i++) {
        const struct weft_witness_policy_node *node = &policy->nodes[i];
        bool has_witnessed =
            node->is_group ? counts[i] >= node->threshold : marks[node->verifier].is_signed;
        if (i == policy->quorum) {
            return has_witnessed;
        }
        if (node->group != NONE) {
            weft_assert(node->group > i); /* POL-48 */
            counts[node->group] += has_witnessed ? 1 : 0;
        }
    }
    weft_unreachable("POL-48: the quorum is a node");
}

enum weft_err weft_witness_policy_verify(const struct weft_witness_policy *policy,
    struct weft_text bytes, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_note_mark marks[WEFT_WITNESS_POLICY_VERIFIERS_MAX];
    struct weft_checkpoint_note checkpoint;
    enum weft_err err = weft_note_parse(bytes, &note, msg);
    if (err == WEFT_OK) {
        err = weft_note_verify(&note, policy->verifiers, policy->verifier_count, marks, msg);
    }
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_parse(note.text, &checkpoint, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    bool is_logged = false;
    for (uint16_t i = 0; i < policy->verifier_count; i++) {
        const struct weft_verifier *verifier = &policy->verifiers[i];
        is_logged = is_logged || (marks[i].is_signed && verifier->type == WEFT_SIGNER_ED25519 &&
                                     weft_text_is(checkpoint.origin, verifier->name));
    }
    if (!is_logged) {
        return weft_fail(msg, WEFT_EPEER, "no log of the policy with that origin signed it");
    }
    if (!weft_witness_policy_is_met(policy, marks)) {
        return weft_fail(msg, WEFT_EREFUSED, "no quorum of witnesses cosigned it");
    }
    *ret_checkpoint = checkpoint;
    return WEFT_OK;
}
