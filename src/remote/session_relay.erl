%% SPDX-License-Identifier: GPL-3.0-or-later
%% The I/O server of an evaluation, and the window under which output and value go to the caller.
-module(session_relay).
-export([start/6]).
-import(session_lib, [end_all/2, strays/2]).
-import(session_io, [write/3, pump/2, io_request/3]).

start(_, W, Client, Tag, Columns, Window) ->
    monitor(process, W),
    %% From here, so that it comes before any output.
    Client ! {Tag, 0, self(), W},
    %% Room for all: nothing stops to ask whether there shall be more (c:i/0 would ask again and again).
    relay({W, Client, Tag, {Columns, 16777215, false}}, {Window, 0, []}, []).

%% Last: [] or the last message, to be sent when nothing waits. Every message is taken as it comes: erl_eval would otherwise send all
%% skipped ones anew.
relay({W, Client, Tag, Terminal} = S, {Allowed, Sent, Queue} = O, Last) ->
    receive
        {io_request, From, As, {put_chars, unicode, Bin}}
          when is_pid(From), is_binary(Bin), byte_size(Bin) =< 65536, Sent < Allowed, Queue =:= [] ->
            case unicode:characters_to_binary(Bin) of
                Text when is_binary(Text) ->
                    Client ! {Tag, 1, Bin},
                    From ! {io_reply, As, ok},
                    relay(S, {Allowed, Sent + byte_size(Bin), []}, Last);
                _ ->
                    From ! {io_reply, As, {error, badarg}},
                    relay(S, O, Last)
            end;
        {io_request, From, As, Request} when is_pid(From) ->
            {Bytes, Reply} = io_request(Request, Terminal, []),
            relay(S, write(S, O, {1, Bytes, From, {io_reply, As, Reply}}), Last);
        {Tag, 0, Bytes} ->
            next(S, pump(S, {Allowed + Bytes, Sent, Queue}), Last);
        {Tag, Kind, Bytes, From} ->
            relay(S, write(S, O, {Kind, Bytes, From, {Tag, 3}}), Last);
        {W, 0, Message} ->
            next(S, O, [Message]);
        {W, 1, Message} ->
            [Writer ! refused(Reply) || {_, _, Writer, Reply} <- Queue],
            Client ! setelement(5, Message, Sent);
        {'DOWN', _, process, W, _} ->
            end_all(strays(self(), processes()), self());
        _ ->
            relay(S, O, Last)
    end.

next(S, {_, Sent, []}, [Message]) -> element(2, S) ! setelement(5, Message, Sent);
next(S, O, Last) -> relay(S, O, Last).

refused({io_reply, As, _}) -> {io_reply, As, {error, terminated}};
refused(Reply) -> Reply.
