/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/resolve.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ssh/ssh_tokens.h"

enum kind {
	KIND_TEXT,
	KIND_OPTIONAL,
	KIND_FILE,
	KIND_FILES,
	KIND_IDENTITY,
	KIND_BOOL,
	KIND_NUMBER,
	KIND_PORT,
	KIND_STRICT,
	KIND_REKEY
};

/* What is taken of the output; the rest is for programs other than this. KIND_OPTIONAL and KIND_FILE may be “none”. */
static const struct field {
	const char *keyword;
	enum kind kind;
	size_t offset;
} fields[] = {
#define FIELD(keyword, kind, member)                                                                                   \
	{                                                                                                              \
		keyword, kind, offsetof(struct ssh_config, member)                                                     \
	}
	FIELD("host", KIND_TEXT, host),
	FIELD("hostname", KIND_TEXT, hostname),
	FIELD("user", KIND_TEXT, user),
	FIELD("port", KIND_PORT, port),
	FIELD("hostkeyalias", KIND_OPTIONAL, host_key_alias),
	FIELD("proxyjump", KIND_OPTIONAL, proxy_jump),
	FIELD("proxycommand", KIND_OPTIONAL, proxy_command),
	FIELD("identityagent", KIND_TEXT, identity_agent),
	FIELD("identityfile", KIND_IDENTITY, identity_files),
	FIELD("userknownhostsfile", KIND_FILES, user_known_hosts),
	FIELD("globalknownhostsfile", KIND_FILES, global_known_hosts),
	FIELD("kexalgorithms", KIND_TEXT, kex_algorithms),
	FIELD("hostkeyalgorithms", KIND_TEXT, host_key_algorithms),
	FIELD("pubkeyacceptedalgorithms", KIND_TEXT, pubkey_algorithms),
	FIELD("pubkeyacceptedkeytypes", KIND_TEXT, pubkey_algorithms), /* its name before OpenSSH 8.5 */
	FIELD("ciphers", KIND_TEXT, ciphers),
	FIELD("macs", KIND_TEXT, macs),
	FIELD("preferredauthentications", KIND_TEXT, preferred_auth),
	FIELD("addressfamily", KIND_TEXT, address_family),
	FIELD("bindaddress", KIND_OPTIONAL, bind_address),
	FIELD("controlpath", KIND_FILE, control_path),
	FIELD("revokedhostkeys", KIND_FILE, revoked_host_keys),
	FIELD("stricthostkeychecking", KIND_STRICT, strict_host_key),
	FIELD("hashknownhosts", KIND_BOOL, hash_known_hosts),
	FIELD("batchmode", KIND_BOOL, batch_mode),
	FIELD("identitiesonly", KIND_BOOL, identities_only),
	FIELD("pubkeyauthentication", KIND_BOOL, pubkey_auth),
	FIELD("passwordauthentication", KIND_BOOL, password_auth),
	FIELD("kbdinteractiveauthentication", KIND_BOOL, keyboard_interactive_auth),
	FIELD("challengeresponseauthentication", KIND_BOOL,
	      keyboard_interactive_auth), /* its name before OpenSSH 8.7 */
	FIELD("tcpkeepalive", KIND_BOOL, tcp_keep_alive),
	FIELD("compression", KIND_BOOL, compression),
	FIELD("connecttimeout", KIND_NUMBER, connect_timeout_s),
	FIELD("connectionattempts", KIND_NUMBER, connection_attempts),
	FIELD("numberofpasswordprompts", KIND_NUMBER, password_prompts),
	FIELD("serveraliveinterval", KIND_NUMBER, alive_interval_s),
	FIELD("serveralivecountmax", KIND_NUMBER, alive_count),
	FIELD("gssapiauthentication", KIND_BOOL, gssapi_auth),
	FIELD("requiredrsasize", KIND_NUMBER, required_rsa_bits),
	FIELD("rekeylimit", KIND_REKEY, rekey_bytes),
#undef FIELD
};

/* What libssh cannot do, or does in another way than ssh: where one of these is set, OpenSSH itself is to connect. */
static const struct {
	const char *keyword;
	const char *value; /* NULL: any but “none” */
	const char *reason;
} beyond[] = {
	{ "pkcs11provider", NULL, "PKCS11Provider is set" },
	{ "certificatefile", NULL, "CertificateFile is set" },
	{ "knownhostscommand", NULL, "KnownHostsCommand is set" },
	{ "bindinterface", NULL, "BindInterface is set" },
	{ "hostbasedauthentication", "yes", "HostbasedAuthentication is set" },
	{ "hostbasedauthentication", "true", "HostbasedAuthentication is set" },
	{ "verifyhostkeydns", "yes", "VerifyHostKeyDNS is set" },
	{ "verifyhostkeydns", "true", "VerifyHostKeyDNS is set" },
	{ "verifyhostkeydns", "ask", "VerifyHostKeyDNS is set" },
	{ "checkhostip", "yes", "CheckHostIP is set" },
	{ "gssapikeyexchange", "yes", "GSSAPIKeyExchange is set" }, /* Debian's */
	{ "proxyusefdpass", "yes", "ProxyUseFdpass is set" },
};

static void *member(struct ssh_config *config, const struct field *field)
{
	return (char *)config + field->offset;
}

static void set_text(char **slot, char *text)
{
	free(*slot);
	*slot = text;
}

static bool list_add(char **list, char *text)
{
	for (int i = 0; i < SSH_CONFIG_LIST_MAX; i++) {
		if (!list[i]) {
			list[i] = text;
			return true;
		}
	}
	free(text);
	return false;
}

/*
 * `ssh -G` prints several files on one line with single spaces and no quotes, so "a b" may be two files or one. Where the first begins
 * with / or ~, a word that does not is taken to continue the file before it: paths are printed absolute nearly always.
 */
static bool add_files(char **list, const char *value)
{
	bool rooted = value[0] == '/' || value[0] == '~';
	const char *start = value;

	for (const char *p = value;; p++) {
		bool splits = *p == '\0' || (*p == ' ' && (!rooted || p[1] == '/' || p[1] == '~'));
		if (!splits)
			continue;
		char *file = xstrndup(start, (size_t)(p - start));
		bool fits = !file[0] || strcmp(file, "none") == 0 || list_add(list, ssh_expand_home(file));
		free(file);
		if (!fits || *p == '\0')
			return fits;
		start = p + 1;
	}
}

static bool parse_number(const char *text, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= max;
}

static bool parse_bool(const char *text, bool *out)
{
	static const char *const yes[] = { "yes", "true", "unbound",
					   "host-bound" }; /* the last two: PubkeyAuthentication */

	*out = false;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (strcmp(text, yes[i]) == 0)
			*out = true;
	}
	return *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0;
}

static bool parse_strict(const char *text, enum ssh_strict *out)
{
	static const struct {
		const char *text;
		enum ssh_strict value;
	} values[] = {
		{ "ask", SSH_STRICT_ASK },  { "yes", SSH_STRICT_YES },
		{ "true", SSH_STRICT_YES }, { "accept-new", SSH_STRICT_ACCEPT_NEW },
		{ "no", SSH_STRICT_OFF },   { "false", SSH_STRICT_OFF },
		{ "off", SSH_STRICT_OFF },
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		if (strcmp(text, values[i].text) == 0) {
			*out = values[i].value;
			return true;
		}
	}
	return false;
}

static bool is_none(const char *value)
{
	return strcasecmp(value, "none") == 0;
}

static bool take_number(struct ssh_config *config, const struct field *field, const char *value)
{
	long number = 0;

	if (!is_none(value) && !parse_number(value, INT_MAX / 1000, &number))
		return false;
	*(int *)member(config, field) = (int)number;
	return true;
}

static bool take_port(struct ssh_config *config, const char *value)
{
	long port;

	if (!parse_number(value, UINT16_MAX, &port) || port == 0)
		return false;
	config->port = (uint16_t)port;
	return true;
}

/* “BYTES SECONDS”; 0 is the default of each. */
static bool take_rekey(struct ssh_config *config, const char *value)
{
	char *end;

	errno = 0;
	config->rekey_bytes = strtoull(value, &end, 10);
	unsigned long seconds = *end == ' ' ? strtoul(end + 1, &end, 10) : 0;
	config->rekey_seconds = seconds > INT32_MAX ? INT32_MAX : (uint32_t)seconds;
	return errno == 0 && *end == '\0' && value[0] >= '0' && value[0] <= '9';
}

static bool take(struct ssh_config *config, const struct field *field, const char *value)
{
	switch (field->kind) {
	case KIND_TEXT:
		set_text(member(config, field), xstrdup(value));
		return true;
	case KIND_OPTIONAL:
		set_text(member(config, field), is_none(value) ? NULL : xstrdup(value));
		return true;
	case KIND_FILE:
		set_text(member(config, field), is_none(value) ? NULL : ssh_expand_home(value));
		return true;
	case KIND_FILES:
		return add_files(member(config, field), value);
	case KIND_IDENTITY:
		return is_none(value) || list_add(member(config, field), xstrdup(value));
	case KIND_BOOL:
		return parse_bool(value, member(config, field));
	case KIND_NUMBER:
		return take_number(config, field, value);
	case KIND_PORT:
		return take_port(config, value);
	case KIND_STRICT:
		return parse_strict(value, &config->strict_host_key);
	case KIND_REKEY:
		return take_rekey(config, value);
	}
	return false;
}

static bool has_controls(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static bool is_keyword(const char *keyword, const char *line, size_t len)
{
	return strlen(keyword) == len && strncasecmp(keyword, line, len) == 0;
}

static bool take_line(struct ssh_config *config, const char *line, struct error *err)
{
	const char *space = strchr(line, ' ');
	size_t keyword_len = space ? (size_t)(space - line) : 0;

	for (size_t i = 0; space && i < sizeof beyond / sizeof *beyond; i++) {
		bool set = beyond[i].value ? strcmp(space + 1, beyond[i].value) == 0 : !is_none(space + 1);
		if (set && is_keyword(beyond[i].keyword, line, keyword_len))
			config->beyond_libssh = beyond[i].reason;
	}
	for (size_t i = 0; space && i < sizeof fields / sizeof *fields; i++) {
		if (!is_keyword(fields[i].keyword, line, keyword_len))
			continue;
		if (has_controls(space + 1) || !take(config, &fields[i], space + 1))
			return error_set(err, ERROR_CONFIG, "ssh -G says “%.200s”, which cannot be used", line);
		return true;
	}
	return true;
}

/* SSH_AUTH_SOCK (the default) becomes NULL; $NAME and NAME's file are looked up. */
static void resolve_agent(struct ssh_config *config)
{
	char *agent = config->identity_agent;

	if (!agent)
		return;
	if (strcmp(agent, "SSH_AUTH_SOCK") == 0) {
		set_text(&config->identity_agent, NULL);
	} else if (agent[0] == '$' && agent[1] != '{') {
		const char *value = getenv(agent + 1);
		set_text(&config->identity_agent, xstrdup(value && *value ? value : "none"));
	} else if (!is_none(agent)) {
		set_text(&config->identity_agent, ssh_expand_file(config, agent));
	}
}

static void set_defaults(struct ssh_config *config)
{
	config->port = 22;
	config->connection_attempts = 1;
	config->password_prompts = 3;
	config->alive_count = 3;
	config->pubkey_auth = config->password_auth = config->keyboard_interactive_auth = true;
	config->tcp_keep_alive = true;
}

bool ssh_config_parse(const char *text, size_t len, struct ssh_config *config, struct error *err)
{
	const char *end = text + len;

	set_defaults(config);
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((newline ? newline : end) - text);
		char *line = xstrndup(text, line_len);
		bool ok = take_line(config, line, err);
		free(line);
		if (!ok)
			return false;
		text += line_len + 1;
	}
	if (!config->hostname || !config->user || !config->hostname[0] || !config->user[0])
		return error_set(err, ERROR_CONFIG, "ssh -G does not say which host name and user to connect to");
	for (int i = 0; config->identity_files[i]; i++)
		set_text(&config->identity_files[i], ssh_expand_file(config, config->identity_files[i]));
	if (config->revoked_host_keys)
		set_text(&config->revoked_host_keys, ssh_expand_file(config, config->revoked_host_keys));
	resolve_agent(config);
	return true;
}

void ssh_config_clear(struct ssh_config *config)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		char **slot = member(config, &fields[i]);
		switch (fields[i].kind) {
		case KIND_TEXT:
		case KIND_OPTIONAL:
		case KIND_FILE:
			set_text(slot, NULL);
			break;
		case KIND_FILES:
		case KIND_IDENTITY:
			for (int n = 0; slot[n]; n++)
				set_text(&slot[n], NULL);
			break;
		default:
			break;
		}
	}
	free(config->destination);
	free(config->ssh_config_file);
	*config = (struct ssh_config){ 0 };
}
