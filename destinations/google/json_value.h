// One value of a record as the JSON that BigQuery takes for a column of a type.
//
// A value goes over only when nothing of it is lost: numbers keep every digit, times every
// microsecond. Google's services parse what the JSON holds as text (an INTEGER beyond 2^53, a
// NUMERIC) without a double in between.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_JSON_VALUE_H_
#define BIZOND_DESTINATIONS_GOOGLE_JSON_VALUE_H_

#include <optional>
#include <string>
#include <string_view>

#include "destinations/google/table_schema.h"

namespace bizond {

// How the JSON is sent.
enum class RowForm {
  kLoad,       // An NDJSON load job: a JSON column holds the value itself.
  kInsertAll,  // A JSON column holds the value's text, as a string.
};

// Appends `token`, a JSON value that is not null, for a column of `type`, which is no RECORD. When
// it does not fit, the answer is what the column takes ("takes true and false"), and `out` may have
// gained a part.
std::optional<std::string_view> AppendJsonValue(std::string_view token, BigQueryType type,
                                                RowForm form, std::string* out);

// Why BigQuery refuses a JSON value, whatever column of type JSON it is for: an escape of a lone
// surrogate, a number that no double reaches, more than 500 levels. nullopt: it takes it.
std::optional<std::string_view> WhyNoJson(std::string_view token);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_JSON_VALUE_H_
