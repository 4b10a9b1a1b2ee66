# Compiler cache, linker, warnings and sanitizers, gathered in the interface target `bizond_flags`.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release | RelWithDebInfo | Debug | Sanitize" FORCE)
endif()
# No debug information where nobody looks at it: it is a third of a build's time and most of its bytes.
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# Under a sanitizer, line numbers and the library's own checks are what the build is for.
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -D_GLIBCXX_ASSERTIONS")

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness is what ccache asks for beside a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
# A shared library that nothing is used of costs every start of the binary.
add_link_options(-Wl,--as-needed)

# simdjson picks its kernel when it is compiled: without this it would be the one that knows no SIMD. Every
# x86-64 server since 2010 has these.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-march=x86-64-v2> $<$<COMPILE_LANGUAGE:CXX>:-mpclmul>)
endif()

add_library(bizond_flags INTERFACE)
target_include_directories(bizond_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(bizond_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

set(BIZOND_SANITIZE "" CACHE STRING "address,undefined | thread | empty")
if(BIZOND_SANITIZE)
  # Instrumented code makes g++ 12 warn, in its own headers, about values that are set.
  add_compile_options(-fsanitize=${BIZOND_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all -Wno-maybe-uninitialized)
  if(BIZOND_SANITIZE STREQUAL "thread")
    add_compile_options(-Wno-tsan)
  endif()
  add_link_options(-fsanitize=${BIZOND_SANITIZE})
endif()
