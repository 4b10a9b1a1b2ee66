// JobSchema pieces: the common schema and the connectors' merged into one draft-7 schema.
//
// A connector's `properties` stand beside the common ones (its own wins where both say something),
// its `required` adds to them, its `definitions` go to the root, and every other keyword of its
// root is put into an `allOf`. `"additionalProperties": true` is taken over.
//
// Threads: pure functions.
#ifndef BIZOND_SYNC_JOB_SCHEMA_H_
#define BIZOND_SYNC_JOB_SCHEMA_H_

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace bizond {

// Of sync/job.schema.json, as embedded.
const nlohmann::json& CommonJobSchema();

// Empty texts: the connector is not known, and its keys are not checked. Throws std::logic_error on
// a schema that is not JSON: it is embedded, and a test reads them all.
nlohmann::json MergeJobSchema(std::string_view source_schema, std::string_view destination_schema);

// The schema that a "$ref": "#/..." leads to, or `schema` itself. Keywords beside a $ref are
// ignored by draft 7; `description`, `default` and `writeOnly` are read from the outer one by those
// who call this.
const nlohmann::json& FollowReference(const nlohmann::json& root, const nlohmann::json& schema);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_SCHEMA_H_
