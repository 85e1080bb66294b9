/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/algorithms.h"

#include <stdlib.h>
#include <string.h>

#include "ssh/host_key.h"

/* Hardware makes it several times faster than OpenSSH's first choice, and libssh is fastest with it, where it can be trusted with it. */
static const char preferred_cipher[] = "aes128-gcm@openssh.com";

/* OpenSSH's default without AES-GCM. */
static const char safe_ciphers[] = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr";

/* What `ssh -G` prints where nobody chose: OpenSSH 6.7 to 9.9, and from 10.0 on. */
static const char *const default_ciphers[] = {
	"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com",
	"chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr",
};

/*
 * CVE-2026-59847: libssh took packets of AES-GCM whose tag was wrong. Mended in 0.11.5 and 0.12.1; whether a distribution has put it into an
 * older one, as Debian 12 has, cannot be seen from here.
 */
bool algorithms_gcm_is_checked(void)
{
	bool is_0_11 = !ssh_version(SSH_VERSION_INT(0, 12, 0));

	return ssh_version(is_0_11 ? SSH_VERSION_INT(0, 11, 5) : SSH_VERSION_INT(0, 12, 1)) != NULL;
}

char *algorithms_ciphers(const char *configured, bool gcm_is_checked)
{
	bool chosen = true;

	for (size_t i = 0; i < sizeof default_ciphers / sizeof *default_ciphers; i++)
		chosen = chosen && strcmp(configured, default_ciphers[i]) != 0;
	if (chosen)
		return xstrdup(configured);
	/* The second mention of it does no harm: the first one decides. */
	return gcm_is_checked ? xasprintf("%s,%s", preferred_cipher, configured) : xstrdup(safe_ciphers);
}

/* libssh drops what it does not know, and refuses a list of which nothing is left. */
static bool offer(ssh_session ssh, enum ssh_options_e option, const char *keyword, const char *list, struct error *err)
{
	if (!list || !*list || ssh_options_set(ssh, option, list) == 0)
		return true;
	error_set(err, ERROR_SSH_UNSUPPORTED, "libssh has none of ssh_config's %s: %s", keyword, list);
	return error_cure(
		err, "allow one more for this host, as in --ssh-option %s=+NAME; libssh %s is what beamline runs with",
		keyword, ssh_version(0));
}

bool algorithms_offer(ssh_session ssh, const struct ssh_config *config, struct error *err)
{
	char *ciphers = config->ciphers ? algorithms_ciphers(config->ciphers, algorithms_gcm_is_checked()) : NULL;
	char *host_keys = host_key_algorithms(config, config->host_key_algorithms);
	bool ok = offer(ssh, SSH_OPTIONS_KEY_EXCHANGE, "KexAlgorithms", config->kex_algorithms, err) &&
		  offer(ssh, SSH_OPTIONS_HOSTKEYS, "HostKeyAlgorithms", host_keys, err) &&
		  offer(ssh, SSH_OPTIONS_CIPHERS_C_S, "Ciphers", ciphers, err) &&
		  offer(ssh, SSH_OPTIONS_CIPHERS_S_C, "Ciphers", ciphers, err) &&
		  offer(ssh, SSH_OPTIONS_HMAC_C_S, "MACs", config->macs, err) &&
		  offer(ssh, SSH_OPTIONS_HMAC_S_C, "MACs", config->macs, err) &&
		  offer(ssh, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, "PubkeyAcceptedAlgorithms",
			config->pubkey_algorithms, err);

	free(ciphers);
	free(host_keys);
	return ok;
}
