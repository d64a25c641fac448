# Libraries from outside. All come from Debian; yyjson alone is missing in Debian 12, so that tools/fetch-yyjson may
# have unpacked it under build/deps/yyjson.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(module IN ITEMS sqlite3 libcurl libmicrohttpd libzstd libcrypto libxml-2.0 libutf8proc libpcre2-8 zlib readosm)
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${module})
    list(APPEND soyang_pkg_targets PkgConfig::${module})
endforeach()
find_library(SOYANG_BZ2 bz2 REQUIRED)
find_path(SOYANG_BZ2_INCLUDE bzlib.h REQUIRED)

add_library(soyang_external INTERFACE)
target_link_libraries(soyang_external INTERFACE -Wl,--as-needed ${soyang_pkg_targets} ${SOYANG_BZ2} Threads::Threads m)

pkg_check_modules(yyjson IMPORTED_TARGET yyjson)
if(yyjson_FOUND)
    target_link_libraries(soyang_external INTERFACE PkgConfig::yyjson)
else()
    set(soyang_yyjson "${CMAKE_SOURCE_DIR}/build/deps/yyjson/usr")
    find_path(SOYANG_YYJSON_INCLUDE yyjson.h PATHS "${soyang_yyjson}/include" NO_DEFAULT_PATH)
    find_library(SOYANG_YYJSON yyjson PATHS "${soyang_yyjson}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" NO_DEFAULT_PATH)
    if(NOT SOYANG_YYJSON OR NOT SOYANG_YYJSON_INCLUDE)
        message(FATAL_ERROR "yyjson is neither installed (libyyjson-dev) nor under build/deps: run tools/fetch-yyjson")
    endif()
    add_library(soyang_yyjson SHARED IMPORTED)
    set_target_properties(soyang_yyjson PROPERTIES
        IMPORTED_LOCATION "${SOYANG_YYJSON}"
        INTERFACE_INCLUDE_DIRECTORIES "${SOYANG_YYJSON_INCLUDE}")
    target_link_libraries(soyang_external INTERFACE soyang_yyjson)
endif()
