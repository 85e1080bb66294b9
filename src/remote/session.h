/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One evaluation on the node: the contract between C and the program of session*.erl. Nothing is loaded there and nothing
 * stays behind. Terms below are in Erlang syntax; `Tag` is a reference of ours, the same in all messages of an evaluation.
 *
 * Start: SPAWN_REQUEST (with monitor, group leader = our pid) of erl_eval:exprs/2 with the arguments
 *
 *     [Loader, [{pid, Program}, {node, Args}]]        Loader: remote_session_program.loader, Program: a binary that holds a tuple
 *                                                     of its sections, in external format;
 *                                                     pid and node: names that every node knows
 *     Args = {Client, Tag, Language, Input, Confirmed, Show, Columns, Window, Guard}
 *       Client     our pid
 *       Language   erlang | elixir
 *       Input      {1, Text} (binary, UTF-8) | {2, Module, Function, Arguments} | {3, Text, Goes}: each sentence (of Elixir: expression) shows its
 *                  value, with the variables of those before it; Goes, true | false: whether a failure leaves the rest to be evaluated
 *       Confirmed  true | false: whether --confirm named this node; then nothing is asked
 *       Show       1 as the node's own shell prints it, 2 the same without limit of depth, 3 as term_to_binary,
 *                  4 raw bytes of a binary or iodata, 5 not at all
 *       Columns    width of the text, 80 where there is no terminal
 *       Window     how many bytes may be on their way unacknowledged, 1 at least. A chunk may pass it by less than 240 KiB.
 *       Guard      [{Module, Function, Arity}], names as binaries, Arity -1 for any; [] where there is nothing to look for;
 *                  1: read-only. Then only what session_harmless.erl lists is called, of a text of Erlang; Confirmed changes nothing
 *
 * The spawned process is W. To us:
 *
 *     {Tag, 0, Relay, W}                    it has started, always the first; acknowledgements go to Relay, the rest to W
 *     {Tag, 1, Bytes}                       output of the code, UTF-8
 *     {Tag, 2, Bytes}                       of the value
 *     {Tag, 3, Bytes}                       of the text of an exception or of the compiler's messages, UTF-8
 *                                           Each has at most 240 KiB; a character may be split between two of the same kind.
 *                                           Values and exceptions end without newline. All three count against Window.
 *     {Tag, 4, What}                        the guard found What ("init:stop/0", as a binary) and asks; nothing of the text
 *                                           has been evaluated yet
 *     {Tag, 5, Outcome, Detail, Sent, Detached}   the end; always the last
 *       Outcome 0   done; Detail <<>>
 *               1   exception, its text has been sent; Detail {Class, Reason}: binaries in one line, for JSON
 *               2   syntax error, or an error that the shell finds before it evaluates, such as an unbound variable (what
 *                   stands before it in the text has then been evaluated); Detail {Line, Column, Text}
 *               3   refused; Detail What
 *               4   ended on our request; Detail <<>>
 *               5   Show was 4 and the value is no iodata; Detail a short text of it
 *               6   there is no Elixir on the node; Detail <<>>
 *               7   the evaluator died (killed from elsewhere, or by what it was linked to); Detail a short text of the reason
 *               8   read-only, and not harmless; Detail {What, Begun}: 0 if nothing has been evaluated, 1 if what stands before it has
 *       Sent        how many bytes of kinds 1 to 3 came before; -1 where the relay was killed from elsewhere and nobody knows
 *       Detached    how many processes that the code started without a link live on, with the node's `user` as their group
 *                   leader; -1 where the node has more than 20,000 processes and nobody counted
 *
 * From us:
 *
 *     {Tag, 0, N} to Relay      N more bytes of kinds 1 to 3 have been taken
 *     {Tag, 1, Answer} to W     true | false, the answer to {Tag, 4, _}
 *     {Tag, 2} to W             end the evaluation now: it, and what hangs on it by links and monitors, is killed, output
 *                               that waits for the window is dropped. Sent again while output is being flushed, it drops that.
 *
 * When the connection goes down or Client ends, W does the same without being told. Processes that were not linked live on.
 *
 * Guard list to use (the list itself is src/node's). Built into the program besides: exit signals and messages to system
 * processes (exit(whereis(init), kill), init ! ...), application:stop(kernel | stdlib).
 *
 *     {init, stop, -1} {init, restart, -1} {init, reboot, -1} {erlang, halt, -1} {c, q, 0} {shell_default, q, 0}
 *     {init, boot, 1} {heart, set_cmd, 1} {heart, clear_cmd, 0} {release_handler, reboot_old_release, -1}
 *     {release_handler, install_release, -1} {erl_signal_handler, start, 0} {erts_internal, erase_persistent_terms, 0}
 *     {'Elixir.System', halt, -1} {'Elixir.System', stop, -1} {'Elixir.System', restart, -1}
 *     {'Elixir.IEx.Helpers', q, 0} {'Elixir.Mix', halt, -1}
 *
 * Not found: names that are computed at run time from other things than strings in the text (lists:reverse("tlah")), code
 * that was there before and stops the node itself, os:cmd("kill ...").
 */
#ifndef REMOTE_SESSION_H
#define REMOTE_SESSION_H

#include "remote/program.h"

/* In the place of the guard's list. */
#define SESSION_READ_ONLY 1

enum session_input { SESSION_INPUT_TEXT = 1, SESSION_INPUT_APPLY = 2, SESSION_INPUT_SCRIPT = 3 };

enum session_show {
	SESSION_SHOW_SHELL = 1,
	SESSION_SHOW_FULL = 2,
	SESSION_SHOW_TERM = 3,
	SESSION_SHOW_RAW = 4,
	SESSION_SHOW_NOTHING = 5,
};

/* Second element of what comes. */
enum session_message {
	SESSION_STARTED = 0,
	SESSION_OUTPUT = 1,
	SESSION_VALUE = 2,
	SESSION_EXCEPTION = 3,
	SESSION_QUESTION = 4,
	SESSION_END = 5,
};

/* Second element of what we send. */
enum session_order { SESSION_ACKNOWLEDGE = 0, SESSION_ANSWER = 1, SESSION_KILL = 2 };

enum session_outcome {
	SESSION_DONE = 0,
	SESSION_FAILED = 1,
	SESSION_SYNTAX = 2,
	SESSION_REFUSED = 3,
	SESSION_KILLED = 4,
	SESSION_NOT_BYTES = 5,
	SESSION_NO_LANGUAGE = 6,
	SESSION_DIED = 7,
	SESSION_NOT_HARMLESS = 8,
};

#endif
