# States, transitions, reasons and the default policy are data of regions/korea; the program carries them as tables.
set(referral_data "${CMAKE_SOURCE_DIR}/regions/korea")
set(referral_generator "${CMAKE_SOURCE_DIR}/tools/referral/tables.py")
set(referral_tables "${CMAKE_BINARY_DIR}/generated/referral/tables.c")
add_custom_command(
    OUTPUT "${referral_tables}"
    COMMAND "${SOYANG_PYTHON}" "${referral_generator}" "${referral_data}" "${referral_tables}"
    DEPENDS "${referral_generator}" "${referral_data}/states.csv" "${referral_data}/transitions.csv"
            "${referral_data}/reasons.csv" "${referral_data}/policy.json"
    COMMENT "Generating the tables of the referral"
    VERBATIM)
target_sources(soyang_referral PRIVATE "${referral_tables}")

# How long a ranking takes: not part of a normal build (ninja soyang_rank_bench).
add_executable(soyang_rank_bench EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/test/bench/rank_bench.c")
target_include_directories(soyang_rank_bench PRIVATE "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(soyang_rank_bench PRIVATE soyang_flags soyang_referral soyang_external)

# How long an assignment of many patients takes (ninja soyang_surge_bench).
add_executable(soyang_surge_bench EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/test/bench/surge_bench.c")
target_include_directories(soyang_surge_bench PRIVATE "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(soyang_surge_bench PRIVATE soyang_flags soyang_referral soyang_external)
