/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "etf/print_elixir_text.h"
#include "etf/utf8.h"

enum kind { ALIAS, IDENTIFIER, UNQUOTED, OPERATOR, QUOTED_OPERATOR, NOT_CALLABLE, QUOTED };

enum script { LATIN = 1, GREEK = 2, CYRILLIC = 4, HAN = 8, HANGUL = 16 };

static bool one_of(const char *name, size_t len, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return true;
	}
	return false;
}

#define ONE_OF(name, len, names) one_of(name, len, names, sizeof(names) / sizeof *(names))

static bool alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool elixir_is_module(const struct term *atom)
{
	static const char prefix[] = "Elixir.";

	return atom->atom.len >= sizeof prefix - 1 && !memcmp(atom->atom.name, prefix, sizeof prefix - 1);
}

/* "Elixir" and any number of ".Upper_and_more". */
static bool is_alias(const char *name, size_t len)
{
	size_t i = strlen("Elixir");

	if (len < i || memcmp(name, "Elixir", i) != 0)
		return false;
	while (i < len) {
		if (name[i] != '.' || i + 1 == len || name[i + 1] < 'A' || name[i + 1] > 'Z')
			return false;
		i += 2;
		while (i < len && alnum((unsigned char)name[i]))
			i++;
	}
	return true;
}

/*
 * The scripts whose letters may stand without quotes, as far as they are known here: Latin, Greek, Cyrillic, Chinese,
 * Japanese, Korean. Atoms with letters of others are quoted, which is also valid Elixir.
 */
static unsigned script_of(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		enum script script;
	} letters[] = {
		{ 0xc0, 0xd6, LATIN },      { 0xd8, 0xf6, LATIN },      { 0xf8, 0x131, LATIN },
		{ 0x134, 0x13e, LATIN },    { 0x141, 0x148, LATIN },    { 0x14a, 0x17e, LATIN },
		{ 0x18f, 0x18f, LATIN },    { 0x1a0, 0x1a1, LATIN },    { 0x1af, 0x1b0, LATIN },
		{ 0x1cd, 0x1dc, LATIN },    { 0x1de, 0x1e3, LATIN },    { 0x1e6, 0x1f0, LATIN },
		{ 0x1f4, 0x1f5, LATIN },    { 0x1f8, 0x21b, LATIN },    { 0x21e, 0x21f, LATIN },
		{ 0x226, 0x233, LATIN },    { 0x386, 0x386, GREEK },    { 0x388, 0x38a, GREEK },
		{ 0x38c, 0x38c, GREEK },    { 0x38e, 0x3a1, GREEK },    { 0x3a3, 0x3ce, GREEK },
		{ 0x400, 0x45f, CYRILLIC }, { 0x48a, 0x4ff, CYRILLIC }, { 0x510, 0x529, CYRILLIC },
		{ 0x52e, 0x52f, CYRILLIC }, { 0x1e00, 0x1e99, LATIN },  { 0x1ea0, 0x1ef9, LATIN },
		{ 0x3041, 0x3096, HAN },    { 0x30a1, 0x30fa, HAN },    { 0x3400, 0x4dbf, HAN },
		{ 0x4e00, 0x9fff, HAN },    { 0xac00, 0xd7a3, HANGUL },
	};

	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
		if (c >= letters[i].first && c <= letters[i].last)
			return letters[i].script;
	}
	return 0;
}

/* Against look-alikes, as the compiler since Elixir 1.15 (which lets scripts mix between underscores). */
static bool one_script(unsigned scripts)
{
	return (scripts & (scripts - 1)) == 0;
}

static enum kind classify_name(const char *name, size_t len)
{
	unsigned scripts = 0;
	bool at = false;
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(name + i, len - i, &c);
		if (i > 0 && i + n == len && (c == '?' || c == '!'))
			break;
		at = at || c == '@';
		unsigned script = c >= 0x80 ? script_of(c) : c >= 'A' ? LATIN : 0;
		bool fine = c >= 0x80 ? script != 0 : alnum((unsigned char)c) || c == '@';
		if (n == 0 || !fine || (i == 0 && ((c >= '0' && c <= '9') || c == '@')))
			return QUOTED;
		if (c != '_' && c != '@')
			scripts |= script;
	}
	if (len == 0 || !one_script(scripts))
		return QUOTED;
	return at || (name[0] >= 'A' && name[0] <= 'Z') ? NOT_CALLABLE : IDENTIFIER;
}

static enum kind classify(const char *name, size_t len)
{
	static const char *const syntax[] = { "%", "%{}", "{}", "<<>>", "...", "..", ".", "..//", "->" };
	static const char *const quoted[] = { "::", "^^^", "~~~", "<|>" };
	static const char *const operators[] = {
		"<-", "\\\\", "|",   "=",   "||", "|||", "&&",  "&&&", "==",  "!=", "=~", "===", "!==",
		"<",  "<=",   ">=",  ">",   "|>", "<<<", ">>>", "<<~", "~>>", "<~", "~>", "<~>", "++",
		"--", "<>",   "+++", "---", "+",  "-",   "*",   "/",   "**",  "&",  "!",  "^",   "@",
	};

	if (ONE_OF(name, len, syntax))
		return NOT_CALLABLE;
	if (ONE_OF(name, len, quoted))
		return QUOTED_OPERATOR;
	if (ONE_OF(name, len, operators))
		return OPERATOR;
	return is_alias(name, len) ? ALIAS : classify_name(name, len);
}

static void put_quoted(struct sink *s, const struct term *atom)
{
	const struct term text = { .kind = ETF_BINARY, .bytes = { (const uint8_t *)atom->atom.name, atom->atom.len } };

	elixir_string(s, &text);
}

static void put_alias(struct sink *s, const char *name, size_t len)
{
	static const char twice[] = "Elixir.Elixir";
	size_t skip = strlen("Elixir.");

	if (len < skip || (len >= sizeof twice - 1 && !memcmp(name, twice, sizeof twice - 1) &&
			   (len == sizeof twice - 1 || name[sizeof twice - 1] == '.')))
		skip = 0;
	sink_put(s, name + skip, len - skip);
}

void elixir_atom(struct sink *s, const struct term *atom, enum elixir_atom form)
{
	static const char *const bare[] = { "nil", "true", "false" };
	const char *name = atom->atom.name;
	size_t len = atom->atom.len;
	enum kind kind = classify(name, len);

	if (form == ELIXIR_CALL) {
		if (kind == IDENTIFIER || kind == OPERATOR || kind == QUOTED_OPERATOR)
			sink_put(s, name, len);
		else
			put_quoted(s, atom);
	} else if (form == ELIXIR_KEY) {
		if (kind == ALIAS || kind == QUOTED || kind == QUOTED_OPERATOR)
			put_quoted(s, atom);
		else
			sink_put(s, name, len);
		sink_char(s, ':');
	} else if (ONE_OF(name, len, bare)) {
		sink_put(s, name, len);
	} else if (kind == ALIAS) {
		put_alias(s, name, len);
	} else {
		sink_char(s, ':');
		if (kind == QUOTED || kind == QUOTED_OPERATOR)
			put_quoted(s, atom);
		else
			sink_put(s, name, len);
	}
}
