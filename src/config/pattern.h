/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of hosts and nodes by pattern, as ssh_config(5) has them: * is any characters, ? is one, a ! before it makes an exception, and
 * everything else is itself.
 */
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include <stdbool.h>

/* Does the text as a whole fit the pattern (without its !)? Takes at most their lengths' product of steps. */
bool pattern_fits(const char *pattern, const char *text);
/* Has it only characters that names of hosts and nodes have, or patterns? No shell, and no terminal, means anything by them. */
bool pattern_is_plain(const char *pattern);
/* Has it * or ? or !, so that it is no name? */
bool pattern_is_wild(const char *pattern);

#endif
