#include "sync/job_document_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bizond {
namespace {

// Length of the UTF-8 character at the start of `text` by RFC 3629; 0: there is none.
size_t Utf8Length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF5 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

bool IsControl(unsigned char c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

bool IsPlainKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

constexpr struct {
  std::string_view part;
  std::string_view message;
  std::string_view remedy;
} kYamlProblems[] = {
    {"illegal map value", "there is a colon where no key can stand",
     "Put a value that holds \": \" in quotes, and check the indentation."},
    {"illegal map key", "a key stands where none can", "Check the indentation and the colons."},
    {"illegal tab", "a tab is used for indentation", "Indent by spaces: YAML takes no tabs."},
    {"end of map flow", "a { is not closed", "Add the missing }."},
    {"end of sequence flow", "a [ is not closed", "Add the missing ]."},
    {"end of map not found", "the indentation does not fit the lines above",
     "Indent the keys of one mapping equally, and write a space after each colon."},
    {"end of sequence not found", "the indentation does not fit the list above",
     "Indent the items of one list equally."},
    {"illegal EOF in scalar", "a quote is not closed", "Add the missing quote."},
    {"illegal document indicator", "a quote is not closed", "Add the missing quote."},
    {"unknown escape", "there is no such escape in a text in double quotes",
     "Use single quotes, or double each backslash."},
    {"the referenced anchor", "an alias refers to an anchor that is not defined",
     "Define it with & before its use, or put the text in quotes if it is no alias."},
    {"alias not found", "a * stands without the name of an anchor",
     "Put a value that begins with * in quotes, as in cron: \"* * * * *\"."},
    {"bad character found while scanning alias", "the name of an alias holds a bad character",
     "Put a value that begins with * in quotes, as in cron: \"*/5 * * * *\"."},
    {"illegal character found while scanning alias", "the name of an alias holds a bad character",
     "Put a value that begins with * in quotes, as in cron: \"*/5 * * * *\"."},
    {"unknown token", "this character begins no value",
     "Put a value that begins with @ or ` in quotes."},
    {"recursion", "nested too deep", "Flatten it."},
    {"stack", "nested too deep", "Flatten it."},
    {"block entry", "a list's item stands where none can", "Check the indentation of the dashes."},
};

}  // namespace

std::optional<JobIssue> CheckJobText(std::string_view text) {
  if (text.size() > DocumentLimits::kBytes) {
    return JobIssue{"", 0, 0, fmt::format("the text has {} bytes, more than 1 MiB", text.size()),
                    "A job is a definition, not data: make it shorter."};
  }
  int line = 1;
  int column = 1;
  for (size_t i = 0; i < text.size();) {
    size_t length = Utf8Length(text.substr(i));
    auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      return JobIssue{"", line, column, fmt::format("the byte 0x{:02X} is not UTF-8", byte),
                      "Save the file as UTF-8."};
    }
    if (IsControl(byte)) {
      return JobIssue{"", line, column,
                      fmt::format("the control character U+{:04X} is not allowed", byte),
                      "Remove it, or write it as an escape in double quotes."};
    }
    ++column;
    if (byte == '\n') {
      ++line;
      column = 1;
    }
    i += length;
  }
  return std::nullopt;
}

TextPositions::TextPositions(std::string_view text) : text_(text) {
  lines_.push_back(0);
  for (size_t i = text.find('\n'); i != text.npos; i = text.find('\n', i + 1)) {
    lines_.push_back(i + 1);
  }
}

Position TextPositions::At(size_t offset) const {
  auto line = std::upper_bound(lines_.begin(), lines_.end(), offset) - lines_.begin() - 1;
  size_t begin = lines_[static_cast<size_t>(line)];
  return OfYaml(static_cast<int>(line), static_cast<int>(offset - begin));
}

Position TextPositions::OfYaml(int line, int column) const {
  if (line < 0 || static_cast<size_t>(line) >= lines_.size()) return {};
  size_t begin = lines_[static_cast<size_t>(line)];
  std::string_view before = text_.substr(begin, static_cast<size_t>(std::max(column, 0)));
  // One long line with many values would make this quadratic: far to the right, bytes are counted.
  constexpr int kCountedColumns = 4096;
  if (column > kCountedColumns) return {line + 1, column + 1};
  auto characters = std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return {line + 1, static_cast<int>(characters) + 1};
}

YamlProblem ExplainYaml(std::string_view words) {
  for (const auto& problem : kYamlProblems) {
    if (words.find(problem.part) != words.npos) {
      return {fmt::format("this is not YAML: {}", problem.message), std::string(problem.remedy)};
    }
  }
  return {fmt::format("this is not YAML: {}", words), "Correct the text at this place."};
}

std::string PathText(const JobPath& path) {
  std::string text;
  for (const PathStep& step : path) {
    if (step.index >= 0) {
      text += fmt::format("[{}]", step.index);
    } else if (IsPlainKey(step.key)) {
      if (!text.empty()) text += '.';
      text += step.key.size() > 200 ? step.key.substr(0, 200) + "..." : step.key;
    } else {
      text += '[' + QuoteForMessage(step.key) + ']';
    }
  }
  return text;
}

JobPath ParsePath(std::string_view text) {
  JobPath path;
  while (!text.empty()) {
    if (text[0] == '.') {
      text.remove_prefix(1);
    } else if (text.starts_with("[\"")) {
      size_t end = text.find("\"]", 2);
      if (end == text.npos) break;
      path.push_back({std::string(text.substr(2, end - 2))});
      text.remove_prefix(end + 2);
    } else if (text[0] == '[') {
      int index = -1;
      size_t end = text.find(']');
      if (end == text.npos) break;
      std::from_chars(text.data() + 1, text.data() + end, index);
      if (index < 0) break;
      path.push_back({"", index});
      text.remove_prefix(end + 1);
    } else {
      size_t end = std::min(text.find_first_of(".["), text.size());
      path.push_back({std::string(text.substr(0, end))});
      text.remove_prefix(end);
    }
  }
  return path;
}

std::string PointerText(const JobPath& path) {
  std::string pointer;
  for (const PathStep& step : path) {
    pointer += '/';
    if (step.index >= 0) {
      pointer += std::to_string(step.index);
      continue;
    }
    for (char c : step.key) {
      if (c == '~') pointer += "~0";
      if (c == '/') pointer += "~1";
      if (c != '~' && c != '/') pointer += c;
    }
  }
  return pointer;
}

std::string QuoteForMessage(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string quoted = "\"";
  size_t shown = text.size();
  if (shown > kShown) {
    for (shown = kShown; (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80;) --shown;
  }
  for (char c : text.substr(0, shown)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + (shown < text.size() ? "...\"" : "\"");
}

}  // namespace bizond
