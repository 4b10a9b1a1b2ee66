// What is done to text that comes from outside before people or machines see it.
//
// Threads: pure functions.
#ifndef BIZOND_BASE_TEXT_H_
#define BIZOND_BASE_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bizond {

struct CodePoint {
  char32_t value;
  size_t size_bytes;
};

// The UTF-8 sequence that the text begins with (RFC 3629: shortest form, no surrogates, at most
// U+10FFFF), or nullopt. The text must not be empty.
std::optional<CodePoint> FirstCodePoint(std::string_view text);

bool IsUtf8(std::string_view text);

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// ASCII letters in lower case, all else as it is.
std::string FoldCase(std::string_view text);

// Without the characters of `blank` at its end, or at both ends.
constexpr std::string_view TrimEnd(std::string_view text, std::string_view blank = " \t\r\n") {
  while (!text.empty() && std::ranges::find(blank, text.back()) != blank.end()) {
    text.remove_suffix(1);
  }
  return text;
}
constexpr std::string_view Trim(std::string_view text, std::string_view blank = " \t\r\n") {
  while (!text.empty() && std::ranges::find(blank, text.front()) != blank.end()) {
    text.remove_prefix(1);
  }
  return TrimEnd(text, blank);
}

// One line that shows on a terminal what it holds: control characters become \n, \t, \r, \xHH or
// \u{HHHH} (those that reorder or hide text as well), bytes that are no UTF-8 become U+FFFD. A line
// cannot be forged by what is put in it.
std::string EscapeControls(std::string_view text);

// Percent-encodes all but letters, digits and -._~ (RFC 3986, unreserved): one segment of a URL's
// path, or a job's name as the name of a file.
std::string EncodePathSegment(std::string_view text);

// '...' for a POSIX shell, whatever the text holds.
std::string ShellQuote(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_BASE_TEXT_H_
