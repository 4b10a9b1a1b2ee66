# bizond_embed(TARGET NAME ROOT files...): compiles files into TARGET as one table. The header
# "embedded/NAME.h" declares `std::span<const bizond::EmbeddedFile> bizond::embedded::NAME()`, each with
# its path relative to ROOT and its bytes. See base/embedded_file.h.
function(bizond_embed target name root)
  set(output ${CMAKE_BINARY_DIR}/generated/embedded/${name}.cc)
  set(header ${CMAKE_BINARY_DIR}/generated/embedded/${name}.h)
  add_custom_command(
    OUTPUT ${output} ${header}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DHEADER=${header} -DNAME=${name} -DROOT=${root}
            "-DFILES=${ARGN}" -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  # Every source of the room waits for the header.
  add_custom_target(bizond_embed_${name} DEPENDS ${output} ${header})
  add_dependencies(${target} bizond_embed_${name})
endfunction()
