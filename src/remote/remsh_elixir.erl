%% SPDX-License-Identifier: GPL-3.0-or-later
%% The guard before IEx, which gives us lines and not what it parses: the text is gathered until it is a whole expression.
-module(remsh_elixir).
-export([danger/4]).

%% -> {what was found, the text so far of what is not whole yet, names that were seen}
danger(P, Guard, Text, Names) ->
    Code = binary_to_atom(<<"Elixir.Code">>, utf8),
    %% IEx lets a line begin with an operator: the last value stands before it.
    Whole = case re:run(Text, <<"^\\s*(\\|>|<>|\\+\\+|\\.|and |or )">>, [{capture, none}]) of
                match -> <<"nil ", Text/binary>>;
                nomatch -> Text
            end,
    case Code:string_to_quoted(Whole) of
        {ok, Quoted} ->
            {What, Names1} = session_guard_elixir:line_danger(P, Guard, Quoted, Names),
            {What, <<>>, Names1};
        {error, {_, Message, Token}} ->
            %% At the end of the text something is missing: more will come. All other mistakes IEx finds itself.
            case is_binary(Token) andalso Token =:= <<>> orelse is_binary(Message) andalso binary:match(Message, <<"missing">>) =/= nomatch of
                true -> {none, Text, Names};
                false -> {none, <<>>, Names}
            end
    end.
