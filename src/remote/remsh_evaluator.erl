%% SPDX-License-Identifier: GPL-3.0-or-later
%% The shell of a read-only session, in the place of the node's own: lines are evaluated as session_readonly lets them, with their bindings
%% kept. Each is evaluated in a process of its own, so that it can be interrupted.
-module(remsh_evaluator).
-export([start/1]).
-import(session_lib, [text/1]).

start(P) ->
    process_flag(trap_exit, true),
    io:put_chars("Read-only: only what looks and does not touch is evaluated.\n"),
    loop({P, ets:new(ets, [public, ordered_set]), make_ref()}, 1, erl_eval:new_bindings()).

loop(S, N, Bs) ->
    Prompt = case node() of
                 nonode@nohost -> io_lib:format("~w> ", [N]);
                 Node -> io_lib:format("(~ts)~w> ", [Node, N])
             end,
    case io:request(group_leader(), {get_until, unicode, Prompt, erl_scan, tokens, [{1, 1}, [text]]}) of
        {ok, Tokens, _} ->
            case session_evaluator:parse(element(1, S), Tokens) of
                {ok, Form} -> loop(S, N + 1, line(S, [Form], Bs));
                {2, {Line, Column, What}} ->
                    io:format("* ~w:~w: ~ts~n", [Line, Column, What]),
                    loop(S, N, Bs)
            end;
        {error, {Place, M, What}, _} ->
            {2, {Line, Column, Text}} = session_evaluator:syntax_error(element(1, S), {error, {Place, M, What}}),
            io:format("* ~w:~w: ~ts~n", [Line, Column, Text]),
            loop(S, N, Bs);
        _ -> exit(normal)
    end.

%% -> bindings. A line that is interrupted, refused or fails leaves those that there were.
line(S, Forms, Bs) ->
    Loop = self(),
    {E, Monitor} = spawn_monitor(fun() -> evaluate(S, Loop, Forms, Bs) end),
    Kept = await(E, Monitor, Bs),
    demonitor(Monitor, [flush]),
    exit(E, kill),
    Kept.

await(E, Monitor, Bs) ->
    receive
        {E, 1, New} -> New;
        {E, 2, 8, {What, _}} ->
            io:format("** ~ts is not among the harmless functions of --read-only~n", [What]),
            Bs;
        {'DOWN', Monitor, _, _, Reason} ->
            io:format("** exception exit: ~tP~n", [Reason, 30]),
            Bs;
        {'EXIT', _, Reason} when is_atom(Reason) ->
            case atom_to_list(Reason) of
                "interrupt" ->
                    io:put_chars("** exception exit: interrupted\n"),
                    Bs;
                _ -> await(E, Monitor, Bs)
            end;
        _ -> await(E, Monitor, Bs)
    end.

evaluate({P, Records, Mark}, Loop, Forms, Bs) ->
    Columns = case io:columns() of {ok, C} -> C; _ -> 80 end,
    case session_readonly:handlers(P, Loop, Columns, Records, Forms, Mark) of
        {8, What} ->
            Loop ! {self(), 2, 8, What};
        {Local, Kept} ->
            case session_evaluator:values(P, lists:append(Forms), Bs, Local, Kept, Records) of
                {value, V, Bs1} ->
                    io:put_chars([session_evaluator:pretty(P, V, 1, 30, Columns, Records), $\n]),
                    Loop ! {self(), 1, Bs1};
                {exception, Class, Reason, Stack} ->
                    io:put_chars([session_evaluator:exception_text(P, Class, Reason, Stack, Columns, Records), $\n]),
                    Loop ! {self(), 1, Bs};
                {2, {Line, Column, What}} ->
                    io:put_chars(text(io_lib:format("* ~w:~w: ~ts~n", [Line, Column, What]))),
                    Loop ! {self(), 1, Bs}
            end
    end.
