# What lives inside the binary, room by room.
file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/migrations/*.sql)
if(migrations AND TARGET bizond_store)
  bizond_embed(bizond_store migrations ${CMAKE_SOURCE_DIR}/migrations ${migrations})
endif()

# A connector's JSON Schema and its example job stand beside its code; `template` is what `bizond new`
# lays out.
foreach(room sources destinations)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${room}/*/schema.json
       ${CMAKE_SOURCE_DIR}/${room}/*/example*.yml ${CMAKE_SOURCE_DIR}/${room}/template/*)
  list(REMOVE_DUPLICATES files)
  if(NOT BIZOND_GRPC)
    list(FILTER files EXCLUDE REGEX "/bigquery_streaming_v2/")
  endif()
  if(files AND TARGET bizond_${room})
    bizond_embed(bizond_${room} ${room}_files ${CMAKE_SOURCE_DIR}/${room} ${files})
  endif()
endforeach()

file(GLOB sync_schemas CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sync/*.json)
if(sync_schemas AND TARGET bizond_sync)
  bizond_embed(bizond_sync sync_schemas ${CMAKE_SOURCE_DIR}/sync ${sync_schemas})
endif()

# The page is bundled first, under names that hold a hash of the content: which files there are is only
# known then.
if(TARGET bizond_web)
  set(page ${CMAKE_BINARY_DIR}/generated/page)
  file(GLOB_RECURSE page_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/page/*)
  list(FILTER page_sources EXCLUDE REGEX "/web/page/(node_modules|dist)/|/[.][^/]*$")
  add_custom_command(
    OUTPUT ${page}.stamp
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/bundle_page ${page}
    COMMAND ${CMAKE_COMMAND} -E touch ${page}.stamp
    DEPENDS ${page_sources} ${CMAKE_SOURCE_DIR}/scripts/bundle_page
    COMMENT "Bundling the page"
    VERBATIM)
  bizond_embed_folder(bizond_web page_files ${page} ${page}.stamp)
endif()
