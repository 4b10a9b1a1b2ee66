// record_schemas: the columns that a job names for an unnested destination, in bizon's form.
//
//   record_schemas:
//     - destination_id: flights
//       record_schema: [{name: id, type: INTEGER}, {name: city, type: STRING}]
//       clustering_keys: [city]
//
// A column of type RECORD has `fields` of the same form, which bizon itself does not have.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_RECORD_SCHEMAS_H_
#define BIZOND_DESTINATIONS_RECORD_SCHEMAS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bizond {

struct SchemaColumn {
  std::string name;
  std::string type;  // Upper case; empty: any.
  bool required = false;
  bool repeated = false;
  std::string description;
  std::string default_value_expression;
  std::vector<SchemaColumn> fields;
};

struct RecordSchema {
  std::string destination_id;  // Empty: the entry fits every one.
  std::vector<SchemaColumn> columns;
  std::vector<std::string> clustering_keys;
};

// All entries of the config's JSON text. Code bad_record_schema, also for a column that is named
// twice.
Result<std::vector<RecordSchema>> RecordSchemasIn(std::string_view config);
// The entry of a destination_id; nullptr: there is none.
const RecordSchema* FindRecordSchema(const std::vector<RecordSchema>& schemas,
                                     std::string_view destination_id);

// The columns of one destination_id in the config's JSON text; empty: the job names none. Code
// bad_record_schema for schemas of other destinations only, and for a column that is named twice.
Result<std::vector<SchemaColumn>> RecordSchemaOf(std::string_view config,
                                                 std::string_view destination_id);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_RECORD_SCHEMAS_H_
