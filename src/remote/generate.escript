#!/usr/bin/env escript
%% SPDX-License-Identifier: GPL-3.0-or-later
%% Turns session*.erl and remsh*.erl into data that C sends to a node: a section a file, each a tuple of expressions in abstract form, one a
%% function, which erl_eval runs without anything being loaded there.
%%
%%   generate.escript --write OUT.c SOURCE...     writes OUT.c
%%   generate.escript --check OUT.c SOURCE...     says whether OUT.c still is what the sources give
%%   generate.escript --atoms SOURCE...           the atoms of the program, one a line
%%
%% A function becomes `case x of {T, Arguments...} -> ... end`; a call of it becomes a tail call of erl_eval:expr/5 with x
%% bound to the new arguments, T being the whole tuple. So a function that is not called costs nothing (making a fun of each
%% would cost the node 14 to 36 microseconds apiece), and loops do not grow the stack. A call of another file's function,
%% M:F(P, ...), decodes that section anew from P, the tuple of all sections as binaries: decoding costs 80 ns an atom, so
%% only what is used is decoded, and funs that live on hold P, which is small. What is imported is copied.
%% Names of variables are atoms on the node, hence the pool: every node has these.
-mode(compile).

-define(POOL, [ok, value, error, false, true, undefined, badarg, badmatch, case_clause, function_clause, if_clause,
               try_clause, normal, killed, kill, noproc, exit, throw, atom, binary, tuple, list, map, integer, float,
               number, function, pid, port, reference, node, name, links, monitors, status, running, process, messages,
               dictionary, registered_name, group_leader, memory, reductions, current_function, suspended, waiting]).

main(["--write", Out | Sources]) ->
    ok = file:write_file(Out, c_source(name(Sources), program(Sources)));
main(["--check", Out | Sources]) ->
    {Program, Main} = program(Sources),
    {ok, Old} = file:read_file(Out),
    %% What the bytes mean is compared: another zlib may compress otherwise.
    Same = try
               terms([{Name, bytes(Old, Name)} || Name <- names(Old)]) =:= terms(Program) andalso
                   binary_to_term(<<131, (bytes(Old, "loader"))/binary>>) =:= loader(Main)
           catch
               _:_ -> false
           end,
    case Same of
        true -> ok;
        false ->
            io:format(standard_error, "~ts is not what its sources give: run `make regenerate`~n", [Out]),
            halt(1)
    end;
main(["--atoms" | Sources]) ->
    {Program, Main} = program(Sources),
    [io:format("~ts~n", [atom_to_binary(A, utf8)]) || A <- lists:usort(atoms({[Term || {_, Term} <- terms(Program)], loader(Main)}, []))];
main(_) ->
    io:format(standard_error, "usage: generate.escript --write|--check OUT.c SOURCE... | --atoms SOURCE...~n", []),
    halt(2).

%% The first source is the one that main/2 is in. -> {[{name, section as a binary}], index of main/2 in the first}
program(Sources) ->
    Modules = [module(S) || S <- Sources],
    Sections = [{M, with_imports(Functions, Imports, Modules)} || {M, Functions, Imports} <- Modules,
                                                                  not is_library(M, Modules)],
    Indexes = [{M, index(Functions)} || {M, Functions} <- Sections],
    put(sections, lists:zip([M || {M, _} <- Sections], lists:seq(1, length(Sections)))),
    put(indexes, maps:from_list(Indexes)),
    [{_, First} | _] = Indexes,
    Binaries = [{atom_to_list(M), term_to_binary(list_to_tuple([function(F, index(Functions)) || F <- Functions]), [{compressed, 9}, {minor_version, 2}])}
                || {M, Functions} <- Sections],
    {Binaries, maps:get({main, 2}, First)}.

%% Of the program: that of the file in which it starts.
name([Source | _]) -> filename:basename(Source, ".erl").

terms(Program) -> [{Name, binary_to_term(B)} || {Name, B} <- Program].

module(Source) ->
    {ok, Forms} = epp:parse_file(Source, []),
    Errors = [E || {error, E} <- Forms],
    Errors =:= [] orelse fail("~tp", [Errors]),
    [M] = [M || {attribute, _, module, M} <- Forms],
    {M, [{{Name, Arity}, Clauses} || {function, _, Name, Arity, Clauses} <- Forms],
     [Import || {attribute, _, import, Import} <- Forms]}.

%% A file from which others import: its functions are copied into each of these.
is_library(M, Modules) -> [] =/= [M || {_, _, Imports} <- Modules, {From, _} <- Imports, From =:= M].

with_imports(Functions, Imports, Modules) ->
    Copied = lists:append([begin {_, All, []} = lists:keyfind(From, 1, Modules), reachable(Names, All, []) end
                           || {From, Names} <- Imports]),
    Functions ++ [F || {Key, _} = F <- lists:usort(Copied), not lists:keymember(Key, 1, Functions)].

reachable([Key | Keys], All, Found) ->
    case {lists:keymember(Key, 1, Found), lists:keyfind(Key, 1, All)} of
        {false, {_, Clauses} = F} -> reachable(called(Clauses) ++ Keys, All, [F | Found]);
        _ -> reachable(Keys, All, Found)
    end;
reachable([], _, Found) -> Found.

called({call, _, {atom, _, F}, As}) -> [{F, length(As)} | called(As)];
called({'fun', _, {function, F, A}}) -> [{F, A}];
called(T) when is_tuple(T) -> called(tuple_to_list(T));
called([H | T]) -> called(H) ++ called(T);
called(_) -> [].

index(Functions) -> maps:from_list(lists:zip([Key || {Key, _} <- Functions], lists:seq(1, length(Functions)))).

function({{Name, Arity}, Clauses}, Index) ->
    Arity =< 20 orelse fail("~w/~w has too many arguments", [Name, Arity]),
    put(names, #{}),
    put(free, tl(tl(?POOL))),
    put(function, {Name, Arity}),
    {'case', 1, whole(), [{clause, 1, [{tuple, 1, [table() | expr(Ps, Index)]}], expr(G, Index), expr(B, Index)}
                          || {clause, _, Ps, G, B} <- Clauses]}.

whole() -> {var, 1, hd(?POOL)}.
table() -> {var, 1, hd(tl(?POOL))}.

expr(L, Ix) when is_list(L) -> [expr(E, Ix) || E <- L];
expr({var, _, '_'}, _) -> {var, 1, '_'};
expr({var, _, Name}, _) -> {var, 1, renamed(Name)};
expr({call, _, {atom, _, F}, As}, Ix) ->
    case Ix of
        #{{F, length(As)} := N} -> call({integer, 1, N}, table(), expr(As, Ix));
        #{} ->
            erl_internal:bif(F, length(As)) orelse fail("~w/~w is not defined", [F, length(As)]),
            {call, 1, {atom, 1, F}, expr(As, Ix)}
    end;
expr({call, _, {remote, _, {atom, _, M}, {atom, _, F}}, As}, Ix) ->
    case lists:keyfind(M, 1, get(sections)) of
        {_, Section} ->
            P = expr(hd(As), Ix),
            N = maps:get({F, length(As)}, maps:get(M, get(indexes))),
            T = {var, 1, renamed({section, Section})},
            {block, 1, [{match, 1, T, section(Section, P)}, call({integer, 1, N}, T, expr(As, Ix))]};
        false ->
            {call, 1, remote(M, F), expr(As, Ix)}
    end;
expr({'fun', _, {function, F, A}}, Ix) when is_atom(F) ->
    Vars = [{var, 1, renamed({argument, I})} || I <- lists:seq(1, A)],
    {'fun', 1, {clauses, [{clause, 1, Vars, [], [call({integer, 1, maps:get({F, A}, Ix)}, table(), Vars)]}]}};
expr({Kind, _, Value}, _) when Kind =:= atom; Kind =:= integer; Kind =:= string; Kind =:= char; Kind =:= float ->
    {Kind, 1, Value};
expr({named_fun, _, Name, Cs}, Ix) -> {named_fun, 1, renamed(Name), expr(Cs, Ix)};
expr({bin_element, _, E, Size, Types}, Ix) ->
    {bin_element, 1, expr(E, Ix), case Size of default -> default; _ -> expr(Size, Ix) end, Types};
expr(T, Ix) when is_tuple(T), is_integer(element(2, T)); is_tuple(T), is_tuple(element(2, T)) ->
    [Kind, _ | Rest] = tuple_to_list(T),
    list_to_tuple([Kind, 1 | [expr(R, Ix) || R <- Rest]]);
expr({clauses, Cs}, Ix) -> {clauses, expr(Cs, Ix)};
expr({function, M, F, A}, Ix) -> {function, expr(M, Ix), expr(F, Ix), expr(A, Ix)};
expr(Other, _) -> Other.

remote(M, F) -> {remote, 1, {atom, 1, M}, {atom, 1, F}}.

section(N, P) -> {call, 1, {atom, 1, binary_to_term}, [{call, 1, {atom, 1, element}, [{integer, 1, N}, P]}]}.

%% Table: the variable that holds the section; the function is element N of it.
call(N, Table, Args) ->
    None = {atom, 1, none},
    Bindings = {cons, 1, {tuple, 1, [{atom, 1, hd(?POOL)}, {tuple, 1, [Table | Args]}]}, {nil, 1}},
    {call, 1, remote(erl_eval, expr), [{call, 1, {atom, 1, element}, [N, Table]}, Bindings, None, None,
                                       {atom, 1, value}]}.

renamed(Name) ->
    Names = get(names),
    case Names of
        #{Name := New} -> New;
        #{} ->
            case get(free) of
                [New | Free] -> put(free, Free), put(names, Names#{Name => New}), New;
                [] -> fail("too many variables in ~w", [get(function)])
            end
    end.

%% What is evaluated first. `pid` and `node` are the names of its bindings: the program, and the arguments.
loader(Main) ->
    P = {var, 1, registered_name},
    [{match, 1, P, {call, 1, {atom, 1, binary_to_term}, [{var, 1, pid}]}},
     {match, 1, table(), section(1, P)},
     call({integer, 1, Main}, table(), [P, {var, 1, node}])].

c_source(Name, {Program, Main}) ->
    <<131, Loader/binary>> = term_to_binary(loader(Main)),
    ["/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
     "/* Generated from ", Name, "*.erl by generate.escript (`make regenerate`). Do not edit. */\n"
     "#include \"remote/program.h\"\n\n",
     "/* clang-format off */\n",
     [["static ", array(Section, Bytes), "\n"] || {Section, Bytes} <- Program],
     "static const struct remote_section sections[] = {\n",
     [["\t{ \"", Section, "\", ", Section, ", sizeof(", Section, ") },\n"] || {Section, _} <- Program],
     "\t{ NULL, NULL, 0 },\n};\n\n",
     "static ", array("loader", Loader),
     "\nconst struct remote_program remote_", Name, "_program = { sections, loader, sizeof loader };\n",
     "/* clang-format on */\n"].

array(Name, Bytes) -> ["const unsigned char ", Name, "[] = {\n", rows(Bytes), "};\n"].

rows(<<Row:24/binary, Rest/binary>>) -> [row(Row) | rows(Rest)];
rows(<<>>) -> [];
rows(Row) -> row(Row).

row(Row) -> ["\t", lists:join(" ", [["0x", string:pad(integer_to_list(B, 16), 2, leading, $0), ","] || <<B>> <= Row]), "\n"].

%% Of the sections, in order.
names(Text) ->
    {match, Found} = re:run(Text, "\\{ \"([a-z_]+)\", ", [global, {capture, all_but_first, list}]),
    [Name || [Name] <- Found].

bytes(Text, Name) ->
    {match, [Body]} = re:run(Text, Name ++ "\\[\\] = {([^}]*)}", [{capture, all_but_first, list}]),
    << <<(list_to_integer(Hex, 16))>> || "0x" ++ Hex <- string:lexemes(Body, ", \t\n") >>.

atoms(A, Acc) when is_atom(A) -> [A | Acc];
atoms(T, Acc) when is_tuple(T) -> lists:foldl(fun atoms/2, Acc, tuple_to_list(T));
atoms([H | T], Acc) -> atoms(T, atoms(H, Acc));
atoms(_, Acc) -> Acc.

-spec fail(string(), list()) -> no_return().
fail(Format, Args) ->
    io:format(standard_error, "generate.escript: " ++ Format ++ "~n", Args),
    halt(1).
