/* Runs a fuzz target once over every file given, and over every file of the directories given, in
 * order of their names. Fails when there was none: a corpus that went missing must not pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size + 1);

    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return data;
}

/* The target gets a block of exactly the input's size, so that a sanitizer sees a read past it. */
static void replay_file(const char *path, size_t size)
{
    uint8_t *data = read_file(path, size);
    uint8_t *exact = malloc(size > 0 ? size : 1);

    if (exact == NULL) {
        perror(path);
        exit(1);
    }
    memcpy(exact, data, size);
    free(data);
    if (LLVMFuzzerTestOneInput(exact, size) != 0) {
        fprintf(stderr, "%s: refused\n", path);
        exit(1);
    }
    free(exact);
}

static size_t replay(const char *path);

static size_t replay_directory(const char *path)
{
    struct dirent **names;
    size_t count = 0;
    int name_count = scandir(path, &names, NULL, alphasort);

    if (name_count < 0) {
        perror(path);
        exit(1);
    }
    for (int i = 0; i < name_count; i++) {
        char child[4096];
        int length = snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof child) {
            fprintf(stderr, "%s: path too long\n", path);
            exit(1);
        }
        if (names[i]->d_name[0] != '.') {
            count += replay(child);
        }
        free(names[i]);
    }
    free(names);
    return count;
}

static size_t replay(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        perror(path);
        exit(1);
    }
    if (S_ISDIR(status.st_mode)) {
        return replay_directory(path);
    }
    replay_file(path, (size_t)status.st_size);
    return 1;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        count += replay(argv[i]);
    }
    printf("%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
