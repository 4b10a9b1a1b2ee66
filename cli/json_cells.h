// How the API's JSON values look in a table.
//
// Threads: pure functions.
#ifndef BIZOND_CLI_JSON_CELLS_H_
#define BIZOND_CLI_JSON_CELLS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace bizond {

// The value below `pointer` ("/source/name", RFC 6901) as a cell: a string as it is, "-" for what
// is absent or null, a list joined by commas, else JSON.
std::string Cell(const nlohmann::json& object, std::string_view pointer);

// A member that is a text; empty when it is absent or something else.
std::string MemberText(const nlohmann::json& object, std::string_view key);

// One line, also for bytes that are no UTF-8.
std::string JsonLine(const nlohmann::json& value);
// Indented by two.
std::string JsonLines(const nlohmann::json& value);

}  // namespace bizond

#endif  // BIZOND_CLI_JSON_CELLS_H_
