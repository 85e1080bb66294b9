/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The completion of shells, from the tables of commands and options: scripts for bash, zsh and fish. */
#ifndef CMD_COMPLETION_H
#define CMD_COMPLETION_H

#include <stdbool.h>

/* Writes the shell's script to standard output; false: there is none for it. */
bool completion_print(const char *shell);

#endif
