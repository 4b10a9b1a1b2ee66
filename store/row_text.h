// Text forms of what has no column of its own: errors, warnings and page cursors.
//
// Threads: pure functions.
#ifndef BIZOND_STORE_ROW_TEXT_H_
#define BIZOND_STORE_ROW_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/records.h"

namespace bizond {

// JSON text without secrets (Redact); nullopt stays nullopt (NULL).
std::optional<std::string> EncodeError(const std::optional<Error>& error);
// What cannot be read becomes an error that says so: a row is shown whatever its error looks like.
std::optional<Error> DecodeError(const std::optional<std::string>& text);

// The same for a run's warnings; nullopt: none. What cannot be read is left out.
std::optional<std::string> EncodeWarnings(const std::vector<RunWarningRow>& warnings);
std::vector<RunWarningRow> DecodeWarnings(const std::optional<std::string>& text);

// The last row of a page: the next one begins behind it.
struct PageKey {
  int64_t micros = 0;
  std::string text;
};
// `kind` tells the lists apart, so that a cursor of one is refused by another.
std::string EncodePageKey(char kind, const PageKey& key);
// nullopt: the first page. Code invalid_cursor_token.
Result<std::optional<PageKey>> DecodePageKey(char kind, std::string_view cursor);

// 1 to 1,000.
int PageLimit(const Page& page);

}  // namespace bizond

#endif  // BIZOND_STORE_ROW_TEXT_H_
