# bizond_embed(TARGET NAME ROOT files...): compiles files into TARGET as one table. The header
# "embedded/NAME.h" declares `std::span<const bizond::EmbeddedFile> bizond::embedded::NAME()`, each with
# its path relative to ROOT and its bytes. See base/embedded_file.h.
#
# bizond_embed_folder(TARGET NAME FOLDER STAMP): the same for a folder whose files are only known once
# the rule that makes STAMP has run.
function(bizond_embed target name root)
  _bizond_embed(${target} ${name} ${root} "${ARGN}" "${ARGN}")
endfunction()

function(bizond_embed_folder target name folder stamp)
  _bizond_embed(${target} ${name} ${folder} "" ${stamp})
endfunction()

function(_bizond_embed target name root files depends)
  set(output ${CMAKE_BINARY_DIR}/generated/embedded/${name}.cc)
  set(header ${CMAKE_BINARY_DIR}/generated/embedded/${name}.h)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedFiles.cmake)
  add_custom_command(
    OUTPUT ${output} ${header}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DHEADER=${header} -DNAME=${name} -DROOT=${root}
            "-DFILES=${files}" -P ${script}
    DEPENDS ${depends} ${script}
    COMMENT "Embedding ${name}"
    VERBATIM)
  # A source of the target too, so that every other source of it waits for the header.
  target_sources(${target} PRIVATE ${output} ${header})
  set_property(GLOBAL APPEND PROPERTY BIZOND_GENERATED ${output} ${header})
endfunction()
