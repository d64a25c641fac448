# The built-in policy is a file of regions/korea, put into the library as it stands.
set(triage_policy "${CMAKE_SOURCE_DIR}/regions/korea/triage-policy.json")
set(triage_policy_source "${CMAKE_CURRENT_LIST_DIR}/policy_builtin.S")
target_sources(soyang_triage PRIVATE "${triage_policy_source}")
set_source_files_properties("${triage_policy_source}" PROPERTIES
    OBJECT_DEPENDS "${triage_policy}"
    COMPILE_DEFINITIONS "TRIAGE_POLICY_FILE=\"${triage_policy}\"")

# Trained models are files of models/, put into the library where they are; which are there is looked at when configuring.
set(triage_models_source "${CMAKE_CURRENT_LIST_DIR}/models_builtin.S")
set(triage_models_definitions "")
set(triage_models_files "")
file(GLOB triage_models_there CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/models/*.model")
set(triage_models level level-without-human disposition intensive-care admission)
foreach(model IN LISTS triage_models)
    set(triage_model "${CMAKE_SOURCE_DIR}/models/${model}.model")
    if(EXISTS "${triage_model}")
        string(TOUPPER "${model}" triage_model_name)
        string(REPLACE "-" "_" triage_model_name "${triage_model_name}")
        list(APPEND triage_models_definitions "MODEL_${triage_model_name}_FILE=\"${triage_model}\"")
        list(APPEND triage_models_files "${triage_model}")
    endif()
endforeach()
target_sources(soyang_triage PRIVATE "${triage_models_source}")
set_source_files_properties("${triage_models_source}" PROPERTIES
    OBJECT_DEPENDS "${triage_models_files}"
    COMPILE_DEFINITIONS "${triage_models_definitions}")

# What a trained model costs: not part of a normal build (ninja soyang_triage_bench).
add_executable(soyang_triage_bench EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/test/bench/triage_bench.c")
target_include_directories(soyang_triage_bench PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/test")
target_link_libraries(soyang_triage_bench PRIVATE soyang_flags soyang_triage soyang_external)
