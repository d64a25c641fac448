# The trainer of the second reader's models (./dev train). It alone links libxgboost; without that library it is not there, and
# nothing else misses it.
pkg_check_modules(xgboost IMPORTED_TARGET xgboost)
if(NOT xgboost_FOUND)
    return()
endif()
file(GLOB train_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tools/train/*.c")
add_executable(soyang_train ${train_sources})
target_include_directories(soyang_train PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tools/train")
target_link_libraries(soyang_train PRIVATE soyang_flags soyang_triage soyang_external PkgConfig::xgboost)
