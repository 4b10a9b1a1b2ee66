// Plain YAML scalars and JSON numbers, resolved without losing a digit.
//
// Threads: pure functions.
#ifndef BIZOND_SYNC_JOB_DOCUMENT_SCALAR_H_
#define BIZOND_SYNC_JOB_DOCUMENT_SCALAR_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace bizond {

// What PyYAML's safe loader makes of an unquoted scalar, with YAML 1.2's 0o17 and 1e5 as numbers
// too; dates and sexagesimal numbers stay text, as they are in JSON. Returns what is wrong, or
// nothing.
std::string ResolvePlainScalar(std::string_view text, nlohmann::json* value);

// A JSON number that is no 64-bit integer, as it was written.
std::string ResolveJsonNumber(std::string_view text, nlohmann::json* value);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_DOCUMENT_SCALAR_H_
