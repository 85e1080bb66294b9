%% SPDX-License-Identifier: GPL-3.0-or-later
%% What one evaluation does on the node. generate.escript turns the session*.erl files into data; nothing of them is ever
%% loaded there. The messages are documented in session.h. Three processes:
%%
%%   the watcher (main/2), spawned by the caller, which watches the caller and ends everything;
%%   the relay (session_relay), I/O server of the evaluation: sends its output, and its value, under a window of bytes;
%%   the evaluator (session_evaluator and others), whose group leader the relay is.
%%
%% The rules of these files: nothing newer than OTP 23; no atom that a fresh node lacks (messages are told apart by numbers,
%% names of Elixir modules are binaries until needed); native functions for whatever is proportional to the size of the
%% operator's text or data, since each step taken here is a step of erl_eval. P is the program. A call of another file's
%% function takes it as its first argument and decodes that file anew: decoding all of it would take 2 ms each time.
-module(session).
-export([main/2]).
-import(session_lib, [end_all/2, strays/2, one_line/1, running/0, started/1, detach/2, finish/4]).

main(P, {Client, Tag, Language, Input, Confirmed, Show, Columns, Window, Guard}) ->
    process_flag(trap_exit, true),
    Link = monitor(process, Client),
    W = self(),
    Before = running(),
    {R, Relay} = spawn_opt(fun() -> session_relay:start(P, W, Client, Tag, Columns, Window) end, [monitor, {min_heap_size, 30000}]),
    Questions = case Confirmed of true when is_list(Guard) -> []; _ -> Guard end,
    {E, Evaluator} = spawn_opt(fun() -> session_evaluator:start(P, W, R, {Tag, Language, Input, Show, Columns, Questions}) end,
                               [monitor, {min_heap_size, 50000}]),
    watch({Client, Tag, Link, R, Relay, E, Evaluator, Before}).

watch({Client, Tag, Link, R, Relay, E, Evaluator, Before} = S) ->
    receive
        {E, 1, What} ->
            Client ! {Tag, 4, What},
            watch(S);
        {Tag, 1, Answer} ->
            E ! {Tag, 1, Answer},
            watch(S);
        {E, 2, Outcome, Detail} ->
            end_all([E], R),
            finish({Client, Tag, Link, R, Relay}, {Tag, 5, Outcome, Detail, -1, detach(R, Before)}, 0, infinity);
        {Tag, 2} ->
            end_all([E], R),
            finish({Client, Tag, Link, R, Relay}, {Tag, 5, 4, <<>>, -1, detach(R, Before)}, 1, infinity);
        {'DOWN', Link, _, _, _} ->
            abandon(E, R, Before);
        {'EXIT', Client, _} ->
            abandon(E, R, Before);
        {'DOWN', Evaluator, _, _, Reason} ->
            finish({Client, Tag, Link, R, Relay}, {Tag, 5, 7, one_line(Reason), -1, detach(R, Before)}, 0, infinity);
        {'DOWN', Relay, _, _, Reason} ->
            end_all([E | strays(R, started(Before))], R),
            Client ! {Tag, 5, 7, one_line({R, Reason}), -1, 0};
        _ ->
            watch(S)
    end.

abandon(E, R, Before) ->
    end_all([E], R),
    detach(R, Before),
    exit(R, kill).
