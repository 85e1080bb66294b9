#!/usr/bin/env escript
%% SPDX-License-Identifier: GPL-3.0-or-later
%% Terms with the text that this OTP prints for them, for print_compare: random ones and chosen ones, but for those that it is known to
%% print otherwise than OTP 27, whose text is ours (docs/compatibility.md): see same/2.
%% usage: print_terms.escript FILE COUNT SEED
-mode(compile).

main([File, Count, Seed]) ->
    rand:seed(exsss, {list_to_integer(Seed), 2, 3}),
    {ok, F} = file:open(File, [write, raw, delayed_write]),
    [put_case(F, <<"chosen">>, T, W, 1) || T <- chosen(), W <- [0, 1, 2, 10, 20, 39, 40, 80, 120]],
    [put_case(F, <<"column">>, T, 80, C) || T <- chosen(), C <- [2, 7, 40, 79, 81]],
    [put_case(F, <<"random">>, random(pick([1, 2, 3, 3, 4, 5])), pick([0, 1, 5, 20, 30, 40, 60, 80, 80, 80, 120, 200]), pick([1, 1, 1, 3, 12]))
     || _ <- lists:seq(1, list_to_integer(Count))],
    [put_case(F, <<"floats">>, X, 80, 1) || X <- floats(), _ <- [1]],
    ok = file:close(F).

put_case(F, Group, T, W, C) ->
    case same(T, list_to_integer(erlang:system_info(otp_release))) of
        true -> write_case(F, Group, T, W, C);
        false -> ok
    end.

%% Does this release print the term as 27 does?
same(_, 27) -> true;
same('maybe', Release) -> Release > 27;
same(T, Release) when is_float(T), Release < 25 -> abs(T) > 1.0e-7 andalso abs(T) < 1.0e15;
same(T, Release) when is_binary(T), Release > 27 -> is_list(unicode:characters_to_list(T)) orelse not begins_as_utf8(T);
same([H | T], Release) -> same(H, Release) andalso same(T, Release);
same(T, Release) when is_tuple(T) -> same(tuple_to_list(T), Release);
same(T, Release) when is_map(T) -> same(maps:to_list(T), Release);
same(_, _) -> true.

%% A character above Latin-1 at the end of what can be read as UTF-8 makes 29 show numbers, where others still see Latin-1.
begins_as_utf8(T) ->
    {error, Begin, _} = case unicode:characters_to_list(T) of {incomplete, B, R} -> {error, B, R}; E -> E end,
    lists:any(fun(C) -> C > 255 orelse (C > 126 andalso C < 160) end, Begin).

write_case(F, Group, T, W, C) ->
    Fmt = lists:flatten(io_lib:format("~~~w.~wtp", [W, C])),
    Text = unicode:characters_to_binary(io_lib:format(Fmt, [T])),
    Bin = term_to_binary(T),
    Syntax = case io:printable_range() of latin1 -> $e; unicode -> $u end,
    ok = file:write(F, [<<(byte_size(Group)):32>>, Group, <<Syntax, W:32, C:32, (byte_size(Bin)):32>>, Bin,
                        <<(byte_size(Text)):32>>, Text]).

pick(L) -> lists:nth(rand:uniform(length(L)), L).
n(N) -> rand:uniform(N + 1) - 1.

random(0) -> leaf();
random(D) ->
    case rand:uniform(14) of
        1 -> leaf();
        2 -> leaf();
        3 -> [random(D - 1) || _ <- lists:seq(1, n(8))];
        4 -> list_to_tuple([random(D - 1) || _ <- lists:seq(1, n(6))]);
        5 -> list_to_tuple([atom() | [random(D - 1) || _ <- lists:seq(1, n(6))]]);
        6 -> maps:from_list([{random(D - 1), random(D - 1)} || _ <- lists:seq(1, n(5))]);
        7 -> maps:from_list([{leaf(), random(D - 1)} || _ <- lists:seq(1, n(pick([5, 5, 5, 50])))]);
        8 -> [{atom(), random(D - 1)} || _ <- lists:seq(1, n(8))];
        9 -> [n(1000) || _ <- lists:seq(1, n(60))];
        10 -> [random(D - 1) | leaf()];
        11 -> [leaf(), random(D - 1) | random(D - 1)];
        12 -> [leaf() || _ <- lists:seq(1, n(30))];
        13 -> {atom(), [random(D - 1) || _ <- lists:seq(1, n(3))]};
        14 -> random(D - 1)
    end.

leaf() ->
    case rand:uniform(20) of
        1 -> n(10);
        2 -> n(100000) - 50000;
        3 -> (1 bsl n(200)) - n(1000);
        4 -> -(1 bsl n(2000));
        5 -> float();
        6 -> atom();
        7 -> atom();
        8 -> text(n(20), 127);
        9 -> text(n(100), 255);
        10 -> text(n(10), 16#500);
        11 -> list_to_binary(text(n(30), 127));
        12 -> list_to_binary([n(255) || _ <- lists:seq(1, n(pick([4, 20, 60])))]);
        13 -> unicode:characters_to_binary(text(n(30), 255));
        14 -> unicode:characters_to_binary(text(n(20), 16#500));
        15 -> L = n(60), <<(n(16#fffffff)):L>>;
        16 -> pick([[], {}, #{}, <<>>, "", '', true, false, undefined]);
        17 -> pick([self(), make_ref(), hd(erlang:ports()), group_leader(), fun(X) -> X end, fun lists:map/2, fun 'A b':'c\nd'/3, fun erl_eval:expr/5]);
        18 -> list_to_binary(text(n(40), 255));
        19 -> list_to_binary([n(255) || _ <- lists:seq(1, n(150))]);
        20 -> text(n(8), 127)
    end.

text(N, 127) -> [pick("abc xyzABC019_-~\"\\'") || _ <- lists:seq(1, N)];
text(N, Max) -> [case pick([a, a, a, b, c]) of a -> pick("abc xyz~"); b -> pick([$\n, $\t, $\e, $\b, $\v, $\f, $\r, 160, 233, 255, 173]);
                 c -> C = n(Max), if C >= 16#300, C =< 16#36f -> $x; C >= 16#483, C =< 16#489 -> $y; true -> C end end || _ <- lists:seq(1, N)].

atom() ->
    pick(['', a, ok, error, foo_bar, 'Foo', 'hello world', 'fun', 'end', 'maybe', 'cond', 'é', 'ünï', 'Éa', '日本', 'a@b', 'a-b', 'it\'s',
          'a\nb', 'a\\b', 'nonode@nohost', a_rather_long_atom_for_a_tag, 'q"uote', '\x{7f}', '\x{80}', '÷', 'ÿ', 'a×', '1a', '_a', 'привет',
          list_to_atom([pick("abcdefghijk_") || _ <- lists:seq(1, 1 + n(4))])]).

float() ->
    <<F:64/float>> = case <<(rand:uniform(1 bsl 64) - 1):64>> of
                         <<_:1, 16#7ff:11, _/bits>> -> <<1.5/float>>;
                         B -> B
                     end,
    pick([F, F, n(1000) / 8, n(1000000) * 1.0, n(100) / 100, 0.0, -0.0, 1.0e22, 1.0e-7, 123456789.0, 5.0e-324]).

floats() ->
    [math:pow(2, E) || E <- lists:seq(-1074, 1023)] ++ [-math:pow(10, E) || E <- lists:seq(-300, 300)] ++
        [123456789 * math:pow(10, E) || E <- lists:seq(-30, 30)] ++ [float() || _ <- lists:seq(1, 3000)].

chosen() ->
    L = lists:seq(1, 50),
    [[], {}, #{}, <<>>, "", a, 'A', 1.0, "abc", "a\tb\"c", [1, 2 | 3], [a | b], {a}, {a, b}, {1, 2}, L, list_to_tuple(L), [L, L], {ok, L},
     {error, {badmatch, L}}, [$a | $b], [[[[[]]]]], {{{{{{}}}}}}, list_to_tuple([rec | L]), [{a, X} || X <- L], [{X, X} || X <- L],
     maps:from_list([{X, X} || X <- L]), #{a => L, b => #{c => L}}, #{L => L}, #{"a string as key" => "a string as value", k => L},
     list_to_binary(L), <<0:500>>, <<0:501>>, <<1:1>>, <<5:3>>, list_to_binary([lists:duplicate(100, $a)]), lists:duplicate(200, $a),
     [lists:duplicate(200, $a), lists:duplicate(200, $b)], {lists:duplicate(90, $a), b}, [process_flag, {links, [self()]}, {dictionary, []}],
     <<"héllo"/utf8>>, <<"héllo">>, <<"日本"/utf8>>, "héllo", "日本", "привет", <<"~">>, "~", <<127>>, [127], <<"a\0b">>, [16#10ffff], [16#110000],
     {a_tag_that_is_rather_long_for_a_line, L}, {a_tag_that_is_rather_long_for_a_line, {another_tag_that_is_rather_long, {and_one_more_of_these_tags, L}}},
     [{a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, {a_tag, L}}}}}}}}}}}],
     [X || X <- lists:seq(1, 40), X rem 2 =:= 0] ++ [foo | L], [1.5, a, "b", <<"c">>, {d}, [e], #{f => g} | tail], [L | L], [L | {L}], {[L | tail], x},
     lists:foldl(fun(X, A) -> {X, A} end, [], lists:seq(1, 100)), lists:foldl(fun(X, A) -> {tag, X, A} end, [], lists:seq(1, 60)),
     lists:foldl(fun(X, A) -> [X | [A]] end, [], lists:seq(1, 60)), lists:foldl(fun(X, A) -> #{X => A} end, [], lists:seq(1, 60)),
     lists:foldl(fun(X, A) -> [A | X] end, end_, lists:seq(1, 60)),
     #{1 => a, 1.0 => b, a => c, "s" => d, {t} => e, <<"b">> => f}, maps:from_list([{{X}, [X]} || X <- lists:seq(1, 33)]),
     {'EXIT', {badarith, [{erl_eval, do_apply, 6, [{file, "erl_eval.erl"}, {line, 748}]}, {shell, exprs, 7, [{file, "shell.erl"}, {line, 687}]}]}},
     init:get_arguments(), application:which_applications(), erlang:system_info(version), code:get_path(), process_info(self()),
     erlang:memory(), [process_info(P) || P <- lists:sublist(processes(), 20)]].
