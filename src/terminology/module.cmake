# The code systems, value sets and concept maps of R4, from the package that the fhir module's tables come from.
set(terminology_generator "${CMAKE_SOURCE_DIR}/tools/definitions/terminology.py")
set(terminology_tables "${CMAKE_BINARY_DIR}/generated/terminology/builtin.c")
add_custom_command(
    OUTPUT "${terminology_tables}"
    COMMAND "${SOYANG_PYTHON}" "${terminology_generator}" "${fhir_package}/package"
            "${CMAKE_BINARY_DIR}/generated/terminology"
    DEPENDS "${terminology_generator}" "${fhir_stamp}"
    COMMENT "Generating the tables of code systems and value sets"
    VERBATIM)
target_sources(soyang_terminology PRIVATE "${terminology_tables}")
