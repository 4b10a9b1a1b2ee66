# gRPC and protobuf, for the destinations that speak to a service by them. Linked statically: as shared
# libraries they are forty more files for the loader to find and relocate at every start of the binary.
if(NOT BIZOND_GRPC)
  return()
endif()
find_program(PROTOC protoc)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPC grpc++ protobuf)
if(NOT PROTOC OR NOT GRPC_CPP_PLUGIN OR NOT GRPC_FOUND)
  message(FATAL_ERROR "gRPC is missing: run scripts/setup first, or configure with -DBIZOND_GRPC=OFF, "
                      "which leaves out the destination bigquery_streaming_v2")
endif()

# What pkg-config lists for a static link, each as its archive; what the binary has as shared libraries
# anyway (OpenSSL, zlib, the C library's parts) stays shared.
set(BIZOND_GRPC_ARCHIVES "")
set(names ${GRPC_STATIC_LIBRARIES})
list(REMOVE_DUPLICATES names)
foreach(name IN LISTS names)
  if(name MATCHES "^(ssl|crypto|z|dl|rt|m|pthread|atomic)$")
    continue()
  endif()
  find_library(BIZOND_GRPC_${name} NAMES lib${name}.a NO_CACHE REQUIRED)
  list(APPEND BIZOND_GRPC_ARCHIVES ${BIZOND_GRPC_${name}})
endforeach()

# bizond_proto(NAME FILE): the library NAME of a .proto file's generated code. It is included as
# <proto/<file>.pb.h>, is not held to our warnings, and is made again only when the file changes.
function(bizond_proto name file)
  get_filename_component(stem ${file} NAME_WE)
  get_filename_component(folder ${file} DIRECTORY)
  set(into ${CMAKE_BINARY_DIR}/generated_system/proto)
  file(MAKE_DIRECTORY ${into})
  set(made ${into}/${stem}.pb.cc ${into}/${stem}.grpc.pb.cc)
  set(headers ${into}/${stem}.pb.h ${into}/${stem}.grpc.pb.h)
  add_custom_command(
    OUTPUT ${made} ${headers}
    COMMAND ${PROTOC} --proto_path=${folder} --cpp_out=${into} --grpc_out=${into}
            --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${file}
    DEPENDS ${file}
    COMMENT "Generating ${stem}.pb.h"
    VERBATIM)
  set_property(GLOBAL APPEND PROPERTY BIZOND_GENERATED ${made} ${headers})
  add_library(${name} STATIC ${made} ${headers})
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated_system PRIVATE ${into})
  target_compile_options(${name} PRIVATE -w)
  target_link_libraries(${name} PUBLIC ${BIZOND_GRPC_ARCHIVES} OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
                        Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

bizond_proto(bizond_bigquery_write
  ${CMAKE_SOURCE_DIR}/destinations/bigquery_streaming_v2/bigquery_write.proto)
