%% SPDX-License-Identifier: GPL-3.0-or-later
%% Records in the text: from user_default, from what rr() and rd() have read, else from the loaded modules.
-module(session_records).
-export([expand/4, read/3, read_files/4, add/4]).

%% Definitions are found for the records that E names, and E is rewritten as the compiler does it. -> {bindings to check E
%% with, bindings to evaluate with, the new E}
expand(P, E, Bs0, Records) ->
    Bs = without_generated(Bs0),
    Used = used_records(P, [E], Records),
    {record_bindings(Used, Bs), Bs, expand_records(Used, E)}.

%% Variables that the rewriting made.
without_generated(Bs) ->
    lists:foldl(fun({Name, _}, Bs1) ->
                        case catch atom_to_list(Name) of
                            "rec" ++ _ -> erl_eval:del_binding(Name, Bs1);
                            _ -> Bs1
                        end
                end, Bs, erl_eval:bindings(Bs)).


%% Definitions of the records that E names, those that others use before these others.
used_records(P, E, Records) ->
    session_evaluator:user_default(P, Records),
    lists:append([ets:lookup(Records, Name) || Name <- closed(record_names(E, []), Records, [])]).

closed([Name | Names], Records, Seen) ->
    case lists:member(Name, Seen) of
        true -> closed(Names, Records, Seen);
        false ->
            find_record(ets:lookup(Records, Name), Name, Records),
            Inner = closed(record_names(ets:lookup(Records, Name), []) -- [Name], Records, Seen),
            closed(Names, Records, [N || N <- Inner, not lists:member(N, Seen)] ++ Seen ++ [Name])
    end;
closed([], _, Seen) -> Seen.

record_names({record, _, Name, Rest}, Names) when is_atom(Name) -> record_names(Rest, [Name | Names]);
record_names({record_index, _, Name, Rest}, Names) when is_atom(Name) -> record_names(Rest, [Name | Names]);
record_names({record, _, E, Name, Rest}, Names) when is_atom(Name) -> record_names([E | Rest], [Name | Names]);
record_names({record_field, _, E, Name, Rest}, Names) when is_atom(Name) -> record_names([E | Rest], [Name | Names]);
record_names({call, _, {atom, _, Kind}, [E, {atom, _, Name}]}, Names) when Kind =:= is_record; Kind =:= record_info ->
    record_names(E, [Name | Names]);
record_names({call, _, {remote, _, {atom, _, erlang}, {atom, _, is_record}}, [E, {atom, _, Name}]}, Names) ->
    record_names(E, [Name | Names]);
record_names({type, _, record, [{atom, _, Name} | Rest]}, Names) -> record_names(Rest, [Name | Names]);
record_names(T, Names) when is_tuple(T) -> record_names(tuple_to_list(T), Names);
record_names([E | Es], Names) -> record_names(Es, record_names(E, Names));
record_names(_, Names) -> Names.

%% A record that nobody has read yet: from the loaded module of its name, else from any loaded module that has it.
find_record([], Name, Records) ->
    Loaded = code:all_loaded(),
    Own = [Pair || {M, _} = Pair <- Loaded, M =:= Name],
    find_in(Own ++ lists:keysort(1, Loaded), atom_to_binary(Name, utf8), Name, Records);
find_record(_, _, _) -> ok.

find_in([{M, Path} | Rest], Text, Name, Records) when is_list(Path) ->
    %% Most files are ruled out by one search in their bytes; what is compressed is looked at in any case.
    case erl_prim_loader:get_file(Path) of
        {ok, <<"FOR1", _/binary>> = Beam, _} ->
            case binary:match(Beam, Text) =/= nomatch andalso [R || R <- beam_records(Beam), element(1, element(4, R)) =:= Name] of
                [_ | _] = Found -> take_record(Found, M, Records);
                _ -> find_in(Rest, Text, Name, Records)
            end;
        {ok, Beam, _} ->
            case [R || R <- beam_records(Beam), element(1, element(4, R)) =:= Name] of
                [] -> find_in(Rest, Text, Name, Records);
                Found -> take_record(Found, M, Records)
            end;
        _ ->
            find_in(Rest, Text, Name, Records)
    end;
find_in([_ | Rest], Text, Name, Records) -> find_in(Rest, Text, Name, Records);
find_in([], _, _, _) -> ok.

take_record([{attribute, _, record, {Name, _}} = Definition | _], _, Records) ->
    ets:insert(Records, {Name, Definition}).

beam_records(Beam) ->
    case beam_lib:chunks(Beam, [abstract_code]) of
        {ok, {_, [{abstract_code, {_, Forms}}]}} when is_list(Forms) -> record_attributes(Forms);
        _ -> []
    end.

record_attributes(Forms) -> [F || {attribute, _, record, _} = F <- Forms].

record_bindings(Used, Bs) ->
    {_, Bs1} = lists:foldl(fun({Name, Definition}, {I, Bs2}) ->
                                   {I + 1, erl_eval:add_binding({record, I, Name}, Definition, Bs2)}
                           end, {0, Bs}, Used),
    Bs1.

expand_records([], E) -> E;
expand_records(Used, E) ->
    A = erl_anno:new(1),
    Forms = [Definition || {_, Definition} <- Used] ++ [{function, A, ok, 0, [{clause, A, [], [], [E]}]}],
    Expanded = erl_expand_records:module(Forms, [strict_record_tests]),
    {function, _, _, _, [{clause, _, [], [], [E1]}]} = lists:last(Expanded),
    E1.

%% From a module, or from files: what rr/1,2,3 take. -> record attributes | {error, _}
read(_, M, Names) when is_atom(M) ->
    case code:which(M) of
        File when is_list(File) -> selected(file_records(File, [], M), Names);
        preloaded ->
            {_, Beam, File} = code:get_object_code(M),
            selected(source_unless(beam_records(Beam), File, M, []), Names);
        _ -> {error, nofile}
    end;
read(_, File, Names) -> read_files([], File, Names, []).

read_files(_, Wildcard, Names, Options) ->
    case catch filelib:wildcard(Wildcard) of
        {'EXIT', _} -> {error, invalid_filename};
        [File] -> selected(file_records(File, Options, none), Names);
        Files -> selected(lists:append([R || R <- [file_records(F, Options, none) || F <- Files], is_list(R)]), Names)
    end.

file_records(File, Options, M) ->
    case filename:extension(File) of
        ".beam" ->
            case erl_prim_loader:get_file(File) of
                {ok, Beam, _} -> source_unless(beam_records(Beam), File, M, Options);
                error -> {error, nofile}
            end;
        _ ->
            Macros = [{N, V} || {d, N, V} <- Options] ++ [N || {d, N} <- Options],
            case epp:parse_file(File, [".", filename:dirname(File) | [D || {i, D} <- Options]], Macros) of
                {ok, Forms} -> record_attributes(Forms);
                Error -> Error
            end
    end.

%% Code without debug information: the source may lie where it was, or beside ebin.
source_unless([], File, M, Options) ->
    Name = filename:rootname(filename:basename(File)) ++ ".erl",
    Compiled = case M =/= none andalso erlang:module_loaded(M) of
                   true -> [proplists:get_value(source, M:module_info(compile), "")];
                   _ -> []
               end,
    Sources = [filename:rootname(File) ++ ".erl",
               filename:join([filename:dirname(filename:dirname(File)), "src", Name]) | Compiled],
    case [S || S <- Sources, filelib:is_regular(S)] of
        [] -> [];
        [Source | _] -> file_records(Source, Options, none)
    end;
source_unless(Found, _, _, _) -> Found.

selected(Found, Names) when is_list(Found), Names =/= '_' ->
    Wanted = lists:flatten([Names]),
    [R || R <- Found, lists:member(element(1, element(4, R)), Wanted)];
selected(Found, _) -> Found.

add(_, Found, Bs, Records) when is_list(Found) ->
    Pairs = [{element(1, element(4, R)), R} || R <- Found],
    case erl_eval:check_command([], record_bindings(Pairs, Bs)) of
        ok ->
            ets:insert(Records, Pairs),
            lists:usort([Name || {Name, _} <- Pairs]);
        {error, {_, M, What}} ->
            exit(lists:flatten(M:format_error(What)))
    end;
add(_, Error, _, _) -> Error.
