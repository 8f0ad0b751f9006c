#include "options_internal.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/miner/miner.h"

#include <criterion/criterion.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 600
#define KEPT_MAX  16

/* What good() handed out, to be released when the test ends. */
static ez_options kept[KEPT_MAX];
static size_t kept_count;

static void release(void)
{
    while (kept_count > 0) {
        ez_options_clear(&kept[--kept_count]);
    }
}

TestSuite(options, .fini = release);

/* Reads a command line written as words ("--peer a:1 --mine"), which stay until the next call. */
static ez_status read_options(ez_options *out, ez_complaint *why, const char *words,
                              char *const *environment)
{
    static char copy[8192], program[] = "ezp2p";
    static char *argv[WORDS_MAX];
    char *rest = NULL;
    int argc = 0;
    cr_assert_lt(strlen(words), sizeof copy);
    memcpy(copy, words, strlen(words) + 1);
    argv[argc++] = program;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        cr_assert_lt(argc, WORDS_MAX - 1);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    why->text[0] = '\0';
    return ez_options_read(out, why, argc, argv, environment);
}

static char *const home_only[] = {(char[]){"HOME=/home/ada"}, NULL};

static ez_options good(const char *words, char *const *environment)
{
    ez_options options;
    ez_complaint why;
    cr_assert_eq(read_options(&options, &why, words, environment), EZ_OK, "%s", why.text);
    cr_assert_lt(kept_count, KEPT_MAX);
    kept[kept_count++] = options;
    return options;
}

/* The complaint about a command line that must not be accepted. */
static ez_complaint bad(const char *words, char *const *environment)
{
    ez_options options;
    ez_complaint why;
    cr_assert_eq(read_options(&options, &why, words, environment), EZ_ERR_CONFIG, "%s", words);
    ez_options_clear(&options);
    return why;
}

static void check_text(const char *actual, const char *expected)
{
    cr_assert_str_eq(actual, expected);
}

static const char *config_file(const char *content)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ezp2p-options-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    return path;
}

/* The complaint about a file; its name is cut off, so that what is left starts with the line. */
static const char *bad_file(const char *content)
{
    static ez_complaint why;
    char words[128];
    const char *path = config_file(content);
    snprintf(words, sizeof words, "--config %s", path);
    why = bad(words, home_only);
    unlink(path);
    cr_assert_eq(strncmp(why.text, path, strlen(path)), 0, "%s", why.text);
    return why.text + strlen(path);
}

static ez_options good_file(const char *content, const char *words, char *const *environment)
{
    char all[1024];
    const char *path = config_file(content);
    snprintf(all, sizeof all, "--config %s %s", path, words);
    ez_options options = good(all, environment);
    unlink(path);
    return options;
}

Test(options, defaults_are_those_of_the_manual)
{
    ez_options o = good("", home_only);
    cr_assert(o.listening && o.http_on);
    check_text(ez_endpoint_text(&o.listen).text, "0.0.0.0:7333");
    check_text(ez_endpoint_text(&o.http).text, "127.0.0.1:5000");
    check_text(o.data_dir, "/home/ada/.local/share/ezp2p");
    check_text(o.network.name, "classic");
    cr_assert_eq(o.mine_threads, 0);
    cr_assert_eq(o.mine_rate, 0);
    cr_assert_eq(o.outbound, 8);
    cr_assert_eq(o.inbound, 64);
    cr_assert_eq(o.log_level, EZ_LOG_INFO);
    cr_assert_eq(o.log_style, EZ_LOG_STYLE_TEXT);
    cr_assert_eq(o.peer_count, 0);
    cr_assert_null(o.command);
}

Test(options, data_directory_follows_the_xdg_specification)
{
    char *const absolute[] = {(char[]){"XDG_DATA_HOME=/var/x"}, (char[]){"HOME=/home/ada"}, NULL};
    char *const relative[] = {(char[]){"XDG_DATA_HOME=var/x"}, (char[]){"HOME=/home/ada"}, NULL};
    char *const empty[] = {(char[]){"XDG_DATA_HOME="}, (char[]){"HOME=/home/ada"}, NULL};
    char *const none[] = {NULL};
    check_text(good("", absolute).data_dir, "/var/x/ezp2p");
    check_text(good("", relative).data_dir, "/home/ada/.local/share/ezp2p");
    check_text(good("", empty).data_dir, "/home/ada/.local/share/ezp2p");
    check_text(good("--data-dir here", none).data_dir, "here");
    const struct passwd *user = getpwuid(getuid()); /* no environment, as under a service manager */
    cr_assert(user != NULL);
    ez_options alone = good("", none);
    cr_expect(strncmp(alone.data_dir, user->pw_dir, strlen(user->pw_dir)) == 0);
}

Test(options, flags_are_read)
{
    ez_options o = good("--peer a.example:1 --peer [::1]:65535 --listen off --http [::]:0 "
                        "--http-name ezp2p.example --data-dir=/d --mine=3 --mine-rate 5 "
                        "--outbound 0 --inbound 1024 --relay inv --log-level trace "
                        "--log-format json --log-file /l --network classic",
                        home_only);
    cr_assert_eq(o.peer_count, 2);
    check_text(o.peers[0].host, "a.example");
    cr_assert_eq(o.peers[0].port, 1);
    check_text(o.peers[1].host, "::1");
    cr_assert_eq(o.peers[1].port, 65535);
    cr_assert(!o.listening && o.http_on);
    check_text(ez_endpoint_text(&o.http).text, "[::]:0");
    cr_assert_eq(o.http_name_count, 1);
    check_text(o.http_names[0], "ezp2p.example");
    cr_assert_eq(o.mine_threads, 3);
    cr_assert_eq(o.mine_rate, 5);
    cr_assert_eq(o.outbound, 0);
    cr_assert_eq(o.inbound, 1024);
    cr_assert_eq(o.log_level, EZ_LOG_TRACE);
    cr_assert_eq(o.log_style, EZ_LOG_STYLE_JSON);
    check_text(o.log_file, "/l");
}

Test(options, mine_alone_means_one_thread)
{
    cr_assert_eq(good("--mine", home_only).mine_threads, 1);
    cr_assert_eq(good("--mine=on", home_only).mine_threads, 1);
    cr_assert_eq(good("--mine --mine=off", home_only).mine_threads, 0);
    cr_assert_eq(good("--mine=256", home_only).mine_threads, EZ_MINER_THREADS_MAX);
    check_text(bad("--mine=257", home_only).text,
               "--mine: expected `on`, `off` or a number of threads up to 256, not `257`");
}

Test(options, numbers_are_held_to_their_range)
{
    cr_assert_eq(good("--outbound 128", home_only).outbound, EZ_OUTBOUND_MAX);
    check_text(bad("--outbound 129", home_only).text,
               "--outbound: expected a whole number from 0 to 128, not `129`");
    check_text(bad("--inbound 1025", home_only).text,
               "--inbound: expected a whole number from 0 to 1024, not `1025`");
    static const char *const nonsense[] = {"-1",   "+1",  "1.5",
                                           "0x10", "1e3", "99999999999999999999"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        char words[64];
        snprintf(words, sizeof words, "--inbound=%s", nonsense[i]);
        bad(words, home_only);
        snprintf(words, sizeof words, "--mine-rate=%s", nonsense[i]);
        bad(words, home_only);
    }
    bad("--inbound=", home_only);
    cr_assert_eq(good("--mine-rate 1", home_only).mine_rate, 1);
    cr_assert_eq(good("--mine-rate unlimited", home_only).mine_rate, 0);
    cr_assert_eq(good("--mine-rate 1000000000000", home_only).mine_rate, 1000000000000);
    bad("--mine-rate 1000000000001", home_only);
    bad("--mine-rate 0", home_only);
}

Test(options, peers_need_a_host_and_a_port)
{
    static const char *const wrong[] = {"a", "a:", ":1", "a:0", "a:65536", "::1:7333", "a b:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char words[64];
        snprintf(words, sizeof words, "--peer=%s", wrong[i]);
        bad(words, home_only);
    }
    char many[EZ_MANUAL_PEERS_MAX * 16 + 64] = "";
    for (int i = 0; i < EZ_MANUAL_PEERS_MAX; i++) {
        char one[24];
        snprintf(one, sizeof one, "--peer=h:%d ", i + 1);
        memcpy(many + strlen(many), one, strlen(one) + 1);
    }
    cr_assert_eq(good(many, home_only).peer_count, EZ_MANUAL_PEERS_MAX);
    memcpy(many + strlen(many), "--peer=h:9", sizeof "--peer=h:9");
    cr_assert(strstr(bad(many, home_only).text, "at most 256 peers") != NULL);
}

Test(options, http_names_have_no_port)
{
    bad("--http-name a:1", home_only);
    bad("--http-name a/b", home_only);
    bad("--http-name=", home_only);
    char longest[EZ_HOST_NAME_BYTES_MAX + 2], words[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[EZ_HOST_NAME_BYTES_MAX + 1] = '\0';
    snprintf(words, sizeof words, "--http-name %s", longest);
    bad(words, home_only);
    snprintf(words, sizeof words, "--http-name %s", longest + 1);
    cr_assert_eq(good(words, home_only).http_name_count, 1);
}

Test(options, names_that_this_version_does_not_have_are_refused_in_words)
{
    check_text(bad("--network main", home_only).text,
               "--network: expected the name of a network; this version knows `classic` only, not "
               "`main`");
    check_text(bad("--relay pigeon", home_only).text,
               "--relay: expected `flood`, `inv`, `tree` or `fanout`, not `pigeon`");
    bad("--log-level loud", home_only);
    bad("--log-format xml", home_only);
    bad("--listen localhost:1", home_only);
}

Test(options, unknown_flags_are_named)
{
    check_text(bad("--minr", home_only).text, "--minr: no such option, see --help");
    check_text(bad("--peer", home_only).text, "--peer: a value is missing");
    check_text(bad("-x", home_only).text, "-x: no such option, see --help");
    check_text(bad("--version=1", home_only).text, "--version=1: no such option, see --help");
}

Test(options, values_in_complaints_are_escaped)
{
    check_text(bad("--log-level \033[31mred", home_only).text,
               "--log-level: expected `error`, `warn`, `info`, `debug` or `trace`, not "
               "`\\x1b[31mred`");
    bad("--data-dir a\nb", home_only);
}

Test(options, environment_gives_values)
{
    char *const environment[] = {(char[]){"HOME=/h"},
                                 (char[]){"EZP2P_MINE_RATE=7"},
                                 (char[]){"EZP2P_PEER=a:1,b:2, [::1]:3"},
                                 (char[]){"EZP2P_MINE=2"},
                                 (char[]){"EZP2P_LISTEN="},
                                 (char[]){"OTHER=x"},
                                 NULL};
    ez_options o = good("", environment);
    cr_assert_eq(o.mine_rate, 7);
    cr_assert_eq(o.mine_threads, 2);
    cr_assert_eq(o.peer_count, 3);
    check_text(o.peers[2].host, "::1");
    check_text(ez_endpoint_text(&o.listen).text, "0.0.0.0:7333");
}

Test(options, bad_variables_are_named)
{
    static const char *const wrong[] = {
        "EZP2P_MINERATE=1",  "EZP2P_mine_rate=1",
        "EZP2P_=1",          "EZP2P_HELP=1",
        "EZP2P_MINE-RATE=1", "EZP2P_A_NAME_THAT_IS_LONGER_THAN_ANY_OPTION_IS=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "%s", wrong[i]);
        char *const environment[] = {variable, (char[]){"HOME=/h"}, NULL};
        ez_complaint why = bad("", environment);
        cr_assert(strstr(why.text, "in the environment: no such option") != NULL, "%s", why.text);
        cr_assert_eq(strncmp(why.text, wrong[i], strcspn(wrong[i], "=")), 0, "%s", why.text);
    }
    char *const value[] = {(char[]){"EZP2P_INBOUND=x"}, NULL};
    check_text(bad("", value).text,
               "EZP2P_INBOUND: expected a whole number from 0 to 1024, not `x`");
}

Test(options, file_gives_values)
{
    ez_options o = good_file("# a comment\n"
                             "peer = a:1\n"
                             "\n"
                             "  peer = b:2   ; indented, with a comment behind\n"
                             "mine = yes\n"
                             "log-level=debug\r\n"
                             "data-dir = /with a space\n",
                             "", home_only);
    cr_assert_eq(o.peer_count, 2);
    check_text(o.peers[1].host, "b");
    cr_assert_eq(o.mine_threads, 1);
    cr_assert_eq(o.log_level, EZ_LOG_DEBUG);
    check_text(o.data_dir, "/with a space");
}

Test(options, bad_lines_are_named_by_their_number)
{
    check_text(bad_file("mine = on\n\nminr = 1\n"), ":3: minr: no such option, see --help");
    check_text(bad_file("inbound = x\n"),
               ":1: inbound: expected a whole number from 0 to 1024, not `x`");
    check_text(bad_file("# one\nmine = on\njust words\n"), ":3: expected `name = value`");
    check_text(bad_file("[section]\nmine = on\n"), ":2: mine: options do not stand in a [section]");
    check_text(bad_file("config = other\n"), ":1: config: no such option, see --help");
    check_text(bad_file("help = yes\n"), ":1: help: no such option, see --help");
    check_text(bad_file("inbound = 1\nmine = on\n inbound = 2000\n"),
               ":3: inbound: expected a whole number from 0 to 1024, not `2000`");
}

Test(options, the_longest_line_is_read_and_one_longer_is_refused)
{
    char line[256];
    memset(line, 'x', sizeof line);
    memcpy(line, "data-dir = /", 12);
    memcpy(line + 199, "\nmine = on\n", 12);
    ez_options o = good_file(line, "", home_only);
    cr_assert_eq(strlen(o.data_dir), 199 - 11);
    cr_assert_eq(o.mine_threads, 1);
    line[199] = 'x';
    memcpy(line + 200, "\nmine = on\n", 12);
    check_text(bad_file(line), ":1: a line is at most 199 bytes long");
    line[200] = '\0'; /* without a newline at the end */
    check_text(bad_file(line), ":1: a line is at most 199 bytes long");
}

Test(options, a_file_that_is_not_there_is_an_error)
{
    check_text(bad("--config /nowhere/ezp2p.conf", home_only).text,
               "/nowhere/ezp2p.conf: No such file or directory");
    bad("--config /", home_only);
}

Test(options, flag_beats_environment_beats_file)
{
    static const char file[] = "inbound = 1\noutbound = 1\nmine-rate = 1\npeer = f:1\n";
    char *const environment[] = {(char[]){"HOME=/h"}, (char[]){"EZP2P_OUTBOUND=2"},
                                 (char[]){"EZP2P_MINE_RATE=2"}, (char[]){"EZP2P_PEER=e:1,e:2"},
                                 NULL};
    ez_options o = good_file(file, "--mine-rate 3", environment);
    cr_assert_eq(o.inbound, 1);
    cr_assert_eq(o.outbound, 2);
    cr_assert_eq(o.mine_rate, 3);
    cr_assert_eq(o.peer_count, 2, "a list in a stronger place replaces the weaker");
    check_text(o.peers[0].host, "e");
    o = good_file(file, "--peer c:1", environment);
    cr_assert_eq(o.peer_count, 1);
    check_text(o.peers[0].host, "c");
}

Test(options, a_bad_value_is_an_error_even_where_a_stronger_place_overrides_it)
{
    char *const environment[] = {(char[]){"HOME=/h"}, (char[]){"EZP2P_INBOUND=many"}, NULL};
    bad("--inbound 1", environment);
}

Test(options, environment_can_name_the_file)
{
    char variable[128];
    const char *path = config_file("inbound = 17\n");
    snprintf(variable, sizeof variable, "EZP2P_CONFIG=%s", path);
    char *const environment[] = {(char[]){"HOME=/h"}, variable, NULL};
    cr_assert_eq(good("", environment).inbound, 17);
    unlink(path);
}

Test(options, printed_options_read_back_as_the_same)
{
    ez_options o =
        good("--peer a:1 --peer [2001:db8::1]:2 --listen off --http [::1]:5 --http-name n "
             "--data-dir /d --mine=4 --mine-rate 9 --outbound 3 --inbound 4 "
             "--log-level warn --log-format json --log-file /l --record /r --record-size 8 "
             "--stop-with 77",
             home_only);
    ez_buffer first = {0}, second = {0};
    ez_options_print(&o, &first);
    ez_buffer_add_u8(&first, 0);
    ez_options again = good_file((const char *)first.data, "", home_only);
    ez_options_print(&again, &second);
    ez_buffer_add_u8(&second, 0);
    check_text((const char *)second.data, (const char *)first.data);
    check_text((const char *)first.data, "peer = a:1\npeer = [2001:db8::1]:2\nlisten = off\n"
                                         "http = [::1]:5\nhttp-name = n\ndata-dir = /d\n"
                                         "network = classic\nmine = 4\nmine-rate = 9\n"
                                         "outbound = 3\ninbound = 4\nrelay = tree\n"
                                         "log-level = warn\nlog-format = json\nlog-file = /l\n"
                                         "record = /r\nrecord-size = 8\nstop-with = 77\n");
    ez_buffer_clear(&first);
    ez_buffer_clear(&second);
}

Test(options, words_that_are_no_options_are_the_command)
{
    ez_options o = good("--inbound 3 verify --data-dir /d more", home_only);
    check_text(o.command, "verify");
    cr_assert_eq(o.operand_count, 1);
    check_text(o.operands[0], "more");
    check_text(o.data_dir, "/d");
}

Test(options, help_is_given_whatever_else_is_wrong)
{
    char *const environment[] = {(char[]){"EZP2P_NONSENSE=1"}, NULL};
    cr_assert_eq(good("--help --inbound x", environment).action, EZ_ACTION_HELP);
    cr_assert_eq(good("--version --check-config", environment).action, EZ_ACTION_VERSION);
    cr_assert_eq(good("--print-limits", environment).action, EZ_ACTION_PRINT_LIMITS);
    bad("--check-config", environment);
}

Test(options, help_names_every_option)
{
    ez_buffer text = {0};
    ez_options_help(&text);
    ez_buffer_add_u8(&text, 0);
    for (size_t i = 0; i < EZ_OPTION_COUNT; i++) {
        char flag[40];
        snprintf(flag, sizeof flag, "--%s", ez_option_specs[i].name);
        cr_assert(strstr((const char *)text.data, flag) != NULL, "%s", flag);
        cr_assert_not_null(ez_option_specs[i].help);
    }
    ez_buffer_clear(&text);
}
