/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "base/output.h"

void list_add(struct list *list, const char *text)
{
	bool last = list->count % list->columns == list->columns - 1;

	list->cells = xrealloc(list->cells, (list->count + 1) * sizeof *list->cells);
	list->cells[list->count++] = xstrdup(text && *text ? text : last ? "" : "-");
}

static char *table_text(const struct list *list)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_line *line = NULL;
	char *text = NULL;

	if (!table)
		return NULL;
	for (size_t i = 0; i < list->columns; i++)
		scols_table_new_column(table, list->heads[i], 0, (int)i == list->right ? SCOLS_FL_RIGHT : 0);
	for (size_t i = 0; i < list->count; i++) {
		if (i % list->columns == 0)
			line = scols_table_new_line(table, NULL);
		if (line)
			scols_line_set_data(line, i % list->columns, list->cells[i]);
	}
	scols_table_enable_maxout(table, 0);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	if (scols_print_table_to_string(table, &text) != 0)
		text = NULL;
	scols_unref_table(table);
	return text;
}

static bool show_text(const char *text, bool to_stderr, struct error *err)
{
	struct output out;

	output_init(&out, to_stderr ? STDERR_FILENO : STDOUT_FILENO, to_stderr ? "standard error" : "standard output",
		    strlen(text) + 2);
	output_put(&out, text, strlen(text));
	output_put(&out, "\n", 1);
	bool ok = output_flush(&out, err);
	output_clear(&out);
	return ok;
}

void list_clear(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->cells[i]);
	free(list->cells);
	list->cells = NULL;
	list->count = 0;
}

bool list_show(struct list *list, struct error *err)
{
	bool ok = true;

	if (list->count > 0) {
		char *text = table_text(list);
		ok = text ? show_text(text, list->to_stderr, err)
			  : error_set(err, ERROR_NO_RESOURCES, "the table cannot be made");
		free(text);
	}
	list_clear(list);
	return ok;
}
