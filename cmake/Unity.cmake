# Unity builds: the sources of a folder are compiled a few at a time, as one translation unit, so that the headers
# they share are read once and not once a file. A changed file takes its few neighbours with it, some seconds. The
# presets that ship and test are built so; `dev` is not, and clang-tidy looks at each file alone, so that a file
# still includes what it uses.
#
# What is in an unnamed namespace is seen by the whole folder then: names there must differ.
option(BIZOND_UNITY "Compile several sources of a folder as one translation unit" ON)
set(BIZOND_UNITY_SOURCES 6 CACHE STRING "How many sources at most")

# The tables of connectors are compiled alone: docs/adding-a-destination.md adds a line to them, and its test links
# its own in their place.
#
# bizond_unity(TARGET sources...), the sources with their paths.
function(bizond_unity target)
  if(NOT BIZOND_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # GCC takes what an included file has in an unnamed namespace for a header's.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  set(sources ${ARGN})
  list(FILTER sources EXCLUDE REGEX "/(catalog|destination_fixtures)\\.cc$")
  list(SORT sources)
  set(folder "")
  foreach(source IN LISTS sources)
    get_filename_component(its_folder ${source} DIRECTORY)
    if(NOT its_folder STREQUAL folder)
      set(folder ${its_folder})
      set(count 0)
      file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${folder})
      string(REPLACE "/" "_" name ${name})
    endif()
    math(EXPR group "${count} / ${BIZOND_UNITY_SOURCES}")
    math(EXPR count "${count} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${name}_${group})
  endforeach()
endfunction()
