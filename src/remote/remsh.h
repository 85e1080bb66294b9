/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An interactive shell on the node: the contract between C and the program of remsh*.erl. Nothing is loaded there and nothing stays behind.
 * `Tag` is a reference of ours, the same in all messages of a shell. It is spawned as session.h has it, with
 *
 *     Args = {Client, Tag, Language, Columns, Rows, Window, Guard}
 *       Language   erlang | elixir: whose shell; auto: IEx where Elixir's application runs
 *       Window     how many bytes of output may be on their way unacknowledged
 *       Guard      as in session.h; with 1 (read-only) the shell is remsh_evaluator.erl
 *
 * The spawned process is W, the relay that it starts R. To us:
 *
 *     {Tag, 0, R, W, Release, Language}  the shell of Language has started on OTP Release, always the first; lines and acknowledgements go to R, the end to W
 *     {Tag, 1, Bytes}                    output, UTF-8, at most 240 KiB; a character may be split between two
 *     {Tag, 2, Kind, More, Prompt}       a line is wanted. Kind 1: for the shell; 2: by code that reads; 0: no longer. More: true where what came so far
 *                                        is not whole. Prompt: UTF-8, at most 1 KiB
 *     {Tag, 3, What}                     the guard found What ("init:stop/0") in a line, which waits for the answer. No more often than bytes of lines were sent since one was
 *                                        refused
 *     {Tag, 6, Id, Insert, Names, Count} the answer to {Tag, 4, Id, …}: text that goes on for certain, and the first 400 of Count names that are
 *                                        possible, as binaries
 *     {Tag, 5, Outcome, Detail, Sent, Detached}   the end, always the last; as in session.h: 4, 6, or 7 (the shell ended: Detail tells)
 *     {Tag, 7}                           {Tag, 5} has been obeyed; output behind it is of what comes after
 *
 * From us, to R but for the last:
 *
 *     {Tag, 0, N}                N more bytes of output have been taken
 *     {Tag, 1, Text}             lines, UTF-8, with newlines between them and none behind the last; also ahead of time
 *     {Tag, 2, Answer}           true | false, to {Tag, 3, _}. false: the shell does not see the line, nor those sent behind it
 *     {Tag, 3, Columns, Rows}    of the terminal from now on
 *     {Tag, 4, Id, What, Text}   What 1: complete Text, what stands before the cursor; 2: print the documentation of Text, a module or function;
 *                                3: print how the node is.
 *                                The one before, if it has no answer yet, gets none
 *     {Tag, 5}                   interrupt: what is unfinished is given up, or the evaluation is ended; lines and output that wait are forgotten
 *     {Tag, 2} to W              the end: shell, evaluation and what hangs on them by links and monitors are killed
 *
 * When the connection goes down or Client ends, W does the same without being told. The shell never reads end of file, which would make it stop
 * the node.
 */
#ifndef REMOTE_REMSH_H
#define REMOTE_REMSH_H

#include "remote/program.h"

enum remsh_message {
	REMSH_STARTED = 0,
	REMSH_OUTPUT = 1,
	REMSH_PROMPT = 2,
	REMSH_QUESTION = 3,
	REMSH_END = 5,
	REMSH_HELP = 6,
	REMSH_INTERRUPTED = 7,
};

enum remsh_prompt_kind { REMSH_NO_PROMPT = 0, REMSH_FOR_SHELL = 1, REMSH_FOR_CODE = 2 };

enum remsh_help { REMSH_COMPLETE = 1, REMSH_DOCUMENT = 2, REMSH_INFO = 3 };

enum remsh_order {
	REMSH_ACKNOWLEDGE = 0,
	REMSH_LINES = 1,
	REMSH_ANSWER = 2,
	REMSH_SIZE = 3,
	REMSH_ASK = 4,
	REMSH_INTERRUPT = 5,
};

#endif
