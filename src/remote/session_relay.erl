%% SPDX-License-Identifier: GPL-3.0-or-later
%% The I/O server of an evaluation, and the window under which output and value go to the caller.
-module(session_relay).
-export([start/6]).
-import(session_lib, [end_all/2, strays/2]).

start(_, W, Client, Tag, Columns, Window) ->
    monitor(process, W),
    %% From here, so that it comes before any output.
    Client ! {Tag, 0, self(), W},
    relay({W, Client, Tag, Columns, Window}, 0, [], []).

%% S holds how many bytes the caller allows in all; Sent: how many were sent; Queue: writes that wait, [{Kind, Bytes, Writer,
%% Reply}]; Last: [] or the last message, to be sent when the queue is empty. Every message is taken as it comes: erl_eval
%% would otherwise send all skipped ones anew.
relay({W, Client, Tag, Columns, Allowed} = S, Sent, Queue, Last) ->
    receive
        {io_request, From, As, {put_chars, unicode, Bin}}
          when is_binary(Bin), byte_size(Bin) =< 65536, Sent < Allowed, Queue =:= [] ->
            case unicode:characters_to_binary(Bin) of
                Text when is_binary(Text) ->
                    Client ! {Tag, 1, Bin},
                    From ! {io_reply, As, ok},
                    relay(S, Sent + byte_size(Bin), Queue, Last);
                _ ->
                    From ! {io_reply, As, {error, badarg}},
                    relay(S, Sent, Queue, Last)
            end;
        {io_request, From, As, Request} ->
            {Bytes, Reply} = io_request(Request, S, []),
            relay_write(S, Sent, Queue, {1, Bytes, From, {io_reply, As, Reply}}, Last);
        {Tag, 0, Bytes} ->
            pump({W, Client, Tag, Columns, Allowed + Bytes}, Sent, Queue, Last);
        {Tag, Kind, Bytes, From} ->
            relay_write(S, Sent, Queue, {Kind, Bytes, From, {Tag, 3}}, Last);
        {W, 0, Message} ->
            pump(S, Sent, Queue, [Message]);
        {W, 1, Message} ->
            [Writer ! refused(Reply) || {_, _, Writer, Reply} <- Queue],
            Client ! setelement(5, Message, Sent);
        {'DOWN', _, process, W, _} ->
            end_all(strays(self(), processes()), self());
        _ ->
            relay(S, Sent, Queue, Last)
    end.

refused({io_reply, As, _}) -> {io_reply, As, {error, terminated}};
refused(Reply) -> Reply.

relay_write(S, Sent, [], {_, <<>>, From, Reply}, Last) ->
    From ! Reply,
    relay(S, Sent, [], Last);
relay_write(S, Sent, Queue, Write, Last) ->
    pump(S, Sent, Queue ++ [Write], Last).

pump(S, Sent, [{Kind, Bytes, From, Reply} | Queue], Last) when Sent < element(5, S), byte_size(Bytes) > 245760 ->
    {Chunk, Rest} = split_binary(Bytes, 245760),
    element(2, S) ! {element(3, S), Kind, Chunk},
    pump(S, Sent + 245760, [{Kind, Rest, From, Reply} | Queue], Last);
pump(S, Sent, [{Kind, Bytes, From, Reply} | Queue], Last) when Sent < element(5, S) ->
    element(2, S) ! {element(3, S), Kind, Bytes},
    From ! Reply,
    pump(S, Sent + byte_size(Bytes), Queue, Last);
pump(S, Sent, [], [Message]) ->
    element(2, S) ! setelement(5, Message, Sent);
pump(S, Sent, Queue, Last) ->
    relay(S, Sent, Queue, Last).

%% -> {bytes to send, reply}
io_request({put_chars, Encoding, M, F, A}, _, Sent) ->
    try apply(M, F, A) of
        Chars -> put_chars(Encoding, Chars, Sent)
    catch
        _:_ -> {iolist_to_binary(Sent), {error, F}}
    end;
io_request({put_chars, Encoding, Chars}, _, Sent) -> put_chars(Encoding, Chars, Sent);
io_request({put_chars, Chars}, _, Sent) -> put_chars(latin1, Chars, Sent);
io_request({put_chars, M, F, A}, S, Sent) -> io_request({put_chars, latin1, M, F, A}, S, Sent);
io_request({requests, [Request | Requests]}, S, Sent) ->
    case io_request(Request, S, Sent) of
        {Bytes, ok} when Requests =/= [] -> io_request({requests, Requests}, S, Bytes);
        Result -> Result
    end;
io_request({requests, []}, _, Sent) -> {iolist_to_binary(Sent), ok};
io_request({setopts, _}, _, Sent) -> {iolist_to_binary(Sent), ok};
io_request(getopts, _, Sent) -> {iolist_to_binary(Sent), [{binary, false}, {encoding, unicode}]};
io_request({get_geometry, columns}, S, Sent) -> {iolist_to_binary(Sent), element(4, S)};
%% Room for all: nothing stops to ask whether there shall be more (c:i/0 would ask again and again).
io_request({get_geometry, rows}, _, Sent) -> {iolist_to_binary(Sent), 16777215};
%% Input of any kind. Never end of file: a shell that reads it stops the node.
io_request(_, _, Sent) -> {iolist_to_binary(Sent), {error, enotsup}}.

put_chars(Encoding, Chars, Sent) ->
    try unicode:characters_to_binary(Chars, Encoding, unicode) of
        Bin when is_binary(Bin), Sent =:= [] -> {Bin, ok};
        Bin when is_binary(Bin) -> {iolist_to_binary([Sent, Bin]), ok};
        _ -> {iolist_to_binary(Sent), {error, badarg}}
    catch
        _:_ -> {iolist_to_binary(Sent), {error, badarg}}
    end.
