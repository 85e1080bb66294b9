#!/usr/bin/env escript
%% SPDX-License-Identifier: GPL-3.0-or-later
%%! +S 1
%% Writes what a real node says about random terms, for tests/tools/etf_differential.c to compare with:
%%   escript terms.escript COUNT SEED FILE
%% A record is a kind (one byte) and two byte strings, each behind a 4-byte length:
%%   r: term_to_binary of a term, the same uncompressed (empty: the first was not compressed)
%%   < = >: two terms and how they compare    E N: two terms that are, or are not, exactly equal
%%   s: Erlang text, the term that it means    f: a float, its shortest text    i: an integer, its decimal text
-mode(compile).

main([Count, Seed, File]) ->
    rand:seed(exsss, list_to_integer(Seed)),
    {ok, Out} = file:open(File, [write, raw, binary, delayed_write]),
    N = list_to_integer(Count),
    [round_trip(Out, I) || I <- lists:seq(1, N)],
    [order(Out) || _ <- lists:seq(1, N div 4)],
    [text(Out) || _ <- lists:seq(1, N div 10)],
    [number(Out) || _ <- lists:seq(1, N div 10)],
    [float_record(Out, F) || F <- powers()],
    ok = file:close(Out).

record(Out, Kind, A, B) ->
    ok = file:write(Out, [Kind, <<(iolist_size(A)):32>>, A, <<(iolist_size(B)):32>>, B]).

round_trip(Out, I) ->
    Term = case I rem 1000 of 0 -> large(); _ -> term(4, any) end,
    Version = pick([[], [], [{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}]]),
    Plain = term_to_binary(Term, Version),
    case rand:uniform(8) of
        1 ->
            case term_to_binary(Term, [compressed | Version]) of
                Plain -> record(Out, $r, Plain, <<>>);
                Compressed -> record(Out, $r, Compressed, Plain)
            end;
        _ -> record(Out, $r, Plain, <<>>)
    end.

%% Without local funs: what they hold is opaque to us, so those of one place in the source are not ordered as here. And
%% without -0.0, which was the same as 0.0 before OTP 27. And without maps of several atoms as keys of maps: from OTP 26 on
%% such keys are ordered by where the node keeps those atoms, not by their names.
order(Out) ->
    A = term(3, plain),
    B = case rand:uniform(3) of 1 -> term(3, plain); 2 -> similar(A); 3 -> number() end,
    Encoded = [term_to_binary(A), term_to_binary(B)],
    case binary:match(iolist_to_binary(Encoded), <<-0.0/float>>) =:= nomatch andalso not (is_keyed_oddly(A) orelse is_keyed_oddly(B)) of
        true ->
            record(Out, if A < B -> $<; A == B -> $=; true -> $> end, hd(Encoded), lists:last(Encoded)),
            record(Out, if A =:= B -> $E; true -> $N end, hd(Encoded), lists:last(Encoded));
        false -> order(Out)
    end.

is_keyed_oddly(T) when is_map(T) ->
    lists:any(fun holds_atom_keys/1, maps:keys(T)) orelse is_keyed_oddly(maps:to_list(T));
is_keyed_oddly(T) -> lists:any(fun is_keyed_oddly/1, parts(T)).

holds_atom_keys(T) when is_map(T) ->
    length([K || K <- maps:keys(T), is_atom(K)]) > 1 orelse holds_atom_keys(maps:to_list(T));
holds_atom_keys(T) -> lists:any(fun holds_atom_keys/1, parts(T)).

parts(T) when is_tuple(T) -> tuple_to_list(T);
parts([Head | Tail]) -> [Head, Tail];
parts(_) -> [].

text(Out) ->
    Term = term(4, literal),
    Format = pick(["~tp", "~tw", "~tp."]),
    record(Out, $s, unicode:characters_to_binary(io_lib:format(Format, [Term])), term_to_binary(Term)).

number(Out) ->
    float_record(Out, real()),
    Integer = integer(),
    record(Out, $i, term_to_binary(Integer), integer_to_binary(Integer)).

%% OTP 23 does not know the shortest text.
float_record(Out, F) ->
    try float_to_list(F, [short]) of
        Text -> record(Out, $f, term_to_binary(F), Text)
    catch
        error:badarg -> ok
    end.

%% Powers of two are where the shortest text is hardest to find; powers of ten where its layout changes.
powers() ->
    Twos = [F || E <- lists:seq(0, 2046), M <- [0, 1], <<F/float>> <- [<<0:1, E:11, M:52>>]],
    Tens = [D * math:pow(10, E) || E <- lists:seq(-30, 30), D <- [1.0, 1.2, 1.23456789, 9.99999]],
    Twos ++ Tens ++ [F + D || F <- [9007199254740992.0, 1.0e15, 1.0e16], D <- [-2.0, -1.0, 1.0, 2.0]].

pick(List) -> lists:nth(rand:uniform(length(List)), List).

%% A term near to the given one, so that the comparison has to look inside.
similar(T) when is_tuple(T), tuple_size(T) > 0 ->
    I = rand:uniform(tuple_size(T)),
    setelement(I, T, similar(element(I, T)));
similar([H | T]) -> case rand:uniform(3) of 1 -> [similar(H) | T]; 2 -> [H | similar(T)]; 3 -> [H] end;
similar(T) when is_map(T), map_size(T) > 0 ->
    K = pick(maps:keys(T)),
    case rand:uniform(2) of 1 -> T#{K := similar(maps:get(K, T))}; 2 -> (maps:remove(K, T))#{similar(K) => 1} end;
similar(T) when is_integer(T) -> try pick([T, T + 1, T - 1, float(T), -T]) catch error:badarg -> T + 1 end;
similar(T) when is_float(T) -> pick([T, -T, trunc(T), trunc(T) + 1, round(T)]);
similar(T) when is_bitstring(T) -> pick([T, <<T/bitstring, 1:1>>, <<T/bitstring, 0>>]);
similar(T) -> pick([T, T, term(1, plain)]).

term(0, Kind) -> leaf(Kind);
term(Depth, Kind) ->
    case rand:uniform(16) of
        1 -> list_to_tuple(terms(Depth, Kind));
        2 -> terms(Depth, Kind);
        3 -> terms(Depth, Kind) ++ leaf(Kind);
        4 -> maps:from_list([{term(Depth - 1, Kind), term(Depth - 1, Kind)} || _ <- lists:seq(1, rand:uniform(6))]);
        5 -> maps:from_list([{leaf(Kind), leaf(Kind)} || _ <- lists:seq(1, rand:uniform(60))]);
        6 when Kind =:= any -> fun_with(terms(Depth, Kind), leaf(Kind));
        7 -> {leaf(Kind), term(Depth - 1, Kind)};
        _ -> leaf(Kind)
    end.

terms(Depth, Kind) -> [term(Depth - 1, Kind) || _ <- lists:seq(1, rand:uniform(6) - 1)].

leaf(Kind) ->
    case rand:uniform(case Kind of literal -> 12; plain -> 17; any -> 18 end) of
        N when N =< 2 -> integer();
        3 -> real();
        N when N =< 6 -> atom();
        N when N =< 8 -> bytes(rand:uniform(20) - 1);
        9 -> <<(bytes(rand:uniform(5)))/binary, 5:(rand:uniform(8) - 1)>>;
        10 -> binary_to_list(bytes(rand:uniform(20) - 1));
        11 -> pick([[], {}, #{}, <<>>, "text", <<"grün"/utf8>>, [955, 1, 128512], "\e\n\"\\\0", [1.0]]);
        12 when Kind =:= literal -> erlang:make_fun(plain_atom(), plain_atom(), rand:uniform(256) - 1);
        12 -> exported();
        13 -> pick([self(), pid()]);
        14 -> pid();
        15 -> port();
        16 -> pick([make_ref(), ref()]);
        17 -> ref();
        18 -> fun_with(integer(), atom())
    end.

number() -> pick([integer(), real()]).

integer() ->
    case rand:uniform(8) of
        1 -> rand:uniform(256) - 1;
        2 -> -rand:uniform(1000);
        3 -> rand:uniform(1 bsl 40) - (1 bsl 39);
        4 -> pick([1, -1]) * ((1 bsl rand:uniform(70)) + rand:uniform(3) - 2);
        5 -> pick([1, -1]) * ((1 bsl (8 * rand:uniform(300))) + rand:uniform(3) - 2);
        6 -> pick([1, -1]) * binary:decode_unsigned(bytes(rand:uniform(400)));
        7 -> trunc(real());
        8 -> pick([0, 255, 256, -1, 1 bsl 31, -(1 bsl 31), (1 bsl 63) - 1, 1 bsl 63, -(1 bsl 63), -(1 bsl 63) - 1])
    end.

real() ->
    case rand:uniform(6) of
        1 -> pick([0.0, -0.0, 0.1, 1.0, -1.5, 1.0e22, 5.0e-324, 2.2250738585072014e-308, 1.7976931348623157e308]);
        2 -> rand:uniform();
        3 -> float(rand:uniform(1 bsl 60));
        4 -> rand:uniform(100000) / 1000;
        _ -> case bytes(8) of <<F/float>> -> F; _ -> 1.0e-7 end
    end.

atom() ->
    case rand:uniform(4) of
        1 -> pick([ok, true, false, undefined, nil, '', 'grün', 'ÿ', 'λ', '日本語', 'a b', 'case', 'A', '_x', 'x@y', 'it\'s']);
        2 -> list_to_atom(lists:duplicate(rand:uniform(255), pick([$a, $ü, $λ, 16#1f600])));
        3 -> list_to_atom([$a + rand:uniform(26) - 1, $a + rand:uniform(26) - 1]);
        4 -> list_to_atom([rand:uniform(255) || _ <- lists:seq(1, rand:uniform(2) - 1)])
    end.

%% OTP 25 itself prints reserved words and letters beyond ASCII wrongly in `fun M:F/A`: text has none of them there.
plain_atom() -> pick([lists, map, 'a b', 'A', '', x@y, 'it\'s']).

exported() -> erlang:make_fun(atom(), atom(), rand:uniform(256) - 1).

fun_with(A, B) ->
    case rand:uniform(4) of
        1 -> fun () -> ok end;
        2 -> fun (X) -> {X, A} end;
        3 -> fun (X, Y) -> {X, Y, A, B} end;
        4 -> {_, Fun} = {A, fun (X) when X > B -> [A | B]; (_) -> A end}, Fun
    end.

node_atom() ->
    term_body(pick(['a@b', 'node@host.example.com', 'knöten@host', node()])).

term_body(T) ->
    <<131, Body/binary>> = term_to_binary(T, [{minor_version, rand:uniform(2)}]),
    Body.

pid() ->
    Id = rand:uniform(1 bsl 15) - 1, Serial = rand:uniform(1 bsl 13) - 1,
    binary_to_term(pick([
        <<131, 88, (node_atom())/binary, Id:32, Serial:32, (creation()):32>>,
        <<131, 103, (node_atom())/binary, Id:32, Serial:32, (rand:uniform(3))>>])).

port() ->
    Id = rand:uniform(1 bsl 27),
    binary_to_term(pick([
        <<131, 89, (node_atom())/binary, Id:32, (creation()):32>>,
        <<131, 102, (node_atom())/binary, Id:32, (rand:uniform(3))>>,
        case erlang:system_info(otp_release) of
            "23" -> <<131, 102, (node_atom())/binary, Id:32, 1>>; %% which knows no ports of 64 bits
            _ -> <<131, 120, (node_atom())/binary, (rand:uniform(1 bsl 60)):64, (creation()):32>>
        end])).

ref() ->
    %% OTP 25 loses keys of a map that are shorter references; 23 knows no longer ones.
    Rest = bytes(4 * case erlang:system_info(otp_release) of "23" -> 2; _ -> 1 + rand:uniform(2) end),
    Count = 1 + byte_size(Rest) div 4,
    Id = rand:uniform(1 bsl 18) - 1,
    binary_to_term(pick([
        <<131, 90, Count:16, (node_atom())/binary, (creation()):32, Id:32, Rest/binary>>,
        <<131, 114, Count:16, (node_atom())/binary, (rand:uniform(3)), Id:32, Rest/binary>>])).

creation() -> pick([rand:uniform(3), rand:uniform(1 bsl 32) - 1]).

large() ->
    case rand:uniform(6) of
        1 -> lists:duplicate(65535 + rand:uniform(3) - 2, $x);
        2 -> list_to_tuple(lists:seq(1, 254 + rand:uniform(3)));
        3 -> maps:from_list([{I, atom()} || I <- lists:seq(1, 3000)]);
        4 -> bytes(100000);
        5 -> lists:foldl(fun (_, T) -> pick([{T}, [T], #{T => 1}, #{1 => T}, [1 | T]]) end, x, lists:seq(1, 1000));
        6 -> pick([1, -1]) * binary:decode_unsigned(bytes(3000))
    end.

%% rand:bytes/1 came with OTP 24.
bytes(N) -> << <<(rand:uniform(256) - 1)>> || _ <- lists:seq(1, N) >>.
