/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What could stop the node is asked about first. Where a text holds anything that could name such a function, the list of them goes with the
 * evaluation; the node finds them in the parsed text (remote/session) and asks; here a person types the node's name, or
 * `--confirm NODE` has named it.
 */
#ifndef NODE_GUARD_H
#define NODE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "etf/term.h"

/*
 * What is guarded besides: functions with commas between them, as the configuration names them, shop:drop_all/1, Shop.Repo.reset/0 or without an arity for
 * any. NULL: nothing. It holds for this process, until the next call. Errors: ERROR_CONFIG.
 */
bool guard_add(const char *functions, struct error *err);
/* The list of functions as the term that remote/session takes: [{ModuleBinary, FunctionBinary, Arity}]. */
bool guard_put_list(struct buf *out);
/*
 * Is it worth a look by the node's side of the guard? A text of which this says no can neither name what is guarded nor make such a name from
 * parts: most texts. The node is then given no list, and not that part of the program.
 */
bool guard_concerns_text(const char *text, size_t len);
bool guard_concerns_call(const char *module, const char *function, const struct term *arguments);

/*
 * May the evaluation go on, given what was found ("init:stop/0")? A terminal is asked for the node's name. Errors: ERROR_GUARD where
 * there is none to ask or another name was typed, ERROR_INTERRUPTED.
 */
bool guard_ask(const char *found, const char *node, bool may_ask, struct error *err);
/*
 * --confirm NAME: must name this node, which then may be stopped (*confirmed), or its environment (NULL: it has none). Errors: ERROR_GUARD.
 */
bool guard_check_confirm(const char *confirm, const char *node, const char *environment, bool *confirmed,
			 struct error *err);
/*
 * Has a person type the name of the environment that the target belongs to, before anything is done there. Errors: ERROR_GUARD (another
 * name was typed, or there is no terminal), ERROR_INTERRUPTED.
 */
bool guard_ask_environment(const char *environment, const char *target, bool may_ask, struct error *err);

#endif
