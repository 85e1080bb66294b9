/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that are ours, set apart by a leading colon. */
#include <string.h>

#include "shell/shell_private.h"

bool shell_is_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && line[len + strspn(line + len, " ().")] == '\0';
}

static bool help(struct shell *s, struct error *err)
{
	static const char text[] =
		"  Tab          how the line may go on. Alt-h: documentation of the function at the "
		"cursor\n"
		"  :help        this\n"
		"  :reconnect   a new shell on a new connection\n"
		"  :quit        leave; so do Ctrl-D and exit. The node runs on.\n"
		"Ctrl-C ends what is being evaluated, or gives up the line. All else is the node's own shell's.\n";

	return shell_say(s, text, err);
}

bool shell_take_command(struct shell *s, const char *line, bool *taken, struct error *err)
{
	*taken = true;
	if (shell_is_word(line, "exit") || shell_is_word(line, ":quit"))
		return shell_leave(s, SHELL_LEFT, err);
	if (shell_is_word(line, ":reconnect"))
		return shell_leave(s, SHELL_ANEW, err);
	if (shell_is_word(line, ":help"))
		return help(s, err);
	*taken = line[0] == ':' && !s->options->elixir;
	return !*taken || shell_say(s, "beamline: there is no such command; :help lists them\n", err);
}
