# find_package(patchworks) gives the target patchworks::patchworks: the archive, its header and libcurl. Lua and lua-cjson
# are the program's own to link.
get_filename_component(_patchworks_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
include(CMakeFindDependencyMacro)
find_dependency(CURL)
find_dependency(Threads)
if(NOT TARGET patchworks::patchworks)
  add_library(patchworks::patchworks STATIC IMPORTED)
  set_target_properties(patchworks::patchworks PROPERTIES
    IMPORTED_LOCATION "${_patchworks_prefix}/lib/libpatchworks.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_patchworks_prefix}/include"
    INTERFACE_LINK_LIBRARIES "CURL::libcurl;Threads::Threads;m")
endif()
