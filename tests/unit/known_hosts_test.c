/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ssh/host_key.h"
#include "ssh/key_file.h"
#include "ssh/known_hosts_files.h"

/* Keys made for this test; ssh-keygen hashed the names and told the fingerprint. */
#define KEY_A "AAAAC3NzaC1lZDI1NTE5AAAAIMHhmmDFqZw82mKbPYaVgCUxRYurfbICMtLO6TNppAAX"
#define KEY_B "AAAAC3NzaC1lZDI1NTE5AAAAIASdJXaPPrBJXb2O43et2PySLKWRfxRCpENIMbloeybd"
#define KEY_ECDSA                                                                                                      \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDhstVyI3mEyreTyLWGPBjDbFlscRGgaU1WzMm8nuykg88+"          \
	"CmMzjuWKchoKGxj5A55srBw"                                                                                      \
	"Q/Tc1+2o8qJL5qxSI="
#define FINGERPRINT_A   "SHA256:fTieEvLka6pGaMTclHiepZa7Z3yGqRGlL0/YrCmjSsA"
#define A               " ssh-ed25519 " KEY_A "\n"
#define B               " ssh-ed25519 " KEY_B "\n"
#define ECDSA           " ecdsa-sha2-nistp256 " KEY_ECDSA "\n"
#define HASHED_WEB      "|1|k3mM3Lkg1RtKdOHCLFfhZM7C/yo=|x/rQvlBJUwISKWWJBmny4kATVB8=" /* web.example */
#define HASHED_WEB_2222 "|1|dvv9HYmAX0v8HI+dulKby4heMN4=|Int8KMpfcoKYlKb1sDcrSahlJ2k=" /* [web.example]:2222 */

static const struct {
	const char *text, *name;
	enum host_key_match match;
	int line;
} cases[] = {
	/* names */
	{ "", "web", HOST_KEY_NONE, 0 },
	{ "web" A, "web", HOST_KEY_SAME, 1 },
	{ "WEB" A, "web", HOST_KEY_SAME, 1 },
	{ "web" A, "we", HOST_KEY_NONE, 0 },
	{ "we" A, "web", HOST_KEY_NONE, 0 },
	{ "a,web,b" A, "web", HOST_KEY_SAME, 1 },
	{ "a,,web" A, "web", HOST_KEY_SAME, 1 },
	{ "web," A, "web", HOST_KEY_SAME, 1 },
	{ "*.example" A, "web.example", HOST_KEY_SAME, 1 },
	{ "*.example" A, "example", HOST_KEY_NONE, 0 },
	{ "w?b.*" A, "web.example", HOST_KEY_SAME, 1 },
	{ "w??b.*" A, "web.example", HOST_KEY_NONE, 0 },
	{ "*a*a*b" A, "aaaaaaaaaab", HOST_KEY_SAME, 1 },
	{ "*" A, "web", HOST_KEY_SAME, 1 },
	{ "*,!web" A, "web", HOST_KEY_NONE, 0 },
	{ "!web,*" A, "web", HOST_KEY_NONE, 0 },
	{ "!web,*" A, "db", HOST_KEY_SAME, 1 },
	{ "!w*,*.example" A, "web.example", HOST_KEY_NONE, 0 },
	{ "!db" A, "web", HOST_KEY_NONE, 0 },
	{ "!" A, "web", HOST_KEY_NONE, 0 },
	{ "[web]:2222" A, "[web]:2222", HOST_KEY_SAME, 1 },
	{ "[web]:2222" A, "web", HOST_KEY_NONE, 0 },
	{ "web" A, "[web]:2222", HOST_KEY_NONE, 0 },
	{ "[*]:2222" A, "[web]:2222", HOST_KEY_SAME, 1 },
	/* hashed names */
	{ HASHED_WEB A, "web.example", HOST_KEY_SAME, 1 },
	{ HASHED_WEB A, "db.example", HOST_KEY_NONE, 0 },
	{ HASHED_WEB B HASHED_WEB_2222 A, "[web.example]:2222", HOST_KEY_SAME, 2 },
	{ "|1|k3mM3Lkg1RtKdOHCLFfhZM7C/yo=" A, "web.example", HOST_KEY_NONE, 0 },
	{ "|1||" A, "web.example", HOST_KEY_NONE, 0 },
	{ "|2|k3mM3Lkg1RtKdOHCLFfhZM7C/yo=|x/rQvlBJUwISKWWJBmny4kATVB8=" A, "web.example", HOST_KEY_NONE, 0 },
	{ "|1|k3mM3Lkg1RtKdOHCLFfhZM7C/yo=|x/rQvlBJUwISKWWJBmny4kATVA==" A, "web.example", HOST_KEY_NONE, 0 },
	/* keys */
	{ "web" B, "web", HOST_KEY_OTHER, 1 },
	{ "web" B "web" A, "web", HOST_KEY_SAME, 2 },
	{ "web" ECDSA, "web", HOST_KEY_OTHER, 1 },
	{ "web" ECDSA "web" B, "web", HOST_KEY_OTHER, 2 },
	{ "web ssh-rsa " KEY_A "\n", "web", HOST_KEY_NONE, 0 },
	{ "web ssh-ed25519 " KEY_A "=\n", "web", HOST_KEY_NONE, 0 },
	{ "web ssh-ed25519 AAAA\n", "web", HOST_KEY_NONE, 0 },
	{ "web ssh-ed25519\n", "web", HOST_KEY_NONE, 0 },
	{ "web\n", "web", HOST_KEY_NONE, 0 },
	{ "web 1024 35 1234567\n", "web", HOST_KEY_NONE, 0 },
	/* lines */
	{ "web ssh-ed25519 " KEY_A, "web", HOST_KEY_SAME, 1 },
	{ "web ssh-ed25519 " KEY_A " a comment, b\n", "web", HOST_KEY_SAME, 1 },
	{ "web\tssh-ed25519 \t " KEY_A "\r\n", "web", HOST_KEY_SAME, 1 },
	{ "# web" A "\n \n  web" A, "web", HOST_KEY_SAME, 4 },
	/* markers */
	{ "@revoked web" A, "web", HOST_KEY_REVOKED, 1 },
	{ "web" A "@revoked *" A, "web", HOST_KEY_REVOKED, 2 },
	{ "@revoked web" B "web" A, "web", HOST_KEY_SAME, 2 },
	{ "@revoked web" B, "web", HOST_KEY_NONE, 0 },
	{ "@revoked db" A "web" A, "web", HOST_KEY_SAME, 2 },
	{ "@revoked " HASHED_WEB A, "web.example", HOST_KEY_REVOKED, 1 },
	{ "@cert-authority *" A, "web", HOST_KEY_NONE, 0 },
	{ "@cert-authority *" B "web" A, "web", HOST_KEY_SAME, 2 },
	{ "@strange web" A, "web", HOST_KEY_NONE, 0 },
	{ "@revoked\n", "web", HOST_KEY_NONE, 0 },
};

static void texts_are_judged_as_sshd_says(void **state)
{
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_true(known_hosts_decode(KEY_A, &blob, &len));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t text_len = strlen(cases[i].text);
		char *text = malloc(text_len + 1); /* without a NUL at its end, so that reading on is seen */
		memcpy(text, cases[i].text, text_len);
		int line = -1;
		enum host_key_match match =
			host_key_look_up(text, text_len, cases[i].name, "ssh-ed25519", blob, len, &line);
		free(text);
		if (match != cases[i].match || line != cases[i].line)
			fail_msg("%s in “%s”: %d at line %d", cases[i].name, cases[i].text, match, line);
	}
	free(blob);
}

static void fingerprint_is_what_ssh_prints(void **state)
{
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_true(known_hosts_decode(KEY_A, &blob, &len));
	char *text = known_hosts_fingerprint(blob, len);
	assert_string_equal(text, FINGERPRINT_A);
	free(text);
	free(blob);
}

static void name_has_its_port_unless_22(void **state)
{
	(void)state;
	char *plain = known_hosts_name("Web.Example", 22);
	char *other = known_hosts_name("::1", 2222);
	assert_string_equal(plain, "web.example");
	assert_string_equal(other, "[::1]:2222");
	free(plain);
	free(other);
}

static void assert_line(const uint8_t *salt, const char *expected)
{
	struct buf line;
	uint8_t *blob;
	size_t len;
	int at;

	assert_true(known_hosts_decode(KEY_A, &blob, &len));
	buf_init(&line, 4096);
	known_hosts_line(&line, "web.example", blob, len, salt);
	assert_false(line.overflow);
	if (expected)
		assert_string_equal(buf_text(&line), expected);
	assert_int_equal(host_key_look_up((char *)line.data, line.len, "web.example", "ssh-ed25519", blob, len, &at),
			 HOST_KEY_SAME);
	buf_clear(&line);
	free(blob);
}

static void line_is_read_back(void **state)
{
	static const uint8_t salt[KNOWN_HOSTS_SALT_LEN] = "just twenty bytes..";

	(void)state;
	assert_line(NULL, "web.example" A);
	assert_line(salt, NULL);
}

static char folder[] = "/tmp/beamline-known-hosts-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char *file = xasprintf("%s/kh", folder);

	(void)state;
	unlink(file);
	free(file);
	return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
	struct buf line;

	unlink(path);
	buf_init(&line, 65536);
	buf_put_text(&line, text);
	assert_true(known_hosts_append(path, &line));
	buf_clear(&line);
}

static void appended_line_stands_alone(void **state)
{
	char *file = xasprintf("%s/kh", folder);
	struct ssh_config config = { .hostname = (char *)"web", .port = 22, .user_known_hosts = { file } };
	struct known_hosts_findings found = { 0 };
	struct buf line;
	struct error err;
	struct stat st;
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_true(known_hosts_decode(KEY_A, &blob, &len));
	write_file(file, "db ssh-ed25519 " KEY_B); /* its last line has no end */
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_init(&line, 4096);
	known_hosts_line(&line, "web", blob, len, NULL);
	assert_true(known_hosts_append(file, &line));
	buf_clear(&line);
	assert_true(known_hosts_find(&config, "ssh-ed25519", blob, len, &found, &err));
	assert_int_equal(found.same.line, 2);
	assert_false(known_hosts_append("/dev/null/not", &line));
	free(blob);
	free(file);
}

static void bare_name_serves_another_port_for_the_same_key_only(void **state)
{
	char *file = xasprintf("%s/kh", folder);
	struct ssh_config config = { .hostname = (char *)"web", .port = 2222, .user_known_hosts = { file } };
	struct known_hosts_findings found = { 0 };
	struct error err;
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_true(known_hosts_decode(KEY_A, &blob, &len));
	write_file(file, "web" A);
	assert_true(known_hosts_find(&config, "ssh-ed25519", blob, len, &found, &err));
	assert_int_equal(found.same.line, 1);
	write_file(file, "web" B);
	found = (struct known_hosts_findings){ 0 };
	assert_true(known_hosts_find(&config, "ssh-ed25519", blob, len, &found, &err));
	assert_int_equal(found.same.line + found.changed.line + found.other.line, 0);
	/* With an alias the port plays no part. */
	config.host_key_alias = (char *)"web";
	assert_true(known_hosts_find(&config, "ssh-ed25519", blob, len, &found, &err));
	assert_int_equal(found.changed.line, 1);
	free(found.changed_fingerprint);
	free(blob);
	free(file);
}

static void assert_algorithms(const char *text, const char *configured, const char *expected)
{
	char *file = xasprintf("%s/kh", folder);
	struct ssh_config config = { .hostname = (char *)"web", .port = 22, .user_known_hosts = { file } };

	write_file(file, text);
	char *list = host_key_algorithms(&config, configured);
	assert_string_equal(list, expected);
	free(list);
	free(file);
}

static void algorithms_of_known_keys_come_first(void **state)
{
	(void)state;
	assert_algorithms("", "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,sk-ssh-ed25519@openssh.com,rsa-sha2-512",
			  "ssh-ed25519,rsa-sha2-512");
	assert_algorithms("web" ECDSA, "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512",
			  "ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512");
	assert_algorithms("db" ECDSA, "ssh-ed25519,ecdsa-sha2-nistp256", "ssh-ed25519,ecdsa-sha2-nistp256");
	assert_algorithms("@revoked web" ECDSA, "ssh-ed25519,ecdsa-sha2-nistp256", "ssh-ed25519,ecdsa-sha2-nistp256");
	assert_algorithms("web" A, "made-up", "");
}

static void public_part_of_a_locked_key_is_read(void **state)
{
	/* The head of a key with a passphrase; what is private of it is left out. */
	static const char text[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
				   "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCe/aqSu1\n"
				   "iFLst/m+gqidh/AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIAT43aWKH0UD2UXd\n"
				   "+kvHlK/JcfZgJmAHQUVWzbnYHJ47\n"
				   "-----END OPENSSH PRIVATE KEY-----\n";
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_true(key_file_public_part(text, sizeof text - 1, &blob, &len));
	char *base64 = known_hosts_encode(blob, len);
	assert_string_equal(base64, "AAAAC3NzaC1lZDI1NTE5AAAAIAT43aWKH0UD2UXd+kvHlK/JcfZgJmAHQUVWzbnYHJ47");
	free(base64);
	free(blob);
	for (size_t cut = 0; cut < sizeof text - 2; cut++) {
		if (key_file_public_part(text, cut, &blob, &len))
			free(blob);
	}
	assert_false(key_file_public_part(text, 150, &blob, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_judged_as_sshd_says),
		cmocka_unit_test(fingerprint_is_what_ssh_prints),
		cmocka_unit_test(name_has_its_port_unless_22),
		cmocka_unit_test(line_is_read_back),
		cmocka_unit_test(appended_line_stands_alone),
		cmocka_unit_test(bare_name_serves_another_port_for_the_same_key_only),
		cmocka_unit_test(algorithms_of_known_keys_come_first),
		cmocka_unit_test(public_part_of_a_locked_key_is_read),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
