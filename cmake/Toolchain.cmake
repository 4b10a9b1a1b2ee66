# Compiler cache, linker, warnings and sanitizers, gathered in the interface target `bizond_flags`.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(bizond_flags INTERFACE)
target_include_directories(bizond_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(bizond_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# The sanitizers' own instrumentation makes g++ 12 warn about code that is right.
set(BIZOND_SANITIZE "" CACHE STRING "address,undefined | thread | empty")
if(BIZOND_SANITIZE)
  add_compile_options(-fsanitize=${BIZOND_SANITIZE} -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  if(BIZOND_SANITIZE STREQUAL "thread")
    add_compile_options(-Wno-tsan)
  endif()
  add_link_options(-fsanitize=${BIZOND_SANITIZE})
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
