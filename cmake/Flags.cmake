# Warnings are errors under both compilers. Sanitizers are chosen by the preset (SOYANG_SANITIZE).
set(SOYANG_SANITIZE "" CACHE STRING "Sanitizers, comma-separated: address,undefined or thread")
option(SOYANG_FUZZ "Build the fuzz harnesses (clang)" OFF)

add_library(soyang_flags INTERFACE)
target_compile_definitions(soyang_flags INTERFACE _GNU_SOURCE SOYANG_VERSION="${PROJECT_VERSION}")
target_compile_options(soyang_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Werror>)
target_compile_options(soyang_flags INTERFACE -fstack-protector-strong)

set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(soyang_flags INTERFACE _FORTIFY_SOURCE=2)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT soyang_lto OUTPUT soyang_lto_output LANGUAGES C)
    if(soyang_lto)
        set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    endif()
    add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(SOYANG_SANITIZE)
    add_compile_options(-fsanitize=${SOYANG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SOYANG_SANITIZE})
endif()
if(SOYANG_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
