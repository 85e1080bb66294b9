/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the person at the terminal is shown as a prompt, and types. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/terminal.h"
#include "shell/input.h"
#include "shell/shell_private.h"

/* Without readline's marks. */
static void remember_prompt(struct shell *s, const char *prompt)
{
	size_t len = 0;

	for (; *prompt && len + 1 < sizeof s->shown_prompt; prompt++) {
		if (*prompt != '\001' && *prompt != '\002')
			s->shown_prompt[len++] = *prompt;
	}
	s->shown_prompt[len] = '\0';
}

static void begin_line(struct shell *s, const char *prompt)
{
	s->wanted = REMSH_NO_PROMPT;
	s->above_shown = false;
	remember_prompt(s, prompt);
	input_edit(prompt);
	if (s->begun)
		input_insert(s->begun);
	free(s->begun);
	s->begun = NULL;
}

/* When all output is on the terminal, so that nothing comes between prompt and line. */
bool shell_show_prompt(struct shell *s, struct error *err)
{
	struct buf above, prompt;

	if (s->wanted == REMSH_NO_PROMPT || output_pending(&s->out) > 0 || s->leaving)
		return true;
	if (!shell_settle(s, err))
		return false;
	buf_init(&above, PROMPT_TEXT_MAX);
	buf_init(&prompt, PROMPT_TEXT_MAX);
	prompt_compose(&s->options->look, s->wanted, s->more, s->prompt, terminal_columns(STDOUT_FILENO), &above,
		       &prompt);
	bool ok = !s->line_begun || shell_put(s, "\n", 1, err);
	if (!s->above_shown)
		ok = ok && shell_put(s, above.data, above.len, err);
	s->above_shown = true;
	if (ok && output_pending(&s->out) == 0)
		begin_line(s, buf_text(&prompt));
	buf_clear(&above);
	buf_clear(&prompt);
	return ok;
}

bool shell_send(struct shell *s, const char *text, size_t len, struct error *err)
{
	return turn_input(&s->turn, text, len, s->kind == REMSH_FOR_CODE, err) &&
	       remsh_lines(&s->remsh, text, len, err);
}

/* The watched text, when its time has come and nothing else goes on. */
bool shell_watch(struct shell *s, struct error *err)
{
	if (!s->watched || !input_is_editing() || s->kind != REMSH_FOR_SHELL || s->more || clock_ms() < s->watch_at)
		return true;
	input_end_edit();
	return shell_say(s, s->watched, err) && shell_put(s, "\n", 1, err) &&
	       shell_send(s, s->watched, strlen(s->watched), err);
}

/* As it stands on the screen: prompt and line. What code reads may be a secret. */
static bool record_line(struct shell *s, const char *line, size_t len, struct error *err)
{
	struct record *r = s->options->record;
	bool secret = s->kind == REMSH_FOR_CODE;

	return record_output(r, s->shown_prompt, strlen(s->shown_prompt), err) &&
	       record_output(r, secret ? "…" : line, secret ? strlen("…") : len, err) && record_output(r, "\n", 1, err);
}

static bool take_line(struct shell *s, char *line, struct error *err)
{
	bool local = false;
	size_t len = strlen(line);

	s->line_begun = false;
	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	if (s->kind == REMSH_FOR_SHELL)
		shell_history_keep(line);
	if (!record_line(s, line, len, err))
		return false;
	if (s->kind == REMSH_FOR_SHELL && !s->more && !shell_take_command(s, line, &local, err))
		return false;
	if (local) {
		/* What it has sent brings a prompt of its own. */
		s->wanted = s->leaving || s->turn.open ? REMSH_NO_PROMPT : s->kind;
		return true;
	}
	return shell_send(s, line, len, err);
}

/* Only the shell's own line is one that the node can tell about. */
static bool ask(struct shell *s, enum remsh_help what, struct error *err)
{
	char *text = what == REMSH_COMPLETE ? input_before() : input_word();
	bool ours = s->kind != REMSH_FOR_SHELL || text[0] == '\0', ok = true;

	if (!ours && what == REMSH_COMPLETE && !s->more)
		ok = shell_complete_command(s, text, &ours, err);
	ok = ok && (ours || remsh_ask(&s->remsh, what, text, err));

	free(s->asked);
	s->asked = what == REMSH_COMPLETE ? text : NULL;
	if (what != REMSH_COMPLETE)
		free(text);
	return ok;
}

bool shell_read_input(struct shell *s, struct error *err)
{
	char *line;
	bool ok;

	switch (input_read()) {
	case INPUT_COMPLETE:
		return ask(s, REMSH_COMPLETE, err);
	case INPUT_DOCUMENT:
		return ask(s, REMSH_DOCUMENT, err);
	case INPUT_LINE:
		line = input_take_line();
		ok = take_line(s, line, err);
		free(line);
		return ok;
	case INPUT_EDIT:
		line = input_line();
		input_end_edit();
		ok = shell_edit(s, line, err);
		free(line);
		s->wanted = s->kind;
		return ok;
	case INPUT_END:
		return shell_leave(s, SHELL_LEFT, err);
	case INPUT_NOTHING:
		break;
	}
	return true;
}
