%% SPDX-License-Identifier: GPL-3.0-or-later
%% What the I/O servers of an evaluation and of a shell share: the window under which bytes go to the caller, and the requests that write.
%% generate.escript copies these functions into each.
%%
%% S is {Watcher, Client, Tag, ...}; O is {Allowed, Sent, Queue}: how many bytes the caller allows in all, how many were sent, and the writes
%% that wait, [{Kind, Bytes, Writer, Reply}].
-module(session_io).
-export([write/3, pump/2, io_request/3]).

write(_, {_, _, []} = O, {_, <<>>, From, Reply}) ->
    From ! Reply,
    O;
write(S, {Allowed, Sent, Queue}, Write) -> pump(S, {Allowed, Sent, Queue ++ [Write]}).

pump(S, {Allowed, Sent, [{Kind, Bytes, From, Reply} | Queue]}) when Sent < Allowed, byte_size(Bytes) > 245760 ->
    {Chunk, Rest} = split_binary(Bytes, 245760),
    element(2, S) ! {element(3, S), Kind, Chunk},
    pump(S, {Allowed, Sent + 245760, [{Kind, Rest, From, Reply} | Queue]});
pump(S, {Allowed, Sent, [{Kind, Bytes, From, Reply} | Queue]}) when Sent < Allowed ->
    element(2, S) ! {element(3, S), Kind, Bytes},
    From ! Reply,
    pump(S, {Allowed, Sent + byte_size(Bytes), Queue});
pump(_, O) -> O.

%% -> {bytes to send, reply}; Terminal: {columns, rows, whether strings are read as binaries}.
io_request({put_chars, Encoding, M, F, A}, _, Sent) ->
    try apply(M, F, A) of
        Chars -> put_chars(Encoding, Chars, Sent)
    catch
        _:_ -> {iolist_to_binary(Sent), {error, F}}
    end;
io_request({put_chars, Encoding, Chars}, _, Sent) -> put_chars(Encoding, Chars, Sent);
io_request({put_chars, Chars}, _, Sent) -> put_chars(latin1, Chars, Sent);
io_request({put_chars, M, F, A}, Terminal, Sent) -> io_request({put_chars, latin1, M, F, A}, Terminal, Sent);
io_request({requests, [Request | Requests]}, Terminal, Sent) ->
    case io_request(Request, Terminal, Sent) of
        {Bytes, ok} when Requests =/= [] -> io_request({requests, Requests}, Terminal, Bytes);
        Result -> Result
    end;
io_request({requests, []}, _, Sent) -> {iolist_to_binary(Sent), ok};
io_request({setopts, _}, _, Sent) -> {iolist_to_binary(Sent), ok};
io_request(getopts, {_, _, Binary}, Sent) -> {iolist_to_binary(Sent), [{binary, Binary}, {encoding, unicode}]};
io_request({get_geometry, columns}, {Columns, _, _}, Sent) -> {iolist_to_binary(Sent), Columns};
io_request({get_geometry, rows}, {_, Rows, _}, Sent) -> {iolist_to_binary(Sent), Rows};
%% Input of a kind that is not served. Never end of file: a shell that reads it stops the node.
io_request(_, _, Sent) -> {iolist_to_binary(Sent), {error, enotsup}}.

put_chars(Encoding, Chars, Sent) ->
    try unicode:characters_to_binary(Chars, Encoding, unicode) of
        Bin when is_binary(Bin), Sent =:= [] -> {Bin, ok};
        Bin when is_binary(Bin) -> {iolist_to_binary([Sent, Bin]), ok};
        _ -> {iolist_to_binary(Sent), {error, badarg}}
    catch
        _:_ -> {iolist_to_binary(Sent), {error, badarg}}
    end.
