#include "data_dir_internal.h"

#include "ezp2p/base/text.h"
#include "ezp2p/crypto/key_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void setup(void)
{
    cr_assert_eq(ez_crypto_init(), EZ_OK);
    snprintf(folder, sizeof folder, "/tmp/ezp2p-data-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
    static const char *const names[] = {"key", "http-token", "endpoints.json", "lock", ".key.new"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

TestSuite(data_dir, .init = setup, .fini = teardown);

static ez_data_dir *open_dir(void)
{
    ez_data_dir *dir;
    cr_assert_eq(ez_data_dir_open(&dir, folder, NULL), EZ_OK);
    return dir;
}

static void put(const char *name, const char *content, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs(content, file);
    fclose(file);
    chmod(path, mode);
}

static size_t get(const char *name, char out[4096])
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(out, 1, 4095, file);
    out[size] = '\0';
    fclose(file);
    return size;
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static mode_t file_mode(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return mode_of(path);
}

Test(data_dir, directories_are_made_for_their_owner_alone)
{
    char deep[128];
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    ez_data_dir *dir;
    cr_assert_eq(ez_data_dir_open(&dir, deep, NULL), EZ_OK);
    cr_assert_eq(mode_of(deep), 0700);
    char *lock = ez_data_dir_file(dir, "lock");
    ez_data_dir_close(dir);
    unlink(lock);
    free(lock);
    rmdir(deep);
    *strrchr(deep, '/') = '\0';
    cr_assert_eq(mode_of(deep), 0700);
    rmdir(deep);
}

Test(data_dir, a_second_holder_is_turned_away_until_the_first_is_gone)
{
    ez_data_dir *first = open_dir(), *second;
    char holder[4096];
    cr_assert_gt(get("lock", holder), 0);
    cr_assert_eq(strtol(holder, NULL, 10), (long)getpid());
    cr_assert_eq(ez_data_dir_open(&second, folder, NULL), EZ_ERR_IN_USE);
    cr_assert_null(second);
    ez_data_dir_close(first);
    second = open_dir();
    ez_data_dir_close(second);
    ez_data_dir_close(NULL);
}

Test(data_dir, a_file_in_place_of_the_directory_is_an_error)
{
    char path[128];
    put("lock", "", 0600);
    snprintf(path, sizeof path, "%s/lock", folder);
    ez_data_dir *dir;
    cr_assert_eq(ez_data_dir_open(&dir, path, NULL), EZ_ERR_IO);
    snprintf(path, sizeof path, "%s/lock/below", folder);
    cr_assert_eq(ez_data_dir_open(&dir, path, NULL), EZ_ERR_IO);
}

Test(data_dir, key_is_made_once_and_secret)
{
    ez_data_dir *dir = open_dir();
    ez_keypair first, second;
    cr_assert_eq(ez_data_dir_key(dir, &first), EZ_OK);
    cr_assert_eq(file_mode("key"), 0600);
    cr_assert_eq(ez_data_dir_key(dir, &second), EZ_OK);
    cr_assert(ez_public_key_is_equal(&first.public_key, &second.public_key));
    char text[4096];
    uint8_t seed[EZ_SEED_BYTES];
    cr_assert_eq(ez_key_file_parse(seed, text, get("key", text)), EZ_OK);
    ez_keypair_from_seed(&second, seed);
    cr_assert(ez_public_key_is_equal(&first.public_key, &second.public_key));
    ez_data_dir_close(dir);
}

Test(data_dir, a_damaged_key_is_never_replaced)
{
    static const char *const damaged[] = {"", "ezp2p-secret-key-1 00\n", "hello\n"};
    ez_data_dir *dir = open_dir();
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        ez_keypair pair;
        char text[4096] = "";
        put("key", damaged[i], 0600);
        cr_assert_eq(ez_data_dir_key(dir, &pair), EZ_ERR_CORRUPT);
        get("key", text);
        cr_assert_str_eq(text, damaged[i]);
    }
    ez_data_dir_close(dir);
}

Test(data_dir, a_readable_secret_is_closed)
{
    ez_data_dir *dir = open_dir();
    ez_keypair pair;
    char text[EZ_KEY_FILE_BYTES + 1];
    ez_key_file_format(text, (const uint8_t[EZ_SEED_BYTES]){1, 2, 3});
    put("key", text, 0644);
    cr_assert_eq(ez_data_dir_key(dir, &pair), EZ_OK);
    cr_assert_eq(file_mode("key"), 0600);
    ez_data_dir_close(dir);
}

Test(data_dir, a_left_over_of_a_crash_does_not_matter)
{
    ez_data_dir *dir = open_dir();
    ez_keypair pair;
    put(".key.new", "half", 0666);
    cr_assert_eq(ez_data_dir_key(dir, &pair), EZ_OK);
    cr_assert_eq(file_mode("key"), 0600);
    ez_data_dir_close(dir);
}

Test(data_dir, token_is_made_once_and_checked)
{
    ez_data_dir *dir = open_dir();
    char first[EZ_TOKEN_TEXT_BYTES], second[EZ_TOKEN_TEXT_BYTES];
    uint8_t bytes[32];
    cr_assert_eq(ez_data_dir_token(dir, first), EZ_OK);
    cr_assert(ez_hex_decode(bytes, sizeof bytes, first));
    cr_assert_eq(file_mode("http-token"), 0600);
    cr_assert_eq(ez_data_dir_token(dir, second), EZ_OK);
    cr_assert_str_eq(second, first);
    put("http-token", first, 0600); /* as an editor without a final newline leaves it */
    cr_assert_eq(ez_data_dir_token(dir, second), EZ_OK);
    cr_assert_str_eq(second, first);
    first[63] = 'g';
    put("http-token", first, 0600);
    cr_assert_eq(ez_data_dir_token(dir, second), EZ_ERR_CORRUPT);
    put("http-token", "abc\n", 0600);
    cr_assert_eq(ez_data_dir_token(dir, second), EZ_ERR_CORRUPT);
    put("http-token", "", 0600);
    cr_assert_eq(ez_data_dir_token(dir, second), EZ_ERR_CORRUPT);
    ez_data_dir_close(dir);
}

Test(data_dir, endpoints_are_shown_as_a_local_program_dials_them)
{
    ez_data_dir *dir = open_dir();
    ez_endpoints endpoints = {.has_p2p = true, .has_http = false, .node = "ez1test"};
    char expected[256], text[4096];
    cr_assert(ez_endpoint_parse(&endpoints.p2p, "0.0.0.0:7333"));
    cr_assert_eq(ez_data_dir_put_endpoints(dir, &endpoints), EZ_OK);
    get("endpoints.json", text);
    snprintf(expected, sizeof expected,
             "{\"p2p\":\"127.0.0.1:7333\",\"http\":null,\"node\":\"ez1test\",\"pid\":%ld}\n",
             (long)getpid());
    cr_assert_str_eq(text, expected);
    cr_assert(ez_endpoint_parse(&endpoints.p2p, "[::]:1"));
    cr_assert_str_eq(ez_endpoints_text(&endpoints.p2p).text, "[::1]:1");
    cr_assert(ez_endpoint_parse(&endpoints.p2p, "192.0.2.1:1"));
    cr_assert_str_eq(ez_endpoints_text(&endpoints.p2p).text, "192.0.2.1:1");
    ez_data_dir_remove_endpoints(dir);
    cr_assert_eq(get("endpoints.json", text), 0);
    ez_data_dir_close(dir);
}

Test(data_dir, endpoints_of_a_killed_node_are_removed_by_the_next_holder_only)
{
    char text[4096];
    ez_data_dir *dir = open_dir(), *second;
    put("endpoints.json", "{}", 0644);
    cr_assert_eq(ez_data_dir_open(&second, folder, NULL), EZ_ERR_IN_USE);
    cr_assert_gt(get("endpoints.json", text), 0, "a refused node must not touch the file");
    ez_data_dir_close(dir);
    dir = open_dir();
    cr_assert_eq(get("endpoints.json", text), 0);
    ez_data_dir_close(dir);
}
