%% SPDX-License-Identifier: GPL-3.0-or-later
%% The I/O server of the node's shell. Reads are served here: whatever module and function a request names runs on this node, never at the
%% caller's. Lines come ahead, so that a pasted block costs one round trip.
-module(remsh_relay).
-export([start/3]).
-import(session_lib, [end_all/2, strays/2, one_line/1]).
-import(session_io, [write/3, pump/2, io_request/3]).

start(P, W, {Client, Tag, Wanted, Columns, Rows, Window, Guard}) ->
    Language = language(Wanted),
    process_flag(trap_exit, true),
    monitor(process, W),
    %% What is started now has us as its group leader; our own crashes must not come to us.
    Own = group_leader(),
    group_leader(self(), self()),
    Shell = case Guard of 1 -> spawn_opt(fun() -> remsh_evaluator:start(P) end, [link]); _ -> shell(Language) end,
    group_leader(Own, self()),
    W ! {self(), 1, [Shell || is_pid(Shell)]},
    Client ! {Tag, 0, self(), W, list_to_binary(erlang:system_info(binary_to_atom(<<"otp_release">>, utf8))), Language},
    S = {W, Client, Tag, P, Shell, Language, Guard},
    case Shell of
        none -> W ! {self(), 2, 6, <<>>};
        _ -> ok
    end,
    relay(S, {Window, 0, []}, none, {{Columns, Rows, Language =:= elixir}, [], [], {<<>>, []}}, []).

%% auto: IEx where Elixir runs.
language(Wanted) when Wanted =:= erlang; Wanted =:= elixir -> Wanted;
language(_) ->
    case lists:keymember(elixir, 1, application:which_applications()) of
        true -> elixir;
        false -> erlang
    end.

shell(erlang) ->
    code:ensure_loaded(user_default),
    spawn_opt(shell, server, [true, false], [link]);
shell(elixir) ->
    case catch application:ensure_all_started(binary_to_atom(<<"iex">>, utf8)) of
        {ok, _} ->
            Server = binary_to_atom(<<"Elixir.IEx.Server">>, utf8),
            spawn_opt(Server, binary_to_atom(<<"run_from_shell">>, utf8), [[], {erlang, self, []}], [link]);
        _ -> none
    end.

%% S: {watcher, client, tag, program, shell, language, guard}. O: session_io. Read: none, the one that is being served (read/4), or {0, Read,
%% Result}: the guard asks. I: {Terminal, reads that wait, lines that wait, {Elixir's text so far, guarded names that were seen}}.
%% Last: [] or the last message. Every message is taken as it comes: erl_eval would otherwise send all skipped ones anew.
%% What makes this process crash ends the shell, so a request may hold anything: whoever runs on the node can send one.
relay({W, Client, Tag, _, Shell, _, _} = S, {Allowed, Sent, Queue} = O, Read, {Terminal, Waiting, Lines, Seen} = I, Last) ->
    receive
        {io_request, From, As, {put_chars, unicode, Bin}}
          when is_pid(From), is_binary(Bin), byte_size(Bin) =< 65536, Sent < Allowed, Queue =:= [] ->
            case unicode:characters_to_binary(Bin) of
                Text when is_binary(Text) ->
                    Client ! {Tag, 1, Bin},
                    From ! {io_reply, As, ok},
                    relay(S, {Allowed, Sent + byte_size(Bin), []}, Read, I, Last);
                _ ->
                    From ! {io_reply, As, {error, badarg}},
                    relay(S, O, Read, I, Last)
            end;
        {io_request, From, As, Request} when is_pid(From) ->
            case reading(Request) of
                none ->
                    {Bytes, Reply} = io_request(Request, Terminal, []),
                    relay(S, write(S, O, {1, Bytes, From, {io_reply, As, Reply}}), Read, {terminal(Request, Terminal), Waiting, Lines, Seen}, Last);
                R when Read =:= none -> read(S, O, {From, As, R}, I, Last);
                R -> relay(S, O, Read, {Terminal, Waiting ++ [{From, As, R}], Lines, Seen}, Last)
            end;
        {Tag, 0, Bytes} when is_integer(Bytes) ->
            next(S, pump(S, {Allowed + Bytes, Sent, Queue}), Read, I, Last);
        {Tag, 1, Text} ->
            More = {Terminal, Waiting, Lines ++ [line(L) ++ "\n" || L <- binary:split(Text, <<"\n">>, [global])], Seen},
            case Read of
                none -> relay(S, O, none, More, Last);
                {0, _, _} -> relay(S, O, Read, More, Last);
                _ -> feed(S, O, Read, More, Last)
            end;
        {Tag, 2, Answer} ->
            answered(S, O, Read, I, Last, Answer);
        {Tag, 3, Columns, Rows} ->
            relay(S, O, Read, {{Columns, Rows, element(3, Terminal)}, Waiting, Lines, Seen}, Last);
        {Tag, 4, Id, What, Text} ->
            %% Only the newest is wanted.
            case get(1) of
                Before when is_pid(Before) -> exit(Before, kill);
                _ -> ok
            end,
            R = self(),
            P = element(4, S),
            put(1, spawn_link(fun() -> remsh_helper:start(P, S, R, Id, {What, Text}) end)),
            relay(S, O, Read, I, Last);
        {Tag, 5} ->
            [Writer ! Reply || {_, _, Writer, Reply} <- Queue],
            Client ! {Tag, 7},
            interrupt(S, {Allowed, Sent, []}, Read, {Terminal, Waiting, [], Seen}, Last);
        {'DOWN', Monitor, process, Pid, _} ->
            case {Pid, Read} of
                {W, _} -> end_all(strays(self(), processes()), self());
                {_, {_, _, Monitor, _, _, _, _, _, _}} ->
                    Client ! {Tag, 2, 0, false, <<>>},
                    free(S, O, I, Last);
                {_, {0, {_, _, Monitor, _, _, _, _, _, _}, _}} -> free(S, O, I, Last);
                _ -> relay(S, O, Read, I, Last)
            end;
        {'EXIT', Shell, Reason} ->
            W ! {self(), 2, 7, one_line(Reason)},
            relay(S, O, Read, I, Last);
        {W, 0, Message} ->
            next(S, O, Read, I, [Message]);
        {W, 1, Message} ->
            Client ! setelement(5, Message, Sent);
        _ ->
            relay(S, O, Read, I, Last)
    end.

next(S, {_, Sent, []}, _, _, [Message]) -> element(2, S) ! setelement(5, Message, Sent);
next(S, O, Read, I, Last) -> relay(S, O, Read, I, Last).

%% -> {encoding, prompt, function of io_lib, its last argument}
reading({get_until, Encoding, Prompt, M, F, As}) -> {Encoding, Prompt, get_until, {M, F, As}};
reading({get_until, Prompt, M, F, As}) -> {latin1, Prompt, get_until, {M, F, As}};
reading({get_line, Encoding, Prompt}) -> {Encoding, Prompt, collect_line, []};
reading({get_line, Prompt}) -> {latin1, Prompt, collect_line, []};
reading({get_chars, Encoding, Prompt, N}) -> {Encoding, Prompt, collect_chars, N};
reading({get_chars, Prompt, N}) -> {latin1, Prompt, collect_chars, N};
reading(_) -> none.

terminal({setopts, Options}, {Columns, Rows, Binary}) when length(Options) > 0 ->
    case [O || O <- Options, O =:= binary orelse O =:= list orelse is_tuple(O) andalso element(1, O) =:= binary] of
        [binary | _] -> {Columns, Rows, true};
        [list | _] -> {Columns, Rows, false};
        [{binary, New} | _] when is_boolean(New) -> {Columns, Rows, New};
        _ -> {Columns, Rows, Binary}
    end;
terminal(_, Terminal) -> Terminal.

%% Read: {from, reply as, monitor, {encoding, function, argument}, prompt, kind, continuation, text that it has had, prompt's continuation mark}
read(S, O, {From, As, {Encoding, Prompt, F, A}}, {Terminal, Waiting, Lines, {Text, Names}}, Last) ->
    Kind = case element(5, S) of From -> 1; _ -> kind(From) end,
    Whole = prompt(Prompt),
    %% It is no output, which waits for the window.
    Shown = binary_part(Whole, 0, min(byte_size(Whole), 1024)),
    Goes = Kind =:= 1 andalso binary:match(Shown, <<"...">>) =:= {0, 3},
    Kept = case Goes of true -> Text; false -> <<>> end,
    %% The process that reads may hang on the shell by neither a link nor a monitor (IEx).
    Kind =:= 1 andalso begin element(1, S) ! {self(), 1, [element(5, S), From]} end,
    feed(S, O, {From, As, monitor(process, From), {Encoding, F, A}, Shown, Kind, start, <<>>, Goes},
         {Terminal, Waiting, Lines, {Kept, Names}}, Last).

%% 1: a line for the shell itself, 2: input that code asks for. It decides how the prompt looks, and whether the guard looks at the line.
kind(From) ->
    %% Not that of a process of another node.
    case catch process_info(From, current_stacktrace) of
        {current_stacktrace, Frames} ->
            Modules = [{atom_to_binary(element(1, F), utf8), atom_to_list(element(2, F))} || F <- Frames],
            Own = [1 || {M, F} <- Modules, M =:= <<"Elixir.IEx.Server">> orelse M =:= <<"shell">> andalso lists:prefix("-get_command", F)],
            case Own =/= [] andalso not lists:keymember(<<"Elixir.IEx.Evaluator">>, 1, Modules) of
                true -> 1;
                false -> 2
            end;
        _ -> 2
    end.

%% Text that is no UTF-8 is taken for what an old terminal sends.
line(Bytes) ->
    case unicode:characters_to_list(Bytes) of
        Chars when is_list(Chars) -> Chars;
        _ -> binary_to_list(Bytes)
    end.

prompt({format, Format, As}) ->
    prompt(catch io_lib:format(Format, As));
prompt(Prompt) when is_atom(Prompt) -> atom_to_binary(Prompt, utf8);
prompt(Prompt) ->
    case catch unicode:characters_to_binary(Prompt) of
        Text when is_binary(Text) -> Text;
        _ -> one_line(Prompt)
    end.

%% One line at a time, as a terminal would give them.
feed(S, O, {From, As, Monitor, {Encoding, F, A} = How, Prompt, Kind, Continuation, Had, Goes}, {Terminal, Waiting, [Line | Lines], Seen}, Last) ->
    Text = <<Had/binary, (unicode:characters_to_binary(Line))/binary>>,
    Read = {From, As, Monitor, How, Prompt, Kind, Continuation, Text, Goes},
    case catch io_lib:F(Continuation, Line, Encoding, A) of
        {stop, Result, Rest} ->
            %% The function may have made anything of it.
            case is_list(Rest) andalso (catch unicode:characters_to_list(Rest)) of
                [_ | _] = Chars -> done(S, O, Read, {Terminal, Waiting, [Chars | Lines], Seen}, Last, Result);
                _ -> done(S, O, Read, {Terminal, Waiting, Lines, Seen}, Last, Result)
            end;
        {'EXIT', _} -> reply(S, O, Read, {Terminal, Waiting, Lines, Seen}, Last, {error, F});
        More -> feed(S, O, setelement(7, Read, More), {Terminal, Waiting, Lines, Seen}, Last)
    end;
feed({_, Client, Tag, _, _, _, _} = S, O, {_, _, _, _, Prompt, Kind, _, Had, Goes} = Read, I, Last) ->
    Client ! {Tag, 2, Kind, Goes orelse re:run(Had, <<"\\S">>, [{capture, none}]) =:= match, Prompt},
    relay(S, O, Read, I, Last).

done(S, O, {_, _, _, _, _, 1, _, Had, _} = Read, {Terminal, Waiting, Lines, {Text, Names}} = I, Last, Result) ->
    {What, Text1, Names1} = case catch danger(S, Result, <<Text/binary, Had/binary>>, Names) of
                                {'EXIT', _} -> {<<"what the guard cannot read">>, <<>>, Names};
                                Found -> Found
                            end,
    case What of
        none -> reply(S, O, Read, {Terminal, Waiting, Lines, {Text1, Names1}}, Last, Result);
        _ ->
            element(2, S) ! {element(3, S), 3, What},
            relay(S, O, {0, Read, Result}, setelement(4, I, {Text, Names1}), Last)
    end;
done(S, O, Read, I, Last, Result) -> reply(S, O, Read, I, Last, Result).

%% -> {what the guard found, the text that an unfinished expression of Elixir has so far, names that were seen}
danger({_, _, _, _, _, _, Guard}, _, _, Names) when not is_list(Guard); Guard =:= [] -> {none, <<>>, Names};
danger({_, _, _, P, _, erlang, Guard}, {ok, Tokens, _}, _, Names) when is_list(Tokens) ->
    case erl_parse:parse_exprs([setelement(2, T, erl_anno:location(element(2, T))) || T <- Tokens]) of
        {ok, Forms} ->
            {What, Names1} = session_guard:line_danger(P, Guard, Forms, Names),
            {What, <<>>, Names1};
        _ -> {none, <<>>, Names}
    end;
danger({_, _, _, P, _, elixir, Guard}, _, Text, Names) -> remsh_elixir:danger(P, Guard, Text, Names);
danger(_, _, _, Names) -> {none, <<>>, Names}.

%% A refused line is one that the shell never sees; nor does it see what was sent behind it.
answered(S, O, {0, Read, Result}, I, Last, true) -> reply(S, O, Read, setelement(4, I, {<<>>, element(2, element(4, I))}), Last, Result);
answered(S, O, {0, {_, _, _, _, _, _, _, _, true} = Read, _}, I, Last, _) -> interrupt(S, O, Read, I, Last);
answered(S, O, {0, Read, _}, I, Last, _) -> again(S, O, Read, I, Last);
answered(S, O, Read, I, Last, _) -> relay(S, O, Read, I, Last).

again(S, O, {From, As, Monitor, How, Prompt, Kind, _, _, _}, {Terminal, Waiting, _, {_, Names}}, Last) ->
    feed(S, O, {From, As, Monitor, How, Prompt, Kind, start, <<>>, false}, {Terminal, Waiting, [], {<<>>, Names}}, Last).

reply(S, O, {From, As, Monitor, {_, F, _}, _, _, _, _, _}, I, Last, Result) ->
    demonitor(Monitor, [flush]),
    From ! {io_reply, As, case {F, Result} of
                              {get_until, _} -> Result;
                              {_, [_ | _]} when element(3, element(1, I)) -> unicode:characters_to_binary(Result);
                              _ -> Result
                          end},
    free(S, O, I, Last).

free(S, O, {Terminal, [Request | Waiting], Lines, Seen}, Last) -> read(S, O, Request, {Terminal, Waiting, Lines, Seen}, Last);
free(S, O, I, Last) -> relay(S, O, none, I, Last).

%% At the shell's own prompt an unfinished expression is given up, else the evaluation ends.
interrupt(S, O, {0, Read, _}, I, Last) -> interrupt(S, O, Read, I, Last);
interrupt(S, O, {_, _, _, _, _, 1, _, _, true} = Read, {Terminal, Waiting, _, {_, Names}}, Last) ->
    %% IEx has had the lines before this one (up to 1.17), and gives them up for this one only.
    feed(S, O, Read, {Terminal, Waiting, ["#iex:break\n"], {<<>>, Names}}, Last);
interrupt(S, O, {_, _, _, _, _, 1, _, _, _} = Read, I, Last) -> again(S, O, Read, I, Last);
interrupt({_, _, _, _, Shell, _, _} = S, O, Read, I, Last) ->
    is_pid(Shell) andalso exit(Shell, binary_to_atom(<<"interrupt">>, utf8)),
    relay(S, O, Read, I, Last).
