// The protobuf message that stands for a row of a BigQuery table, made at run time.
//
// The Storage Write API takes rows as messages of a type that the writer describes: proto2, without
// a package, with every nested type inside. A column that is no identifier of protobuf's
// (BigQuery's flexible names) gets a made-up field name and its own name as the option
// `column_name`, which the service documents for that.
//
// Reference: https://cloud.google.com/bigquery/docs/supported-data-types (Storage Write API) and
// .../docs/write-api#column_name_mapping.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_DESCRIPTOR_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_DESCRIPTOR_H_

#include <cstdint>
#include <string>

#include "destinations/google/table_schema.h"

namespace bizond {

// The number of the field of a schema's column: protobuf keeps 19000 to 19999 for itself.
inline uint32_t FieldNumber(size_t column) {
  const auto number = static_cast<uint32_t>(column) + 1;
  return number < 19000 ? number : number + 1000;
}

// The DescriptorProto in wire format.
std::string RowDescriptor(const BigQuerySchema& schema);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_DESCRIPTOR_H_
