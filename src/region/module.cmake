
# The least that an import of roads can take (ninja soyang_roads_bench).
add_executable(soyang_roads_bench EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/test/bench/roads_bench.c")
target_link_libraries(soyang_roads_bench PRIVATE soyang_flags soyang_external)
