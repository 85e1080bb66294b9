/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "base/terminal.h"
#include "ssh/auth_methods.h"

enum {
	ANSWER_MAX = 1024,
	PROMPT_MAX = 4096, /* of a prompt, name or instruction of sshd's that is shown */
	ROUNDS_MAX = 32,   /* of questions in one keyboard-interactive exchange */
};

/* The buffer is wiped when cleared. False: the error is set. */
static bool ask(struct auth *a, const char *question, bool hidden, struct buf *answer)
{
	buf_init_secret(answer, ANSWER_MAX);
	return terminal_ask(question, hidden, answer, a->err);
}

enum auth_result auth_unlock(struct auth *a, struct key_file *key)
{
	enum auth_result result = AUTH_DENIED;
	char *question = xasprintf("Enter passphrase for key '%s': ", key->path);

	for (int i = 0; i < a->config->password_prompts && result == AUTH_DENIED; i++) {
		struct buf answer;
		bool told = ask(a, question, true, &answer);
		bool none = answer.len == 0;
		if (!told)
			result = AUTH_BROKEN;
		else if (!none && key_file_unlock(key, buf_text(&answer)))
			result = AUTH_ACCEPTED;
		buf_clear(&answer);
		if (none)
			break;
	}
	free(question);
	return result;
}

enum auth_result auth_with_password(struct auth *a)
{
	enum auth_result result = AUTH_DENIED;
	char *question = xasprintf("(%s) password: ", a->who);

	for (int i = 0; i < a->config->password_prompts && result == AUTH_DENIED; i++) {
		struct buf answer;
		if (!ask(a, question, true, &answer))
			result = AUTH_BROKEN;
		else
			result = auth_request(a, AUTH_PASSWORD, NULL, buf_text(&answer));
		buf_clear(&answer);
		if (result == AUTH_DENIED)
			auth_note(a, "the password");
	}
	free(question);
	if (result == AUTH_ACCEPTED)
		auth_by(a, "password");
	return result;
}

static char *question_of(struct auth *a, const char *text)
{
	char *mark = xasprintf("(%s) ", a->who);
	char *question = auth_foreign_text(mark, text ? text : "", PROMPT_MAX);

	free(mark);
	return question;
}

static bool answer_one(struct auth *a, unsigned i)
{
	char echo = 0;
	const char *prompt = ssh_userauth_kbdint_getprompt(a->s->ssh, i, &echo);
	char *question = question_of(a, prompt);
	struct buf answer;
	bool ok = ask(a, question, !echo, &answer);

	if (ok)
		ok = ssh_userauth_kbdint_setanswer(a->s->ssh, i, buf_text(&answer)) >= 0 ||
		     error_set(a->err, ERROR_INTERNAL, "libssh does not take an answer");
	buf_clear(&answer);
	free(question);
	return ok;
}

static void show_instruction(struct auth *a, const char *text)
{
	if (!text || !*text)
		return;
	char *line = question_of(a, text);
	terminal_print_line(STDERR_FILENO, "", line);
	free(line);
}

static bool answer_all(struct auth *a)
{
	int count = ssh_userauth_kbdint_getnprompts(a->s->ssh);

	show_instruction(a, ssh_userauth_kbdint_getname(a->s->ssh));
	show_instruction(a, ssh_userauth_kbdint_getinstruction(a->s->ssh));
	for (int i = 0; i < count; i++) {
		if (!answer_one(a, (unsigned)i))
			return false;
	}
	return true;
}

/* One exchange; *asked tells whether sshd had a question at all. */
static enum auth_result exchange(struct auth *a, bool *asked)
{
	enum auth_result result = auth_request(a, AUTH_INTERACTIVE, NULL, NULL);

	for (int round = 0; result == AUTH_PROMPTS; round++) {
		if (round == ROUNDS_MAX) {
			error_set(a->err, ERROR_AUTH_REFUSED, "%s: sshd asks more than %d times", a->who, ROUNDS_MAX);
			return AUTH_BROKEN;
		}
		*asked = *asked || ssh_userauth_kbdint_getnprompts(a->s->ssh) > 0;
		if (!answer_all(a))
			return AUTH_BROKEN;
		result = auth_request(a, AUTH_INTERACTIVE, NULL, NULL);
	}
	return result;
}

enum auth_result auth_with_answers(struct auth *a)
{
	enum auth_result result = AUTH_DENIED;

	for (int i = 0; i < a->config->password_prompts && result == AUTH_DENIED; i++) {
		bool asked = false;
		result = exchange(a, &asked);
		if (result == AUTH_DENIED && !asked)
			break;
		if (result == AUTH_DENIED)
			auth_note(a, "the answers");
	}
	if (result == AUTH_ACCEPTED)
		auth_by(a, "keyboard-interactive");
	return result;
}
