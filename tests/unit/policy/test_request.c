#include <stdio.h>
#include <string.h>

#include "policy/request.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char ann[] = "oem.example/plant1/op/ann";
static const char gateway[] = "oem.example/plant1/gw/gw1";
static const uint8_t id[WEFT_DOCUMENT_NONCE_SIZE] = {7, 8, 9};

/* Valid until the next call. */
static const struct weft_verifier *key_of(const char *name)
{
    static struct weft_signer signer;
    signer = signers_make(name);
    return &signer.verifier;
}

static struct weft_request make_request(const char *who)
{
    struct weft_request request = {.site = {"oem.example", "plant1"},
        .principal = signers_principal(who),
        .digest = weft_sha256("request", 7),
        .not_before_ns = SIGNERS_NOW_NS,
        .not_after_ns = SIGNERS_NOW_NS + WEFT_REQUEST_LIFE_MAX_S * SIGNERS_SECOND_NS};
    memcpy(request.id, id, sizeof(id));
    return request;
}

static struct weft_request_context context_at(const struct weft_keyring *ring, int64_t now_ns)
{
    return (struct weft_request_context){
        .ring = ring, .site = {"oem.example", "plant1"}, .now_ns = now_ns, .index = 30};
}

static enum weft_err verify(const struct weft_request *request, const char *signer,
    const struct weft_request_context *context, const char *bytes_asked)
{
    const char *const names[] = {signer, NULL};
    struct weft_digest digest = weft_sha256(bytes_asked, strlen(bytes_asked));
    struct weft_principal who;
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_request_encode(request, &text, NULL));
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
    struct weft_note note = signers_parse(&bytes);
    enum weft_err err = weft_request_verify(&note, context, id, &digest, &who, NULL);
    EXPECT_TRUE(err != WEFT_OK || weft_principal_equal(&who, &request->principal));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    return err;
}

TEST(request, is_good_for_its_bytes_id_site_and_time_alone)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request request = make_request(ann);
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    EXPECT_EQ(WEFT_OK, verify(&request, ann, &now, "request"));
    EXPECT_EQ(WEFT_ECONFLICT, verify(&request, ann, &now, "other request")); /* POL-31 */
    request.id[0] ^= 1;
    EXPECT_EQ(WEFT_ECONFLICT, verify(&request, ann, &now, "request"));
    request = make_request(ann);
    now.now_ns = request.not_before_ns - 1;
    EXPECT_EQ(WEFT_EREFUSED, verify(&request, ann, &now, "request"));
    now.now_ns = request.not_after_ns;
    EXPECT_EQ(WEFT_OK, verify(&request, ann, &now, "request"));
    now.now_ns = request.not_after_ns + 1;
    EXPECT_EQ(WEFT_EREFUSED, verify(&request, ann, &now, "request"));
    now = context_at(&ring, SIGNERS_NOW_NS);
    (void)snprintf(now.site.site, sizeof(now.site.site), "plant2");
    EXPECT_EQ(WEFT_EREFUSED, verify(&request, ann, &now, "request"));
    weft_keyring_destroy(&ring);
}

TEST(request, is_signed_by_whom_it_names_with_a_valid_key)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request request = make_request(ann);
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    EXPECT_EQ(WEFT_EPEER, verify(&request, "oem.example/plant1/op/bo", &now, "request"));
    EXPECT_EQ(WEFT_EPEER, verify(&request, "oem.example/plant1/op/dee", &now, "request"));
    struct weft_request robot = make_request("oem.example/plant1/svc/robot");
    EXPECT_EQ(WEFT_OK, verify(&robot, "oem.example/plant1/svc/robot", &now, "request"));
    struct weft_request gw = make_request(gateway);
    EXPECT_EQ(WEFT_EREFUSED, verify(&gw, gateway, &now, "request"));
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, key_of(ann), 30, NULL));
    EXPECT_EQ(WEFT_EREFUSED, verify(&request, ann, &now, "request"));
    now.index = 29;
    EXPECT_EQ(WEFT_OK, verify(&request, ann, &now, "request"));
    weft_keyring_destroy(&ring);
}

TEST(request, any_flipped_bit_is_refused)
{
    const char *const names[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_request request = make_request(ann);
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS + SIGNERS_SECOND_NS);
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_request_encode(&request, &text, NULL));
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct weft_note note;
        struct weft_principal who;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum weft_err err = weft_note_parse(weft_buffer_as_text(&bytes), &note, NULL);
        if (err == WEFT_OK) {
            err = weft_request_verify(&note, &now, id, &request.digest, &who, NULL);
        }
        EXPECT_TRUE(err != WEFT_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    weft_keyring_destroy(&ring);
}

TEST(request, of_fifteen_minutes_passes_and_of_one_second_more_does_not)
{
    struct weft_request request = make_request(ann), read;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_request_encode(&request, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_request_decode(weft_buffer_as_text(&out), &read, NULL));
    EXPECT_TEXT("plant1", read.site.site);
    request.not_after_ns += SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_EINVAL, weft_request_encode(&request, &out, NULL));
    request.not_after_ns = request.not_before_ns;
    EXPECT_EQ(WEFT_EINVAL, weft_request_encode(&request, &out, NULL));
    request = make_request(ann);
    request.site.org[0] = '\0';
    EXPECT_EQ(WEFT_EINVAL, weft_request_encode(&request, &out, NULL));
    weft_buffer_destroy(&out);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static struct weft_token make_token(const char *who)
{
    struct weft_token token = {.audience = {"oem.example", "plant1"},
        .principal = signers_principal(who),
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + WEFT_TOKEN_LIFE_MAX_S * SIGNERS_SECOND_NS,
        .actions = {WEFT_TEXT("read"), WEFT_TEXT("subscribe")},
        .action_count = 2};
    memcpy(token.id, id, sizeof(id));
    return token;
}

static enum weft_err verify_token(
    const struct weft_token *token, const char *signer, const struct weft_request_context *context)
{
    const char *const names[] = {signer, NULL};
    struct weft_token read;
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_token_encode(token, &text, NULL));
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
    struct weft_note note = signers_parse(&bytes);
    enum weft_err err = weft_token_verify(&note, context, &read, NULL);
    EXPECT_TRUE(err != WEFT_OK || weft_principal_equal(&read.principal, &token->principal));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    return err;
}

TEST(token, is_good_at_its_site_in_its_time_by_its_signer)
{
    struct weft_keyring ring = signers_ring();
    struct weft_token token = make_token(ann);
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    EXPECT_EQ(WEFT_OK, verify_token(&token, ann, &now));
    EXPECT_EQ(WEFT_EPEER, verify_token(&token, "oem.example/plant1/op/bo", &now));
    now.now_ns = token.issued_ns - 1;
    EXPECT_EQ(WEFT_EREFUSED, verify_token(&token, ann, &now)); /* POL-31 */
    now.now_ns = token.expires_ns - 1;
    EXPECT_EQ(WEFT_OK, verify_token(&token, ann, &now));
    now.now_ns = token.expires_ns;
    EXPECT_EQ(WEFT_EREFUSED, verify_token(&token, ann, &now));
    now = context_at(&ring, SIGNERS_NOW_NS);
    (void)snprintf(now.site.org, sizeof(now.site.org), "supplier.example");
    EXPECT_EQ(WEFT_EREFUSED, verify_token(&token, ann, &now));
    now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_token gw = make_token(gateway);
    EXPECT_EQ(WEFT_EREFUSED, verify_token(&gw, gateway, &now));
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, key_of(ann), 30, NULL));
    EXPECT_EQ(WEFT_EREFUSED, verify_token(&token, ann, &now));
    weft_keyring_destroy(&ring);
}

TEST(token, request_and_token_are_not_taken_for_each_other)
{
    const char *const names[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_request request = make_request(ann);
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_request_encode(&request, &text, NULL));
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
    struct weft_note note = signers_parse(&bytes);
    struct weft_token read;
    EXPECT_EQ(WEFT_EMALFORMED, weft_token_verify(&note, &now, &read, NULL));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    weft_keyring_destroy(&ring);
}

TEST(token, allows_its_actions_alone_or_any)
{
    struct weft_token token = make_token(ann), read;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_token_encode(&token, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_token_decode(weft_buffer_as_text(&out), &read, NULL));
    EXPECT_TRUE(weft_token_allows(&read, WEFT_TEXT("read")));
    EXPECT_TRUE(weft_token_allows(&read, WEFT_TEXT("subscribe")));
    EXPECT_TRUE(!weft_token_allows(&read, WEFT_TEXT("write")));
    EXPECT_TRUE(!weft_token_allows(&read, WEFT_TEXT("rea")));
    EXPECT_TRUE(!weft_token_allows(&read, WEFT_TEXT("")));
    token.action_count = 0;
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_token_encode(&token, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_token_decode(weft_buffer_as_text(&out), &read, NULL));
    EXPECT_TRUE(weft_token_allows(&read, WEFT_TEXT("write")));
    weft_buffer_destroy(&out);
}

TEST(token, that_breaks_a_rule_is_refused)
{
    struct weft_token token = make_token(ann);
    struct weft_buffer out = {0};
    token.expires_ns += SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_EINVAL, weft_token_encode(&token, &out, NULL));
    static const struct weft_text bad[][2] = {{WEFT_TEXT("write"), WEFT_TEXT("read")},
        {WEFT_TEXT("read"), WEFT_TEXT("read")}, {WEFT_TEXT("Read"), WEFT_TEXT("read")},
        {WEFT_TEXT("any"), WEFT_TEXT("read")}, {WEFT_TEXT(""), WEFT_TEXT("read")},
        {WEFT_TEXT("read"), WEFT_TEXT("")}, {WEFT_TEXT("a b"), WEFT_TEXT("a")}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        token = make_token(ann);
        memcpy(token.actions, bad[i], sizeof(bad[i]));
        EXPECT_EQ(WEFT_EINVAL, weft_token_encode(&token, &out, NULL));
    }
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
}

TEST(token, of_more_than_2048_bytes_is_refused)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    const char *const names[] = {ann, NULL};
    struct weft_token token = make_token(ann), read;
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_token_encode(&token, &text, NULL));
    for (int more = 0; more < 2; more++) {
        struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
        /* A stranger's line, of so many bytes that the note has the largest size: "— <name>
         * <digits>\n", of which the digits come in fours. */
        static const char *const stranger[] = {"x", "xx", "xxx", "xxxx", "xxxxx"};
        static char digits[WEFT_TOKEN_SIZE_MAX];
        memset(digits, 'A', sizeof(digits));
        size_t left = WEFT_TOKEN_SIZE_MAX - bytes.size - 6;
        size_t name_size = 1 + (left - 1) % 4;
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&bytes, "— %s %.*s\n", stranger[name_size - 1 + more],
                               (int)(left - name_size), digits));
        EXPECT_EQ(WEFT_TOKEN_SIZE_MAX + more, bytes.size);
        struct weft_note note = signers_parse(&bytes);
        EXPECT_EQ(more == 0 ? WEFT_OK : WEFT_ETOOBIG, weft_token_verify(&note, &now, &read, NULL));
        weft_buffer_destroy(&bytes);
    }
    weft_buffer_destroy(&text);
    weft_keyring_destroy(&ring);
}
