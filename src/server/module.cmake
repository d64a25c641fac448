# The page's files enter the binary; `./dev build` makes web/dist first.
set(soyang_assets_c ${CMAKE_BINARY_DIR}/generated/server/assets.c)
set(soyang_assets_s ${CMAKE_BINARY_DIR}/generated/server/assets.S)
file(GLOB_RECURSE soyang_page_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/dist/*)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated/server)
add_custom_command(
    OUTPUT ${soyang_assets_c} ${soyang_assets_s}
    COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/web/embed ${CMAKE_SOURCE_DIR}/web/dist ${soyang_assets_c} ${soyang_assets_s}
    DEPENDS ${soyang_page_files} ${CMAKE_SOURCE_DIR}/tools/web/embed
    VERBATIM)
target_sources(soyang_server PRIVATE ${soyang_assets_c} ${soyang_assets_s})
