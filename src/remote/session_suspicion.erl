%% SPDX-License-Identifier: GPL-3.0-or-later
%% Whether a text is worth a look by the guard at all.
-module(session_suspicion).
-export([suspicious/2]).

%% A text that holds none of these in its bytes cannot name what is guarded, nor make such a name from parts.
suspicious(Guard, Text) ->
    {_, Functions, _} = lists:unzip3(Guard),
    {Short, Long} = lists:partition(fun(F) -> byte_size(F) < 3 end, Functions),
    binary:match(Text, [<<"_atom">>, <<"to_term">>, <<"\\">>, <<"exit">>, <<"init">>, <<"kernel">>, <<"stdlib">>, <<"concat">>
                        | Long]) =/= nomatch
        orelse Short =/= []
        %% Names of one or two letters are part of many words: they count only as words of their own.
        andalso re:run(Text, [<<"(^|[^A-Za-z0-9_@])(">>, lists:join($|, Short), <<")([^A-Za-z0-9_@]|$)">>],
                       [{capture, none}]) =:= match.
