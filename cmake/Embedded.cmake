# What lives inside the binary, room by room.
file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/migrations/*.sql)
if(migrations AND TARGET bizond_store)
  bizond_embed(bizond_store migrations ${CMAKE_SOURCE_DIR}/migrations ${migrations})
endif()

# A connector's JSON Schema and its example job stand beside its code.
foreach(room sources destinations)
  file(GLOB schemas CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${room}/*/schema.json
       ${CMAKE_SOURCE_DIR}/${room}/*/example*.yml)
  if(schemas AND TARGET bizond_${room})
    bizond_embed(bizond_${room} ${room}_files ${CMAKE_SOURCE_DIR}/${room} ${schemas})
  endif()
endforeach()

file(GLOB sync_schemas CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sync/*.json)
if(sync_schemas AND TARGET bizond_sync)
  bizond_embed(bizond_sync sync_schemas ${CMAKE_SOURCE_DIR}/sync ${sync_schemas})
endif()
