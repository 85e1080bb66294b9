/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a terminal would have done with the bytes on standard input: libvterm is shown them, and each thing that a node must not be able to do to a
 * person's terminal is told, a word a line: title, icon, altscreen, mouse, reverse, cursor (hidden or reshaped), answer (bytes that the terminal would
 * have typed back: a cursor report, say). Nothing is told of text, colours and moves.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vterm.h>

enum { ROWS = 40, COLUMNS = 100, BLOCK = 65536 };

static int listening;

static int on_property(VTermProp property, VTermValue *value, void *context)
{
	(void)value;
	(void)context;
	if (!listening)
		return 1;
	switch (property) {
	case VTERM_PROP_TITLE:
		puts("title");
		break;
	case VTERM_PROP_ICONNAME:
		puts("icon");
		break;
	case VTERM_PROP_ALTSCREEN:
		puts("altscreen");
		break;
	case VTERM_PROP_MOUSE:
		puts("mouse");
		break;
	case VTERM_PROP_REVERSE:
		puts("reverse");
		break;
	case VTERM_PROP_CURSORVISIBLE:
	case VTERM_PROP_CURSORSHAPE:
	case VTERM_PROP_CURSORBLINK:
		puts("cursor");
		break;
	default:
		break;
	}
	return 1;
}

int main(void)
{
	static const VTermScreenCallbacks callbacks = { .settermprop = on_property };
	VTerm *terminal = vterm_new(ROWS, COLUMNS);
	VTermScreen *screen = vterm_obtain_screen(terminal);
	static char block[BLOCK], answer[BLOCK];
	ssize_t n;

	vterm_set_utf8(terminal, 1);
	vterm_screen_set_callbacks(screen, &callbacks, NULL);
	vterm_screen_enable_altscreen(screen, 1);
	vterm_screen_reset(screen, 1);
	listening = 1;
	while ((n = read(STDIN_FILENO, block, sizeof block)) > 0) {
		vterm_input_write(terminal, block, (size_t)n);
		if (vterm_output_read(terminal, answer, sizeof answer) > 0)
			puts("answer");
	}
	vterm_free(terminal);
	return n < 0;
}
