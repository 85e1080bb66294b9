/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main function of a fuzz target where there is no libFuzzer: feeds it each of its seeds once, so that what a fuzzer
 * once found stays tested in every build. The program fuzz_NAME reads tests/fuzz/seeds/NAME, or the folders that are its arguments.
 * Speaks TAP.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;

	if (f && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size >= 0) {
		rewind(f);
		data = xmalloc((size_t)size + 1);
		size = (long)fread(data, 1, (size_t)size, f);
		uint8_t *exact = xmalloc((size_t)size); /* so that the sanitizers see a read beyond the end */
		memcpy(exact, data, (size_t)size);
		LLVMFuzzerTestOneInput(exact, (size_t)size);
		free(exact);
	}
	if (f)
		fclose(f);
	free(data);
	free(path);
	return size >= 0;
}

/* How many there are; before: how many came before them. */
static int replay_folder(const char *folder, int before)
{
	DIR *seeds = opendir(folder);
	int count = 0;

	for (struct dirent *entry; seeds && (entry = readdir(seeds));) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		printf("%s %d - %s\n", replay(folder, entry->d_name) ? "ok" : "not ok", before + count, entry->d_name);
		fflush(stdout);
	}
	if (seeds)
		closedir(seeds);
	if (count > 0)
		return count;
	printf("not ok %d - no seeds in %s\n", before + 1, folder);
	return 1;
}

int main(int argc, char **argv)
{
	const char *source = getenv("SRCDIR"), *target = argc ? strstr(argv[0], "fuzz_") : NULL;
	char *folder =
		xasprintf("%s/tests/fuzz/seeds/%s", source ? source : ".", target ? target + strlen("fuzz_") : "");
	int count = 0;

	if (argc <= 1)
		count = replay_folder(folder, 0);
	for (int i = 1; i < argc; i++)
		count += replay_folder(argv[i], count);
	printf("1..%d\n", count);
	free(folder);
	return 0;
}
