#include <stdio.h>
#include <string.h>

#include "policy/base64.h"
#include "policy/signer.h"
#include "tests/lib/test.h"

/* C2SP signed-note, "Example". */
static const char vkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/* golang.org/x/mod/sumdb/note, example of package note. */
static const char peter_skey[] =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char peter_vkey[] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static enum weft_err parse(const char *text)
{
    struct weft_verifier verifier;
    return weft_verifier_parse(weft_text_of(text), &verifier, NULL);
}

TEST(signer, vkey_of_the_standard_gives_back_its_text)
{
    struct weft_verifier verifier;
    char text[WEFT_VKEY_TEXT_SIZE];
    EXPECT_EQ(WEFT_OK, weft_verifier_parse(weft_text_of(vkey), &verifier, NULL));
    EXPECT_TEXT("example.com/foo", verifier.name);
    EXPECT_EQ(0x530d903a, verifier.key_id);
    EXPECT_EQ(WEFT_SIGNER_ED25519, verifier.type);
    weft_verifier_format(&verifier, text);
    EXPECT_TEXT(vkey, text); /* POL-22 */
}

TEST(signer, skey_that_go_made_has_the_vkey_that_go_made)
{
    static const struct weft_signer zero;
    struct weft_signer signer;
    char text[WEFT_SKEY_TEXT_SIZE];
    EXPECT_EQ(WEFT_OK, weft_signer_parse(weft_text_of(peter_skey), &signer, NULL));
    weft_signer_format(&signer, text);
    EXPECT_TEXT(peter_skey, text);
    weft_verifier_format(&signer.verifier, text);
    EXPECT_TEXT(peter_vkey, text);
    weft_signer_wipe(&signer);
    EXPECT_MEM(&zero, &signer, sizeof(signer));
}

TEST(signer, text_that_is_no_key_is_refused)
{
    static const char *const bad[] = {
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903a+",
        "example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a0+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k+",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, parse(bad[i]));
    }
    struct weft_signer signer;
    EXPECT_EQ(WEFT_EMALFORMED, weft_signer_parse(weft_text_of(peter_vkey), &signer, NULL));
    char other[sizeof(peter_skey)];
    memcpy(other, peter_skey, sizeof(other));
    other[12] = 'M';
    EXPECT_EQ(WEFT_EMALFORMED, weft_signer_parse(weft_text_of(other), &signer, NULL));
}

TEST(signer, key_of_a_type_unknown_is_of_another_version)
{
    struct weft_msg msg;
    struct weft_verifier verifier;
    uint8_t typed[1 + 64] = {0x06, 1, 2, 3};
    char text[128], encoded[128] = "";
    weft_base64_format(typed, sizeof(typed), encoded);
    (void)snprintf(text, sizeof(text), "w.example+01234567+%s", encoded);
    EXPECT_EQ(WEFT_EVERSION, weft_verifier_parse(weft_text_of(text), &verifier, &msg));
    EXPECT_TEXT("a key of type 0x06: known are 0x01 and 0x04", msg.text);
}

TEST(signer, weak_key_is_no_verifier)
{
    struct weft_ed25519_key low = {{1}};
    struct weft_verifier verifier = {.name = "w.example", .type = WEFT_SIGNER_ED25519, .key = low};
    char text[WEFT_VKEY_TEXT_SIZE];
    EXPECT_EQ(WEFT_EINVAL,
        weft_verifier_make(WEFT_TEXT("w.example"), WEFT_SIGNER_ED25519, &low, &verifier, NULL));
    verifier.key_id = weft_signer_key_id(WEFT_TEXT("w.example"), WEFT_SIGNER_ED25519, &low);
    weft_verifier_format(&verifier, text);
    EXPECT_EQ(WEFT_EINVAL, parse(text)); /* POL-21 */
}

TEST(signer, name_has_no_spaces_of_any_script_and_no_plus)
{
    static const char *const bad[] = {"", "a b", " a", "a ", "a+b", "a\tb", "a\nb", "a\xc2\x85",
        "a\xc2\xa0", "a\u1680", "a\u2000", "a\u200a", "a\u2028", "a\u2029", "a\u202f", "a\u205f",
        "\u3000a", "a\xff"};
    static const char *const good[] = {
        "a", "a.example/b/op/c", "\u00e9", "a\u200b", "a\u1681", "a\u3001"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_signer_is_name(weft_text_of(bad[i])));
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_signer_is_name(weft_text_of(good[i])));
    }
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    memset(name, 'n', sizeof(name));
    EXPECT_TRUE(weft_signer_is_name((struct weft_text){name, sizeof(name) - 1}));
    EXPECT_TRUE(!weft_signer_is_name((struct weft_text){name, sizeof(name)}));
}

TEST(signer, key_id_differs_with_name_type_and_key)
{
    struct weft_ed25519_key a = {{1}}, b = {{2}};
    uint32_t id = weft_signer_key_id(WEFT_TEXT("n"), WEFT_SIGNER_ED25519, &a);
    EXPECT_TRUE(id != weft_signer_key_id(WEFT_TEXT("m"), WEFT_SIGNER_ED25519, &a));
    EXPECT_TRUE(id != weft_signer_key_id(WEFT_TEXT("n"), WEFT_SIGNER_COSIGNATURE, &a));
    EXPECT_TRUE(id != weft_signer_key_id(WEFT_TEXT("n"), WEFT_SIGNER_ED25519, &b));
}

/* RFC 4648, section 10. */
TEST(base64, vectors_of_the_rfc_hold_both_ways)
{
    static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const char *plain = vectors[i][0];
        struct weft_buffer out = {0};
        uint8_t data[8];
        size_t size;
        EXPECT_EQ(WEFT_OK, weft_base64_append(&out, plain, strlen(plain)));
        EXPECT_TRUE(weft_text_is((struct weft_text){(char *)out.data, out.size}, vectors[i][1]));
        EXPECT_EQ(
            WEFT_OK, weft_base64_parse(weft_text_of(vectors[i][1]), data, sizeof(data), &size));
        EXPECT_EQ(strlen(plain), size);
        EXPECT_MEM(plain, data, size);
        weft_buffer_destroy(&out);
    }
}

/* RFC 4648, section 5, without padding (RFC 7515, 2). */
TEST(base64, of_headers_has_its_own_letters_and_no_padding)
{
    static const char *const vectors[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"\xfb\xff\xbf", "-_-_"}};
    static const char *const bad[] = {
        "Zg==", "Zg=", "Zh", "Zm9", "Z", "Zm9vY", "Zm+v", "Zm/v", "Zm8=", "Zg ", "Zm8\n"};
    uint8_t data[8];
    size_t size;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct weft_buffer out = {0};
        const char *plain = vectors[i][0];
        EXPECT_EQ(WEFT_OK, weft_base64_append_url(&out, plain, strlen(plain)));
        EXPECT_TRUE(weft_text_is((struct weft_text){(char *)out.data, out.size}, vectors[i][1]));
        EXPECT_EQ(
            WEFT_OK, weft_base64_parse_url(weft_text_of(vectors[i][1]), data, sizeof(data), &size));
        EXPECT_EQ(strlen(plain), size);
        EXPECT_MEM(plain, data, size);
        weft_buffer_destroy(&out);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_base64_parse_url(weft_text_of(bad[i]), data, sizeof(data), &size));
    }
    EXPECT_EQ(WEFT_ETOOBIG, weft_base64_parse_url(WEFT_TEXT("Zm9vYg"), data, 3, &size));
    EXPECT_EQ(WEFT_OK, weft_base64_parse_url(WEFT_TEXT("Zm9v"), data, 3, &size));
}

TEST(base64, second_text_of_the_same_value_is_refused)
{
    static const char *const bad[] = {"Zg=", "Zg", "Zh==", "Zm9=", "Zm8", "Zm8=\n", " Zm8=", "Zm-v",
        "Zm_v", "Zg==Zg==", "=Zg=", "====", "Z===", "Zm9v=", "Zm9v===="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t data[16];
        size_t size;
        EXPECT_EQ(WEFT_EMALFORMED, weft_base64_parse(weft_text_of(bad[i]), data, 16, &size));
    }
    uint8_t data[3];
    size_t size;
    EXPECT_EQ(WEFT_ETOOBIG, weft_base64_parse(WEFT_TEXT("Zm9vYg=="), data, 3, &size));
    EXPECT_EQ(WEFT_OK, weft_base64_parse(WEFT_TEXT("Zm9v"), data, 3, &size));
    EXPECT_EQ(WEFT_OK, weft_base64_parse(WEFT_TEXT("Zm9vYg=="), NULL, 0, &size));
    EXPECT_EQ(4, size);
}
