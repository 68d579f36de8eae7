#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "keeper.h"

#include "check.h"

#include <unistd.h>

enum { SIZE = 64 << 20 };

/* Written, let go of by kernels that settle, and there again. */
static void test_nothing_is_lost(void)
{
    FILE *file = tmpfile();
    jc_keeper *keeper;
    void *memory;
    CHECK(file && ftruncate(fileno(file), SIZE) == 0);
    jc_status status = jc_keeper_new((size_t) 1 << 40, &keeper);
    if (status == JC_BAD_ARGUMENT) return; /* not Linux */
    CHECK(status == JC_OK);
    CHECK(jc_keeper_map(keeper, fileno(file), SIZE, 1, &memory) == JC_OK);
    uint32_t *words = memory;
    for (uint32_t k = 0; k < SIZE / sizeof *words; k++)
        words[k] = k * 2654435761u;
    const size_t before = jc_keeper_resident(keeper);
    CHECK(before > SIZE);
    jc_settle(1 << 20); /* no keeper in use */
    CHECK(jc_keeper_resident(keeper) > SIZE);
    CHECK(!jc_is_kept());
    jc_keeper_use(keeper);
    CHECK(jc_is_kept());
    jc_keeper_set(keeper, 1);
    jc_settle(1 << 20);
    CHECK(jc_keeper_resident(keeper) < before - SIZE / 2);
    CHECK(words[SIZE / sizeof *words - 1] == (uint32_t) (SIZE / sizeof *words - 1) * 2654435761u);
    jc_keeper_let_go(keeper);
    int wrong = 0;
    for (uint32_t k = 0; k < SIZE / sizeof *words; k++)
        wrong += words[k] != k * 2654435761u;
    CHECK(wrong == 0);
    jc_keeper_use(NULL);
    jc_keeper_unmap(keeper, memory);
    CHECK(jc_keeper_map(keeper, fileno(file), SIZE, 0, &memory) == JC_OK);
    CHECK(((const uint32_t *) memory)[1] == 2654435761u);
    jc_keeper_unmap(keeper, memory);
    REFUSED(jc_keeper_map(keeper, fileno(file), 0, 0, &memory));
    REFUSED(jc_keeper_map(keeper, -1, SIZE, 0, &memory));
    jc_keeper_free(keeper);
    jc_keeper_free(NULL);
    fclose(file);
}

/* Memory that is undone while the thread lets go of it. */
static void test_many_mappings_come_and_go(void)
{
    jc_keeper *keeper;
    void *memory[40];
    FILE *file = tmpfile();
    CHECK(file && ftruncate(fileno(file), 1 << 16) == 0);
    if (jc_keeper_new(1, &keeper) != JC_OK) return;
    for (int turn = 0; turn < 20; turn++) {
        for (int k = 0; k < 40; k++) {
            CHECK(jc_keeper_map(keeper, fileno(file), 1 << 16, 1, memory + k) == JC_OK);
            ((volatile unsigned char *) memory[k])[turn] = (unsigned char) turn;
        }
        for (int k = 0; k < 40; k++)
            CHECK(((volatile unsigned char *) memory[k])[turn] == turn);
        for (int k = 0; k < 40; k++)
            jc_keeper_unmap(keeper, memory[k]);
    }
    jc_keeper_free(keeper);
    fclose(file);
}

static void test_room_on_the_disk(void)
{
    FILE *file = tmpfile();
    CHECK(file && !jc_reserve(-1, 100));
    if (jc_reserve(fileno(file), 100)) /* not on every file system */
        CHECK(fseek(file, 0, SEEK_END) == 0 && ftell(file) == 100);
    fclose(file);
}

static void test_pages(void)
{
    for (size_t bytes = 0; bytes < (size_t) 5 << 20; bytes = 2 * bytes + 12345) {
        unsigned char *room = jc_pages(bytes);
        CHECK(room);
        memset(room, 7, bytes);
        free(room);
    }
}

int main(void)
{
    test_room_on_the_disk();
    test_pages();
    test_nothing_is_lost();
    test_many_mappings_come_and_go();
    return finish();
}
