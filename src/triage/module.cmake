# The built-in policy is a file of regions/korea, put into the library as it stands.
set(triage_policy "${CMAKE_SOURCE_DIR}/regions/korea/triage-policy.json")
set(triage_policy_source "${CMAKE_CURRENT_LIST_DIR}/policy_builtin.S")
target_sources(soyang_triage PRIVATE "${triage_policy_source}")
set_source_files_properties("${triage_policy_source}" PROPERTIES
    OBJECT_DEPENDS "${triage_policy}"
    COMPILE_DEFINITIONS "TRIAGE_POLICY_FILE=\"${triage_policy}\"")
