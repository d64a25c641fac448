# R4's constraints, bindings, extensions and profiles, from the same package and with the same numbers of types as fhir's tables.
set(validate_generated "${CMAKE_BINARY_DIR}/generated/validate")
set(validate_generator "${CMAKE_SOURCE_DIR}/tools/definitions/validate.py")
add_custom_command(
    OUTPUT "${validate_generated}/rule_tables.c"
    COMMAND "${SOYANG_PYTHON}" -B "${validate_generator}" "${fhir_package}/package" "${validate_generated}"
    DEPENDS "${validate_generator}" "${fhir_generator}" "${fhir_stamp}"
    COMMENT "Generating the rules of R4"
    VERBATIM)
target_sources(soyang_validate PRIVATE "${validate_generated}/rule_tables.c")
