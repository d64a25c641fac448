# test/unit/MODULE/NAME_test.c becomes the executable MODULE_NAME_test, linked to that module and what it may use; a
# folder that is no module (test/unit/whole) gets all libraries. Tests run with the repository root as their folder.
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
if(NOT cmocka_FOUND)
    message(WARNING "cmocka is missing: no unit test is built")
    return()
endif()

file(GLOB test_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/test/unit/*/*_test.c")
find_library(SOYANG_XGBOOST xgboost REQUIRED)
foreach(source IN LISTS test_sources)
    cmake_path(GET source STEM name)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME module)
    set(target "${module}_${name}")
    add_executable(${target} ${source})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test")
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/test"
        "${CMAKE_BINARY_DIR}/generated/${module}")
    if(TARGET soyang_${module})
        target_link_libraries(${target} PRIVATE soyang_${module})
    else()
        target_link_libraries(${target} PRIVATE ${soyang_libraries})
    endif()
    target_link_libraries(${target} PRIVATE soyang_flags soyang_external PkgConfig::cmocka)
    if(name STREQUAL "xgboost_test") # the one that compares with libxgboost; nothing else links it but the trainer
        target_link_libraries(${target} PRIVATE ${SOYANG_XGBOOST})
    endif()
    add_test(NAME ${target} COMMAND ${target} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${target} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 ENVIRONMENT UBSAN_OPTIONS=print_stacktrace=1)
endforeach()

# What is preloaded to make the n-th call of the system or of SQLite fail (test/faults). It stands between the program and its
# libraries, so it is never sanitized itself.
add_library(fault_shim MODULE "${CMAKE_SOURCE_DIR}/test/faults/fault_shim.c")
set_target_properties(fault_shim PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test"
    INTERPROCEDURAL_OPTIMIZATION OFF)
target_compile_options(fault_shim PRIVATE -fno-sanitize=all)
target_link_options(fault_shim PRIVATE -fno-sanitize=all)
target_link_libraries(fault_shim PRIVATE soyang_flags PkgConfig::sqlite3 ${CMAKE_DL_LIBS})

# test/fuzz/NAME_fuzz.c is one libFuzzer harness, built with the preset `fuzz` and run by `./dev fuzz`.
if(SOYANG_FUZZ)
    add_custom_target(fuzz_harnesses)
    file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/test/fuzz/*_fuzz.c")
    foreach(source IN LISTS fuzz_sources)
        cmake_path(GET source STEM name)
        add_executable(${name} EXCLUDE_FROM_ALL ${source})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
        target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src")
        target_link_libraries(${name} PRIVATE ${soyang_libraries} soyang_flags soyang_external -fsanitize=fuzzer)
        add_dependencies(fuzz_harnesses ${name})
    endforeach()
endif()
