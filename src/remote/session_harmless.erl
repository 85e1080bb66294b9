%% SPDX-License-Identifier: GPL-3.0-or-later
%% What a read-only evaluation may call: all that is not here is refused. A row is a module and its functions, with or without an
%% arity. Names are strings, so that no atom of them is made on a node that has not got the module.
%%
%%   name    looks only, whatever its arguments are, and calls no function that it is given
%%   name*   calls functions that it is given as arguments: each must be one that the text itself has made, or one of this list
%%   name?   depends on its arguments: session_readonly:allowed/3
%%
%% A function may be here when it changes nothing beyond the evaluation's own process: no message (but the questions named
%% below), no process, port, file, table, atom, code or flag. A module of the node's own release that is not loaded yet may get loaded by
%% the call.
-module(session_harmless).
-export([table/1]).

table(_) ->
    [
     %% Not here, though they look harmless: binary_to_term makes funs of any content, one with our own handlers among them, and
     %% atoms; list_to_atom and binary_to_atom make atoms that stay; error/3 and raise/3 can name a function that is called to
     %% explain the exception; put/2, since library code takes functions from the dictionary (rand does); process_flag, link,
     %% monitor, garbage_collect touch processes; get_cookie shows a secret; display and process_display write to the node's own output.
     %% statistics is here, although the next caller's "since the last call" begins anew with it.
     {"erlang",
      "+ - * / div rem band bor bxor bnot bsl bsr and or xor not == /= =< < >= > =:= =/= ++ -- apply/2* apply/3? "
      "abs adler32 adler32_combine append_element atom_to_binary atom_to_list binary_part binary_to_existing_atom binary_to_float "
      "binary_to_integer binary_to_list bit_size bitstring_to_list byte_size ceil convert_time_unit crc32 crc32_combine date "
      "decode_packet delete_element element error/1 error/2 exit/1 external_size float float_to_binary float_to_list floor "
      "fun_info fun_to_list function_exported get get_keys get_module_info group_leader/0 hd insert_element integer_to_binary "
      "integer_to_list iolist_size iolist_to_binary iolist_to_iovec is_alive is_atom is_binary is_bitstring is_boolean is_builtin "
      "is_float is_function is_integer is_list is_map is_map_key is_number is_pid is_port is_process_alive is_record is_reference "
      "is_tuple length list_to_binary list_to_bitstring list_to_existing_atom list_to_float list_to_integer list_to_pid "
      "list_to_port list_to_ref list_to_tuple loaded localtime localtime_to_universaltime make_fun make_ref make_tuple map_get map_size "
      "max md5 memory min module_loaded monotonic_time node nodes now phash phash2 pid_to_list port_info port_to_list ports "
      "pre_loaded process_info processes processes_iterator processes_next read_timer/1 ref_to_list registered round self "
      "setelement size split_binary statistics subtract system_info system_monitor/0 system_profile/0 system_time "
      "term_to_binary term_to_iovec throw time time_offset timestamp tl trace_info trunc tuple_size tuple_to_list "
      "unique_integer universaltime universaltime_to_localtime whereis"},

     %% The node: processes that are asked by a message are those that answer such questions anyway.
     {"application", "get_all_env get_all_key get_application get_env get_key get_supervisor info loaded_applications "
                     "which_applications"},
     {"code", "all_available all_loaded compiler_dir get_mode get_object_code get_path is_loaded is_sticky lib_dir module_status "
              "priv_dir root_dir where_is_file which"},
     {"init", "get_argument get_arguments get_plain_arguments get_status script_id"},
     {"os", "getenv getpid perf_counter system_time timestamp type version"},
     %% Asks a process by a system message: allowed where a behaviour has started it. What is started otherwise would find the
     %% question among its own messages.
     {"sys", "get_state? get_status?"},
     {"proc_lib", "initial_call translate_initial_call"},
     %% A call that a gen_server does not know may end it: allowed where the process is a supervisor.
     {"supervisor", "count_children? get_childspec? which_children?"},
     {"global", "info registered_names whereis_name"},
     {"pg", "get_local_members get_members which_groups which_local_groups"},
     {"net_kernel", "get_net_ticktime/0 get_state/0 nodes_info/0"},
     %% Of a socket that is a port: other kinds name the module that is called.
     {"inet", "gethostname/0 getstat? i/0 ntoa parse_address parse_ipv4_address parse_ipv6_address peername? sockname?"},
     {"logger", "compare_levels get_config get_handler_config get_handler_ids get_module_level get_primary_config "
                "get_process_metadata get_proxy_config"},
     {"alarm_handler", "get_alarms"},
     {"release_handler", "which_releases/0 which_releases/1"},
     {"mnesia", "system_info table_info"},
     {"erts_debug", "flat_size same size size_shared"},

     %% Data of the node. Not here: ets:table and all else of qlc, whose handles hold functions.
     {"ets", "all first first_lookup foldl* foldr* fun2ms* i/0 info is_compiled_ms last last_lookup lookup lookup_element match "
             "match_object match_spec_compile match_spec_run member next next_lookup prev prev_lookup repair_continuation select "
             "select_count select_reverse slot tab2list test_ms whereis"},
     {"persistent_term", "get info"},
     {"counters", "get info"},
     {"atomics", "get info"},

     %% The shell's. Not here: ni and nregs, which ask other nodes; bt, which writes to the node's own output; m(M) of a module
     %% that is not loaded. Its own f, b, rd, rf, rl, rp and rr, of a module, are known to session_readonly.
     {"shell_default", "help/0 i/0 i/3 m/0 m/1? memory pid/3 pwd/0 regs/0 uptime/0"},
     {"c", "help/0 i/0 i/3 m/0 m/1? memory pid/3 pwd/0 regs/0 uptime/0"},

     %% Output of the evaluation, which is ours. Not with a device: that is a process.
     {"io", "columns/0 format/1 format/2 fwrite/1 fwrite/2 getopts/0 nl/0 printable_range/0 put_chars/1 rows/0 write/1"},
     {"io_lib", "bformat bfwrite char_list deep_char_list deep_latin1_char_list format fwrite indentation latin1_char_list nl "
                "print/1 print/4 printable_latin1_list printable_list printable_unicode_list write/1 write/2 write_atom "
                "write_char write_latin1_char write_latin1_string write_string"},
     {"timer", "hms hours minutes now_diff seconds sleep tc/1* tc/2*"},

     %% Pure. Not here: io_lib:fread, which makes atoms; rand, which calls what its state says; erl_eval, erl_scan, erl_parse, which make code or atoms; file and
     %% filelib: some files change by being read, or never end.
     {"lists", "all* any* append concat delete droplast dropwhile* duplicate enumerate filter* filtermap* flatlength flatmap* flatten "
               "foldl* foldr* foreach* join keydelete keyfind keymap* keymember keymerge keyreplace keysearch keysort keystore "
               "keytake last map* mapfoldl* mapfoldr* max member merge* merge3 min nth nthtail partition* prefix reverse search* seq "
               "sort* split splitwith* sublist subtract suffix sum takewhile* ukeymerge ukeysort umerge* umerge3 uniq* unzip unzip3 "
               "usort* zf* zip zip3 zipwith* zipwith3*"},
     {"maps", "filter* filtermap* find fold* foreach* from_keys from_list get groups_from_list* intersect intersect_with* is_key "
              "iterator* keys map* merge merge_with* new next put remove size take to_list update update_with* values with without"},
     {"proplists", "append_values compact delete expand from_map get_all_values get_bool get_keys get_value is_defined lookup "
                   "lookup_all normalize property split substitute_aliases substitute_negations to_map unfold"},
     {"string", "casefold centre chars chomp chr concat copies cspan equal find is_empty jaro_similarity join left len length "
                "lexemes lowercase next_codepoint next_grapheme nth_lexeme pad prefix rchr replace reverse right rstr slice span "
                "split str strip sub_string sub_word substr take titlecase to_float to_graphemes to_integer to_lower to_upper tokens "
                "trim uppercase words"},
     {"binary", "at bin_to_list compile_pattern copy decode_hex decode_unsigned encode_hex encode_unsigned first join last list_to_bin "
                "longest_common_prefix longest_common_suffix match matches part referenced_byte_size replace* split"},
     {"unicode", "bom_to_encoding characters_to_binary characters_to_list characters_to_nfc_binary characters_to_nfc_list "
                 "characters_to_nfd_binary characters_to_nfd_list characters_to_nfkc_binary characters_to_nfkc_list "
                 "characters_to_nfkd_binary characters_to_nfkd_list encoding_to_bom"},
     {"math", "acos acosh asin asinh atan atan2 atanh ceil cos cosh erf erfc exp floor fmod log log10 log2 pi pow sin sinh sqrt tan "
              "tanh tau"},
     {"re", "compile inspect replace* run split version"},
     {"sets", "add_element del_element filter* filtermap* fold* from_list intersection is_disjoint is_element is_empty is_equal is_set "
              "is_subset map* new size subtract to_list union"},
     {"ordsets", "add_element del_element filter* filtermap* fold* from_list intersection is_disjoint is_element is_empty is_equal "
                 "is_set is_subset map* new size subtract to_list union"},
     {"gb_sets", "add add_element balance del_element delete delete_any difference empty filter* filtermap* fold* from_list "
                 "from_ordset insert intersection is_disjoint is_element is_empty is_equal is_member is_set is_subset iterator "
                 "iterator_from larger largest map* new next singleton size smaller smallest subtract take_largest take_smallest to_list union"},
     {"gb_trees", "balance delete delete_any empty enter from_list from_orddict get insert is_defined is_empty iterator iterator_from keys "
                  "larger largest lookup map* next size smaller smallest take take_any take_largest take_smallest to_list update values"},
     {"dict", "append append_list erase fetch fetch_keys filter* find fold* from_list is_empty is_key map* merge* new size store take "
              "to_list update* update_counter"},
     {"orddict", "append append_list erase fetch fetch_keys filter* find fold* from_list is_empty is_key map* merge* new size store take "
                 "to_list update* update_counter"},
     {"queue", "all* any* cons daeh delete delete_r delete_with* delete_with_r* drop drop_r filter* filtermap* fold* from_list get get_r "
               "head in in_r init is_empty is_queue join lait last len liat member new out out_r peek peek_r reverse snoc split tail "
               "to_list"},
     {"array", "default fix foldl* foldr* from_list from_orddict get is_array is_fix map* new relax reset resize set size sparse_foldl* "
               "sparse_foldr* sparse_map* sparse_size sparse_to_list sparse_to_orddict to_list to_orddict"},
     {"calendar", "date_to_gregorian_days datetime_to_gregorian_seconds day_of_the_week gregorian_days_to_date "
                  "gregorian_seconds_to_datetime is_leap_year iso_week_number last_day_of_the_month local_time "
                  "local_time_to_universal_time local_time_to_universal_time_dst now_to_datetime now_to_local_time "
                  "now_to_universal_time rfc3339_to_system_time seconds_to_daystime seconds_to_time system_time_to_local_time "
                  "system_time_to_rfc3339 system_time_to_universal_time time_difference time_to_seconds universal_time "
                  "universal_time_to_local_time valid_date"},
     {"filename", "basename dirname extension flatten join nativename pathtype rootname split"},
     {"base64", "decode decode_to_string encode encode_to_string mime_decode mime_decode_to_string"},
     {"uri_string", "compose_query dissect_query normalize parse percent_decode quote recompose resolve transcode unquote"},
     {"json", "decode/1 encode* format/1"}
    ].
