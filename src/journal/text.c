/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/terminal.h"
#include "etf/utf8.h"

enum { FORM_MAX = 8 };

/* A character as it stands within a string; the file may be looked at with cat, too. */
static size_t form_of(uint32_t c, const uint8_t *bytes, size_t len, char form[FORM_MAX])
{
	if (c == '\n' || c == '\t' || c == '"' || c == '\\')
		return (size_t)snprintf(form, FORM_MAX, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : (char)c);
	if (c < 0x20 || c == 0x7f || !terminal_shows(c))
		return (size_t)snprintf(form, FORM_MAX, "\\u%04x", (unsigned)(c & 0xffff));
	memcpy(form, bytes, len);
	return len;
}

/* Returns how many bytes of the text were put. */
static size_t put_string(struct buf *out, const uint8_t *text, size_t len, size_t max)
{
	size_t at = 0, used = 0;

	buf_put_u8(out, '"');
	while (at < len) {
		char form[FORM_MAX];
		uint32_t c;
		size_t n = utf8_decode(text + at, len - at, &c);
		size_t width = form_of(c, text + at, n, form);
		if (used + width > max)
			break;
		buf_put(out, form, width);
		used += width;
		at += n;
	}
	buf_put_u8(out, '"');
	return at;
}

static size_t put_binary(struct buf *out, const uint8_t *data, size_t len, size_t max)
{
	size_t put = len < max / 4 * 3 ? len : max / 4 * 3;
	uint8_t *room;

	buf_put_text(out, "{\"binary\":\"");
	/* EVP_EncodeBlock ends its text with a NUL. */
	if (put > 0 && (room = buf_reserve(out, (put + 2) / 3 * 4 + 1)))
		out->len += (size_t)EVP_EncodeBlock(room, data, (int)put);
	buf_put_text(out, "\"}");
	return put;
}

void journal_put_text(struct buf *out, const char *key, const void *text, size_t len, size_t max)
{
	char hash[JOURNAL_HASH_MAX];

	buf_printf(out, ",\"%s\":", key);
	if (!text) {
		buf_put_text(out, "null");
		return;
	}
	size_t put = utf8_valid(text, len, NULL) ? put_string(out, text, len, max) : put_binary(out, text, len, max);
	if (put == len)
		return;
	/* Without a digest nothing is written at all. */
	out->overflow = out->overflow || !journal_hash(text, len, hash);
	if (!out->overflow)
		buf_printf(out, ",\"%s_cut\":{\"bytes\":%zu,\"sha256\":\"%s\"}", key, len - put, hash);
}

void journal_hex(const void *bytes, size_t len, char *hex)
{
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
}

bool journal_hash(const void *data, size_t len, char hex[JOURNAL_HASH_MAX])
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(data, len, sum, &n, EVP_sha256(), NULL) != 1 || n != JOURNAL_HASH_LEN / 2)
		return false;
	journal_hex(sum, n, hex);
	return true;
}

void journal_time(char text[JOURNAL_TIME_MAX])
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t len = strftime(text, JOURNAL_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, JOURNAL_TIME_MAX - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
}
