#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config.h"
#include "tests/lib/test.h"

static struct weft_config config;
static struct weft_msg message;

static const char complete[] = "node:\n"
                               "  name: n1\n"
                               "  site: plant1\n"
                               "  org: oem.example\n"
                               "  data: data/n1\n"
                               "  listen_peer: 127.0.0.1:7101\n"
                               "  listen_client: 127.0.0.1:7102\n"
                               "tls:\n"
                               "  cert: tls/n1.crt\n"
                               "  key: /etc/n1.key\n"
                               "  ca: tls/ca.crt\n";

static const char *path_of(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", test_directory(), name);
    return path;
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    EXPECT_TRUE(file != NULL);
    EXPECT_EQ(size, fwrite(text, 1, size, file));
    EXPECT_EQ(0, fclose(file));
}

static enum weft_err load_text(const char *text)
{
    const char *path = path_of("weftd.yaml");
    write_file(path, text, strlen(text));
    message.text[0] = '\0';
    return weft_config_load(path, &config, &message);
}

/* The complete file with more behind it. */
static enum weft_err load_with(const char *more)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "%s%s", complete, more);
    return load_text(text);
}

static void expect_place(const char *place, const char *reason)
{
    char start[1100];
    (void)snprintf(start, sizeof(start), "%s:%s", path_of("weftd.yaml"), place);
    if (strncmp(message.text, start, strlen(start)) != 0 || strstr(message.text, reason) == NULL) {
        (void)fprintf(stderr, "message: %s\nwanted:  %s ... %s\n", message.text, start, reason);
        EXPECT_TRUE(false);
    }
}

TEST(config, complete_file_loads_with_the_defaults)
{
    EXPECT_EQ(WEFT_OK, load_text(complete));
    EXPECT_TEXT("n1", config.node.name);
    EXPECT_TEXT("127.0.0.1:7101", config.node.advertise_peer);
    EXPECT_TEXT("127.0.0.1:7102", config.node.advertise_client);
    EXPECT_TEXT("", config.node.listen_http);
    EXPECT_EQ(150, config.timers.election_ms);
    EXPECT_EQ(64ll << 20, config.limits.cache_bytes);
    EXPECT_EQ(512ll << 20, config.limits.lineage_bytes);
    EXPECT_EQ(WEFT_LOG_INFO, config.log.level);
    EXPECT_EQ(0, config.peers.count);
}

TEST(config, partners_are_met_with_a_certificate_and_its_key_or_not_at_all)
{
    static const char pair[] = "partner:\n  cert: p/tls.crt\n  key: p/tls.key\n";
    char text[1024];
    EXPECT_EQ(WEFT_OK, load_with(pair));
    EXPECT_TEXT("", config.node.listen_partner);
    EXPECT_TEXT(path_of("p/tls.crt"), config.partner.cert);
    EXPECT_EQ(WEFT_EINVAL, load_with("partner:\n  cert: p/tls.crt\n"));
    EXPECT_TRUE(strstr(message.text, "come together") != NULL);
    (void)snprintf(text, sizeof(text), "node:\n  listen_partner: 127.0.0.1:7104\n%s", complete + 6);
    EXPECT_EQ(WEFT_EINVAL, load_text(text));
    EXPECT_TRUE(strstr(message.text, "partner.cert") != NULL);
    (void)snprintf(
        text, sizeof(text), "node:\n  listen_partner: 127.0.0.1:7102\n%s%s", complete + 6, pair);
    EXPECT_EQ(WEFT_EINVAL, load_text(text));
    EXPECT_TRUE(strstr(message.text, "two doors") != NULL);
    (void)snprintf(
        text, sizeof(text), "node:\n  listen_partner: 127.0.0.1:7104\n%s%s", complete + 6, pair);
    EXPECT_EQ(WEFT_OK, load_text(text));
    EXPECT_TEXT("127.0.0.1:7104", config.node.listen_partner);
}

TEST(config, relative_paths_start_at_the_file)
{
    char expected[1100];
    EXPECT_EQ(WEFT_OK, load_text(complete));
    char *base = realpath(test_directory(), NULL);
    (void)snprintf(expected, sizeof(expected), "%s/data/n1", base);
    free(base);
    EXPECT_TEXT(expected, config.node.data);
    EXPECT_TEXT("/etc/n1.key", config.tls.key);
}

TEST(config, every_section_is_read)
{
    EXPECT_EQ(
        WEFT_OK, load_with("link: {peer: nng, client: direct}\n"
                           "limits: {log_bytes: 1 GiB, connections: 65536, cache_bytes: 1048576}\n"
                           "timers:\n  election_ms: 1000\n  heartbeat_ms: 100\n"
                           "log: {level: debug, file: n1.log}\n"
                           "peers: [\"tls+tcp://n2.plant1.example:7102\", '[::1]:7202']\n"));
    EXPECT_EQ(WEFT_LINK_NNG, config.link.peer);
    EXPECT_EQ(WEFT_LINK_DIRECT, config.link.client);
    EXPECT_EQ(1ll << 30, config.limits.log_bytes);
    EXPECT_EQ(65536, config.limits.connections);
    EXPECT_EQ(1 << 20, config.limits.cache_bytes);
    EXPECT_EQ(1000, config.timers.election_ms);
    EXPECT_EQ(WEFT_LOG_DEBUG, config.log.level);
    EXPECT_EQ(2, config.peers.count);
    EXPECT_TEXT("n2.plant1.example:7102", config.peers.endpoints[0]);
    EXPECT_TEXT("[::1]:7202", config.peers.endpoints[1]);
}

TEST(config, what_governs_is_named_or_a_word_says_that_nothing_does)
{
    EXPECT_EQ(WEFT_OK, load_with("policy: {org: /o/org.note, file: /o/policy.note}\n"));
    EXPECT_TEXT("/o/org.note", config.policy.org);
    EXPECT_TEXT("", config.policy.keys);
    EXPECT_TRUE(!config.policy.is_ungoverned);
    EXPECT_EQ(WEFT_OK, load_with("policy: ungoverned\n"));
    EXPECT_TRUE(config.policy.is_ungoverned);
    EXPECT_EQ(WEFT_OK, load_with("policy:\n  mode: ungoverned\n"));
    EXPECT_TRUE(config.policy.is_ungoverned);
    EXPECT_EQ(WEFT_OK, load_with(""));
    EXPECT_TRUE(!config.policy.is_ungoverned);
}

TEST(config, what_is_printed_loads_to_the_same)
{
    EXPECT_EQ(WEFT_OK, load_with("log: {file: \"it's here.log\"}\npeers: [\"h:1\"]\n"));
    struct weft_config first = config;
    char path[1100];
    (void)snprintf(path, sizeof(path), "%s/again.yaml", test_directory());
    FILE *file = fopen(path, "w");
    weft_config_print(&config, file);
    EXPECT_EQ(0, fclose(file));
    EXPECT_EQ(WEFT_OK, weft_config_load(path, &config, &message));
    EXPECT_MEM(&first, &config, sizeof(config));
}

TEST(config, error_names_file_line_and_column)
{
    static const struct {
        const char *more, *place, *reason;
    } cases[] = {
        {"nodes: 1\n", "12:1: ", "unknown key \"nodes\""},
        {"log:\n  levle: info\n", "13:3: ", "unknown key \"levle\" in log; known: level, file"},
        {"log: 5\n", "12:6: ", "MAPPING"},
        {"log:\n  level: [info]\n", "13:", "STRING"},
        {"log:\n  level: loud\n", "13:3: log.level: ", "none of debug"},
        {"log:\n  level: info\n  level: warn\n", "14:3: ", "given twice"},
        {"log:\n  level:\n", "13:3: log.level", "empty value"},
        {"policy: none\n", "12:1: policy", "neither governed nor ungoverned"},
        {"policy: {org: /o}\n", "12:1: policy: ", "come together"},
        {"policy: {org: /o, file: /f, mode: ungoverned}\n", "12:1: policy: ", "mode: ungoverned"},
        {"link: {peer: zeromq}\n", "12:8: link.peer: ", "neither direct nor nng"},
        {"limits: {connections: many}\n", "12:10: limits.connections: ", "whole number"},
        {"limits: {connections: 3}\n", "12:10: ", "not within 4 to 65536"},
        {"limits: {connections: 65537}\n", "12:10: ", "not within 4 to 65536"},
        {"limits: {connections: -4}\n", "12:10: ", "whole number"},
        {"limits: {connections: 4.5}\n", "12:10: ", "whole number"},
        {"limits: {cache_bytes: 64 MB}\n", "12:10: ", "KiB"},
        {"limits: {cache_bytes: 99999999999 TiB}\n", "12:10: ", "whole number"},
        {"limits: {cache_bytes: 99999999999999999999}\n", "12:10: ", "whole number"},
        {"timers: {heartbeat_ms: 126}\n", "12:10: timers.heartbeat_ms: ", "half of election_ms"},
        {"peers: [nowhere]\n", "12:9: peers.0: ", "host:port"},
        {"peers: [\"a:1\", \"b:65536\"]\n", "12:16: peers.1: ", "host:port"},
        {"peers: 5\n", "12:", "SEQUENCE"},
        {"peers: [{a: b}]\n", "12:", "STRING"},
        {"? [a]\n: b\n", "12:3: ", "plain word"},
        {"x: &a 1\ny: *a\n", "13:4: ", "aliases"},
        {"---\nnode: 1\n", "12:1: ", "second document"},
        {"log: {level: info\n", "", "did not find expected"},
        {"log: {level: \"\\0\"}\n", "12:14: ", "zero byte"},
        {"a: {b: {c: {d: {e: 1}}}}\n", "12:", "nested too deeply"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, load_with(cases[i].more));
        expect_place(cases[i].place, cases[i].reason);
    }
}

TEST(config, required_setting_that_is_missing_is_named_with_its_meaning)
{
    EXPECT_EQ(WEFT_EINVAL, load_text("node: {name: n1}\n"));
    expect_place("1:1: node.site is missing: the plant", "");
    EXPECT_EQ(WEFT_EINVAL, load_text(""));
    expect_place("1:1: ", "empty");
    EXPECT_EQ(WEFT_EINVAL, load_text("# nothing\n"));
    EXPECT_EQ(WEFT_EINVAL, load_text("- a\n"));
    expect_place("1:1: ", "mapping of sections");
    EXPECT_EQ(WEFT_EINVAL, load_text("word\n"));
}

TEST(config, doors_that_collide_or_cannot_be_found_are_refused)
{
    char text[2048];
    static const char *const bad[][2] = {
        {"127.0.0.1:7102", "127.0.0.1:7102"},
        {"127.0.0.1:0", "127.0.0.1:7102"},
        {"127.0.0.1:7101", "127.0.0.1:0"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text),
            "node: {name: n, site: s, org: o, data: d, listen_peer: '%s', listen_client: '%s'}\n"
            "tls: {cert: c, key: k, ca: a}\n",
            bad[i][0], bad[i][1]);
        EXPECT_EQ(WEFT_EINVAL, load_text(text));
    }
}

TEST(config, names_follow_the_rules_of_principals)
{
    static const char *const bad[] = {"N1", "n 1", "n/1", "-n", "", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "node: {name: \"%s\"}\n", bad[i]);
        EXPECT_EQ(WEFT_EINVAL, load_text(text));
        expect_place("1:8: node.name", "");
    }
}

TEST(config, file_that_is_absent_unreadable_or_huge_is_refused)
{
    EXPECT_EQ(WEFT_ENOTFOUND, weft_config_load(path_of("absent.yaml"), &config, &message));
    EXPECT_EQ(WEFT_EIO, weft_config_load(test_directory(), &config, &message));
    size_t size = 300 * 1024;
    char *text = malloc(size);
    memset(text, '#', size);
    write_file(path_of("weftd.yaml"), text, size);
    EXPECT_EQ(WEFT_EINVAL, weft_config_load(path_of("weftd.yaml"), &config, &message));
    free(text);
}

TEST(config, random_bytes_never_load)
{
    char path[1100];
    (void)snprintf(path, sizeof(path), "%s", path_of("weftd.yaml"));
    for (int round = 0; round < 300; round++) {
        char text[sizeof(complete)];
        memcpy(text, complete, sizeof(complete));
        for (int i = 0; i < 3; i++) {
            text[test_random(sizeof(complete) - 1)] = (char)(1 + test_random(255));
        }
        write_file(path, text, sizeof(complete) - 1);
        enum weft_err err = weft_config_load(path, &config, &message);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_EINVAL);
    }
    for (int round = 0; round < 100; round++) {
        char text[64];
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (char)test_random(256);
        }
        write_file(path, text, sizeof(text));
        EXPECT_EQ(WEFT_EINVAL, weft_config_load(path, &config, &message));
    }
}

TEST(config, key_that_others_can_read_is_refused)
{
    EXPECT_EQ(WEFT_OK, load_text(complete));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_config_check_files(&config, &message));
    (void)snprintf(config.tls.ca, sizeof(config.tls.ca), "%s", path_of("ca.crt"));
    write_file(config.tls.ca, "x", 1);
    (void)snprintf(config.tls.cert, sizeof(config.tls.cert), "%s", path_of("n1.crt"));
    write_file(config.tls.cert, "x", 1);
    (void)snprintf(config.tls.key, sizeof(config.tls.key), "%s", path_of("n1.key"));
    write_file(config.tls.key, "x", 1);
    EXPECT_EQ(0, chmod(config.tls.key, 0640));
    EXPECT_EQ(WEFT_EINVAL, weft_config_check_files(&config, &message));
    EXPECT_TRUE(strstr(message.text, "0640") != NULL);
    EXPECT_EQ(0, chmod(config.tls.key, 0600));
    EXPECT_EQ(WEFT_OK, weft_config_check_files(&config, &message));
}

TEST(config, reload_admits_what_it_takes_over_and_nothing_that_takes_a_restart)
{
    EXPECT_EQ(WEFT_OK, load_text(complete));
    struct weft_config old = config;
    EXPECT_EQ(WEFT_OK, load_with("log: {level: debug}\nlimits: {requests: 7}\n"));
    EXPECT_EQ(WEFT_OK, weft_config_check_reload(&old, &config, &message));
    EXPECT_EQ(WEFT_OK, load_with("timers: {election_ms: 400}\n"));
    EXPECT_EQ(WEFT_ESTATE, weft_config_check_reload(&old, &config, &message));
    EXPECT_TRUE(strstr(message.text, "timers.election_ms") != NULL);
    /* What these files hold is read again; other files are not looked at until the next start. */
    EXPECT_EQ(WEFT_OK, load_with("log: {file: other.log}\n"));
    EXPECT_EQ(WEFT_ESTATE, weft_config_check_reload(&old, &config, &message));
    config = old;
    (void)snprintf(config.tls.cert, sizeof(config.tls.cert), "other.crt");
    EXPECT_EQ(WEFT_ESTATE, weft_config_check_reload(&old, &config, &message));
    EXPECT_TRUE(strstr(message.text, "tls.cert") != NULL);
}

TEST(config, address_forms)
{
    char address[WEFT_ADDRESS_SIZE_MAX + 1];
    EXPECT_EQ(WEFT_OK, weft_config_parse_address("tls+tcp://127.0.0.1:7102", address, &message));
    EXPECT_TEXT("127.0.0.1:7102", address);
    EXPECT_EQ(WEFT_OK, weft_config_parse_address("[fe80::1]:0", address, &message));
    EXPECT_EQ(WEFT_OK, weft_config_parse_address("n1.plant1.example:65535", address, &message));
    static const char *const bad[] = {"", "host", "host:", ":1", "host:65536", "host:-1", "host:+1",
        "host: 1", "host:1x", "http://h.example:1", "::1:80", "a b:1", "[::1]", "[]:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_config_parse_address(bad[i], address, &message));
    }
}

TEST(config, sample_of_the_house_loads)
{
    EXPECT_EQ(WEFT_OK, weft_config_load(WEFT_SAMPLE_CONFIG, &config, &message));
    EXPECT_TEXT("n1", config.node.name);
}
