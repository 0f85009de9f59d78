# One folder is one namespace is one library: alphorn_library(base) makes the target alphorn_base
# from the sources beside it. Includes are written from the folder's parent: "base/secret.hpp".
function(alphorn_library name)
  cmake_parse_arguments(arg "" "ROOT" "SOURCES;DEPENDS" ${ARGN})
  add_library(alphorn_${name} STATIC ${arg_SOURCES})
  target_include_directories(alphorn_${name} PUBLIC ${arg_ROOT})
  target_link_libraries(alphorn_${name} PUBLIC ${arg_DEPENDS})
endfunction()
