# Everything linked, gathered in the interface target `bizond_deps`. Debian 12 packages, but for SQLite
# and cpp-httplib: scripts/setup unpacks those of a newer Debian suite into third_party/.
set(BIZOND_THIRD_PARTY ${CMAKE_SOURCE_DIR}/third_party CACHE PATH
    "Where scripts/setup put SQLite and cpp-httplib")
foreach(needed sqlite/sqlite3.c sqlite/sqlite3.h httplib/httplib.h)
  if(NOT EXISTS ${BIZOND_THIRD_PARTY}/${needed})
    message(FATAL_ERROR "${BIZOND_THIRD_PARTY}/${needed} is missing: run scripts/setup first")
  endif()
endforeach()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(Poco REQUIRED Foundation)
find_library(ZSTD zstd REQUIRED)
find_library(XXHASH xxhash REQUIRED)
find_library(SQLITECPP NAMES libSQLiteCpp.a REQUIRED)

# The options follow https://www.sqlite.org/compile.html ("recommended"), plus column metadata, which
# SQLiteCpp's package was built with; extensions stay compiled in because it links them (SQLite loads
# none unless told). Lookaside stays on and secure-delete off: the defaults.
add_library(bizond_sqlite STATIC ${BIZOND_THIRD_PARTY}/sqlite/sqlite3.c)
target_include_directories(bizond_sqlite SYSTEM PUBLIC ${BIZOND_THIRD_PARTY}/sqlite)
target_compile_definitions(bizond_sqlite PUBLIC
  SQLITE_DQS=0 SQLITE_THREADSAFE=2 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_MAX_EXPR_DEPTH=0 SQLITE_OMIT_DEPRECATED SQLITE_OMIT_SHARED_CACHE SQLITE_USE_ALLOCA
  SQLITE_ENABLE_COLUMN_METADATA SQLITE_ENABLE_DBSTAT_VTAB)
target_compile_options(bizond_sqlite PRIVATE -O2 -w)
if(BIZOND_SANITIZE STREQUAL "address,undefined")
  # SQLite is tested under UBSan by its authors; instrumenting it again only costs minutes.
  target_compile_options(bizond_sqlite PRIVATE -fno-sanitize=undefined)
endif()

add_library(bizond_deps INTERFACE)
target_include_directories(bizond_deps SYSTEM INTERFACE ${BIZOND_THIRD_PARTY}/httplib)
target_link_libraries(bizond_deps INTERFACE
  ${SQLITECPP} bizond_sqlite fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json simdjson::simdjson
  yaml-cpp prometheus-cpp::core ZLIB::ZLIB OpenSSL::SSL OpenSSL::Crypto CURL::libcurl
  Poco::Foundation ${ZSTD} ${XXHASH} Threads::Threads)
