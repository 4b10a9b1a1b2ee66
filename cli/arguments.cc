#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <numeric>

namespace bizond {
namespace {

constexpr const char* kOperands = "operands";
constexpr const char* kUsageCode = "bad_usage";

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool IsNumber(const std::string& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// `value` stands in `choices`, which are separated by bars.
bool IsChoice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const std::string_view choice = choices.substr(0, choices.find('|'));
    if (choice == value) return true;
    choices.remove_prefix(std::min(choices.size(), choice.size() + 1));
  }
  return false;
}

Status CheckValues(const OptionRow& row, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const bool counts = row.kind == OptionKind::kCount;
    if (counts && (!IsNumber(value) || value.find_first_not_of('0') == std::string::npos)) {
      return Fail(ErrorKind::kConfig, kUsageCode,
                  fmt::format("{} takes a whole number from 1, not \"{}\"", LongName(row), value));
    }
    if (row.kind == OptionKind::kNumber && !IsNumber(value)) {
      return Fail(ErrorKind::kConfig, kUsageCode,
                  fmt::format("{} takes a whole number, not \"{}\"", LongName(row), value));
    }
    if (!row.choices.empty() && !IsChoice(row.choices, value)) {
      return Fail(ErrorKind::kConfig, kUsageCode,
                  fmt::format("{} takes {}, not \"{}\"", LongName(row), row.choices, value));
    }
  }
  return {};
}

// Keeps the parser from taking the operand "[a,b]" for a list; no word of a command holds a zero.
constexpr char kAsItIs = '\0';

std::string Marked(std::string word) {
  return word.starts_with('[') ? kAsItIs + std::move(word) : word;
}

std::vector<std::string> Unmarked(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word.starts_with(kAsItIs)) word.erase(0, 1);
  }
  return words;
}

// The parser would take `--flag=false` for the flag, and for an empty `--option=` the word behind
// it.
Result<std::vector<std::string>> Unfold(std::span<const OptionRow> options,
                                        const std::vector<std::string>& words) {
  std::vector<std::string> unfolded;
  bool only_operands = false;
  for (const std::string& word : words) {
    only_operands = only_operands || word == "--";
    const size_t equals = word.find('=');
    const auto row = std::find_if(options.begin(), options.end(), [&](const OptionRow& each) {
      return equals != std::string::npos && LongName(each) == word.substr(0, equals);
    });
    if (only_operands || row == options.end()) {
      unfolded.push_back(Marked(word));
    } else if (row->kind == OptionKind::kFlag) {
      return Fail(ErrorKind::kConfig, kUsageCode, fmt::format("{} takes no value", LongName(*row)),
                  "leave it out to say no");
    } else {
      unfolded.emplace_back(LongName(*row));
      unfolded.push_back(Marked(word.substr(equals + 1)));
    }
  }
  return unfolded;
}

Failure UnknownOption(std::string word, std::span<const OptionRow> options) {
  word = word.substr(0, word.find('='));
  std::vector<std::string> names;
  for (const OptionRow& row : options) names.emplace_back(LongName(row));
  const std::string nearest = NearestWord(word, names);
  return Fail(ErrorKind::kConfig, kUsageCode, "unknown option " + word,
              nearest.empty() ? "" : "did you mean " + nearest + "?");
}

}  // namespace

std::string_view LongName(const OptionRow& option) {
  const size_t comma = option.name.find(',');
  return comma == std::string_view::npos ? option.name : option.name.substr(comma + 1);
}

std::string NearestWord(std::string_view wrong, const std::vector<std::string>& names) {
  std::string nearest;
  // A third of the word may be wrong; of a very short one, two letters.
  size_t best = std::max<size_t>(3, wrong.size() / 3 + 1);
  for (const std::string& name : names) {
    const size_t distance = EditDistance(wrong, name);
    if (distance < best && distance < name.size()) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

Result<Arguments> Arguments::Parse(std::span<const OptionRow> options,
                                   const std::vector<std::string>& words) {
  BIZOND_ASSIGN_OR_RETURN(std::vector<std::string> unfolded, Unfold(options, words));
  CLI::App app;
  app.set_help_flag();
  CLI::Option* const operands = app.add_option(kOperands)->expected(-1)->take_all();  // Any number.
  std::vector<CLI::Option*> registered;
  for (const OptionRow& row : options) {
    const std::string name(row.name);
    if (row.kind == OptionKind::kFlag) {
      registered.push_back(app.add_flag(name));
    } else {
      registered.push_back(app.add_option(name)->expected(1));
      // Given again, an option wins over what came before: a script's own stand before its user's.
      registered.back()->multi_option_policy(row.kind == OptionKind::kRepeated
                                                 ? CLI::MultiOptionPolicy::TakeAll
                                                 : CLI::MultiOptionPolicy::TakeLast);
    }
  }
  try {
    // The parser takes its words from the back.
    std::reverse(unfolded.begin(), unfolded.end());
    app.parse(std::move(unfolded));
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = app.remaining();
    return UnknownOption(extras.empty() ? "" : extras.front(), options);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view message = error.what();
    return Fail(ErrorKind::kConfig, kUsageCode,
                fmt::format("{} takes a value", message.substr(0, message.find(':'))));
  } catch (const CLI::ParseError& error) {
    return Fail(ErrorKind::kConfig, kUsageCode, error.what());
  }
  Arguments parsed;
  parsed.operands_ = Unmarked(operands->results());
  for (size_t i = 0; i < registered.size(); ++i) {
    if (registered[i]->count() == 0) continue;
    std::vector<std::string> values = Unmarked(registered[i]->results());
    BIZOND_RETURN_IF_ERROR(CheckValues(options[i], values));
    parsed.values_.emplace(LongName(options[i]), std::move(values));
  }
  return parsed;
}

bool Arguments::Has(std::string_view name) const { return values_.find(name) != values_.end(); }

std::string Arguments::Text(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> Arguments::All(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<uint64_t> Arguments::Number(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  const std::string& text = found->second.back();
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace bizond
