# The tables of R4, generated from the published definitions that tools/definitions/fetch leaves under build/deps/fhir.
set(fhir_package "${CMAKE_SOURCE_DIR}/build/deps/fhir")
set(fhir_stamp "${fhir_package}/hl7.fhir.r4.examples-4.0.1.stamp")
if(NOT EXISTS "${fhir_stamp}")
    message(FATAL_ERROR "The FHIR definitions are not under build/deps/fhir: run ./dev build (it calls tools/definitions/fetch)")
endif()
find_program(SOYANG_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(SOYANG_PYTHON NAMES python3 REQUIRED)

set(fhir_generated "${CMAKE_BINARY_DIR}/generated/fhir")
set(fhir_generator "${CMAKE_SOURCE_DIR}/tools/definitions/generate.py")
add_custom_command(
    OUTPUT "${fhir_generated}/definitions.c" "${fhir_generated}/type_numbers.h"
    COMMAND "${SOYANG_PYTHON}" "${fhir_generator}" "${fhir_package}/package" "${fhir_generated}"
    DEPENDS "${fhir_generator}" "${fhir_stamp}"
    COMMENT "Generating the FHIR tables"
    VERBATIM)
target_sources(soyang_fhir PRIVATE "${fhir_generated}/definitions.c" "${fhir_generated}/type_numbers.h")
