// JSON numbers as SQLite's: an integer or a double where that is exact, text where it is not.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_SQLITE_NUMBER_H_
#define BIZOND_DESTINATIONS_SQLITE_NUMBER_H_

#include <cstdint>
#include <string_view>
#include <variant>

namespace bizond {

// `token` is a JSON number. Text: it has more digits than a cell's number keeps, and stays as
// written.
using SqliteNumber = std::variant<int64_t, double, std::string_view>;
SqliteNumber ReadNumber(std::string_view token);

// Whether a text is such a number that ReadNumber leaves as text.
bool IsOversizedNumber(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_NUMBER_H_
