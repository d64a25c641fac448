# The dictionary that bodies are compressed with: trained at build time from the published R4 examples.
set(soyang_examples "${CMAKE_SOURCE_DIR}/build/deps/fhir/package")
set(soyang_dictionary "${CMAKE_BINARY_DIR}/generated/store/dictionary")

add_executable(soyang_store_dictionary_tool "${CMAKE_SOURCE_DIR}/tools/store-dictionary/store_dictionary.c")
target_link_libraries(soyang_store_dictionary_tool PRIVATE soyang_flags soyang_external)
add_custom_command(OUTPUT "${soyang_dictionary}"
    COMMAND soyang_store_dictionary_tool "${soyang_examples}" "${soyang_dictionary}"
    DEPENDS soyang_store_dictionary_tool
    COMMENT "Training the body dictionary from the published examples")
file(WRITE "${soyang_dictionary}.S.new"
    "    .section .rodata\n"
    "    .global soyang_store_dictionary, soyang_store_dictionary_end\n"
    "    .balign 16\n"
    "soyang_store_dictionary:\n"
    "    .incbin \"${soyang_dictionary}\"\n"
    "soyang_store_dictionary_end:\n"
    "    .byte 0\n"
    "    .section .note.GNU-stack,\"\",%progbits\n")
configure_file("${soyang_dictionary}.S.new" "${soyang_dictionary}.S" COPYONLY)
set_source_files_properties("${soyang_dictionary}.S" PROPERTIES OBJECT_DEPENDS "${soyang_dictionary}")
target_sources(soyang_store PRIVATE "${soyang_dictionary}.S")

# What the store does at a size: not part of a normal build (ninja soyang_store_bench).
add_executable(soyang_store_bench EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/test/bench/store_bench.c")
target_include_directories(soyang_store_bench PRIVATE "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(soyang_store_bench PRIVATE soyang_flags soyang_store soyang_base soyang_external)
