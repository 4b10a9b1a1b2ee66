#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace bizond {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// C0, DEL and C1; line and paragraph separator; marks and overrides of direction, which make a line
// read other than it is; the byte order mark; tags, which nothing shows.
constexpr Range kInvisible[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f},
};

bool IsInvisible(char32_t c) {
  return std::any_of(std::begin(kInvisible), std::end(kInvisible),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

void AppendEscaped(std::string* out, char32_t c) {
  switch (c) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      break;
  }
  const auto number = static_cast<uint32_t>(c);
  *out += number < 0x80 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{{{:04x}}}", number);
}

struct Lead {
  unsigned mask;
  unsigned bits;
  size_t size;
  char32_t least;  // Below it the sequence is longer than it must be.
};
constexpr Lead kLeads[] = {
    {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

}  // namespace

std::optional<CodePoint> FirstCodePoint(std::string_view text) {
  const auto byte_at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const Lead& lead : kLeads) {
    if ((byte_at(0) & lead.mask) != lead.bits) continue;
    if (text.size() < lead.size) return std::nullopt;
    char32_t value = byte_at(0) & ~lead.mask;
    for (size_t i = 1; i < lead.size; ++i) {
      if ((byte_at(i) & 0xc0) != 0x80) return std::nullopt;
      value = value << 6 | (byte_at(i) & 0x3f);
    }
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < lead.least || value > 0x10ffff || surrogate) return std::nullopt;
    return CodePoint{value, lead.size};
  }
  return std::nullopt;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::optional<CodePoint> point = FirstCodePoint(text);
    if (!point) return false;
    text.remove_prefix(point->size_bytes);
  }
  return true;
}

std::string EscapeControls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<CodePoint> point = FirstCodePoint(text);
    const size_t size = point ? point->size_bytes : 1;
    if (!point) {
      out += "\xef\xbf\xbd";
    } else if (IsInvisible(point->value)) {
      AppendEscaped(&out, point->value);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string FoldCase(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

std::string EncodePathSegment(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string ShellQuote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace bizond
