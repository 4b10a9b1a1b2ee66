# tests/<room>/*.cc make the binary <room>_test; every test of it is a ctest test. A room's test links
# that room and those below it; what crosses rooms (conformance, ...) links all.
find_package(GTest REQUIRED)
include(GoogleTest)

# What is tested is built as it is shipped, or checked by every sanitizer; the tests themselves need not be
# fast, and undefined behaviour of their own is not what users meet.
set(test_options $<$<CONFIG:Release,Sanitize>:-O0> $<$<CONFIG:Sanitize>:-fno-sanitize=undefined>)
# Two thirds of a test's compile time are the headers that every test includes: they are read once.
file(WRITE ${CMAKE_BINARY_DIR}/generated/test_precompiled.cc.new "// Owns the precompiled header.\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/generated/test_precompiled.cc.new
     ${CMAKE_BINARY_DIR}/generated/test_precompiled.cc ONLY_IF_DIFFERENT)
add_library(bizond_test_precompiled OBJECT ${CMAKE_BINARY_DIR}/generated/test_precompiled.cc)
target_link_libraries(bizond_test_precompiled
  PRIVATE bizond_flags bizond_deps GTest::gmock GTest::gtest)
target_precompile_headers(bizond_test_precompiled PRIVATE ${CMAKE_SOURCE_DIR}/tests/precompiled.h)
target_compile_options(bizond_test_precompiled PRIVATE ${test_options})

# Counterparts that tests share: the sources of tests/fakes, which start what lies in its folders.
file(GLOB fakes CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fakes/*.cc)
add_library(bizond_fakes STATIC ${fakes})
target_link_libraries(bizond_fakes PUBLIC bizond_base)
target_compile_definitions(bizond_fakes PRIVATE BIZOND_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# bizond_test(NAME links...)
function(bizond_test name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*.cc)
  add_executable(${name}_test ${sources})
  if(NOT name STREQUAL "fuzz")  # Each defines libFuzzer's entry.
    bizond_unity(${name}_test ${sources})
  endif()
  target_precompile_headers(${name}_test REUSE_FROM bizond_test_precompiled)
  target_compile_options(${name}_test PRIVATE ${test_options})
  target_link_libraries(${name}_test PRIVATE bizond_flags bizond_deps)
  target_link_libraries(${name}_test PRIVATE ${ARGN} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name}_test PRIVATE BIZOND_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_definitions(${name}_test PRIVATE BIZOND_BINARY="$<TARGET_FILE:bizond>")
  # A suite named *Unprivileged needs a user who is not root: scripts/test runs it as one.
  # One named *_over_bqemulator needs a server that takes seconds to start: see below.
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST
    TEST_FILTER "-*Unprivileged*:*_over_bqemulator"
    PROPERTIES TIMEOUT 300)
endfunction()

bizond_test(base bizond_base)
bizond_test(sync bizond_sync)
bizond_test(store bizond_store)
bizond_test(sources bizond_sources)
bizond_test(destinations bizond_destinations bizond_fakes)
find_library(DATE_TZ date-tz REQUIRED)  # The oracle's reader of time zones, which is not ours.
bizond_test(scheduler bizond_all ${DATE_TZ})
# The oracle tries every second of a year: it alone is compiled to be fast.
set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/scheduler/cron_oracle.cc PROPERTIES
  COMPILE_OPTIONS -O2 SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
bizond_test(web bizond_all)
bizond_test(tidy)
# Seeded loops over the bodies that libFuzzer could drive, too.
bizond_test(fuzz bizond_all)
# Replaces operator new, which a sanitizer wants for itself.
if(NOT BIZOND_SANITIZE)
  bizond_test(allocations bizond_all)
endif()
# These start the binary, too.
bizond_test(cli bizond_all bizond_fakes)
add_dependencies(cli_test bizond)
if(BIZOND_GRPC)  # It goes through every destination that there is.
  bizond_test(conformance bizond_all bizond_fakes bizond_bigquery_write)
  add_dependencies(conformance_test bizond)
endif()

# What no sanitizer sees more of, or waits for minutes for, is tested as it is shipped, once.
if(BIZOND_SANITIZE)
  return()
endif()

# Google's own clients drive the fake of BigQuery: what the destinations are tested against is honest.
add_test(NAME bigquery_fake_honest
  COMMAND ${CMAKE_SOURCE_DIR}/.work/bigquery-fake/bin/python -m unittest honest honest_access honest_faults honest_write honest_uploads
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests/fakes/bigquery)
set_tests_properties(bigquery_fake_honest PROPERTIES TIMEOUT 300)

# Two cron libraries that others wrote say the same of thousands of random expressions.
add_test(NAME cron_peers
  COMMAND ${CMAKE_SOURCE_DIR}/.work/cron-peers/bin/python ${CMAKE_SOURCE_DIR}/tests/cron_peers/compare.py
          --binary $<TARGET_FILE:bizond>)
set_tests_properties(cron_peers PROPERTIES TIMEOUT 600)

# What the destinations of BigQuery promise, once more over an emulator that others wrote.
if(BIZOND_GRPC)
  add_test(NAME destinations_over_bqemulator
    COMMAND conformance_test --gtest_filter=*_over_bqemulator --gtest_brief=1)
  set_tests_properties(destinations_over_bqemulator PROPERTIES TIMEOUT 600)
endif()

# Deaths at every failpoint and at random moments. Under a sanitizer a start takes longer than a run.
add_test(NAME crash COMMAND ${CMAKE_SOURCE_DIR}/tests/crash/run --binary $<TARGET_FILE:bizond>)
set_tests_properties(crash PROPERTIES LABELS crash TIMEOUT 900)

# System calls that fail, a full disk, lost power: the short form.
add_test(NAME faults COMMAND ${CMAKE_SOURCE_DIR}/tests/faults/run --binary $<TARGET_FILE:bizond> --seed suite)
set_tests_properties(faults PROPERTIES LABELS crash TIMEOUT 600)

# The pages that are made of the sources are what the sources say.
add_test(NAME reference_docs COMMAND ${CMAKE_SOURCE_DIR}/scripts/reference-docs --check)
